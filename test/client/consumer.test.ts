import { consumerSuite } from './suites/consumer.ts';
import { onTidemark } from './targets.ts';

onTidemark(consumerSuite);
