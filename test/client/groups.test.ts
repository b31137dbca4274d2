import { groupSuite } from './suites/groups.ts';
import { onTidemark } from './targets.ts';

onTidemark(groupSuite);
