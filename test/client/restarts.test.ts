import { restartSuite } from './suites/restarts.ts';
import { onTidemark } from './targets.ts';

onTidemark(restartSuite);
