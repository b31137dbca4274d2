import { adminSuite } from './suites/admin.ts';
import { onTidemark } from './targets.ts';

onTidemark(adminSuite);
