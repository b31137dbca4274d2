import { producerSuite } from './suites/producer.ts';
import { onTidemark } from './targets.ts';

onTidemark(producerSuite);
