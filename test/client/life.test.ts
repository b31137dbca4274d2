import { describe } from 'vitest';
import { cyclesSuite } from './suites/cycles.ts';
import { lifeSuite } from './suites/life.ts';
import { onTidemark } from './targets.ts';

onTidemark(lifeSuite);
describe('a hundred clients', () => cyclesSuite(100));
