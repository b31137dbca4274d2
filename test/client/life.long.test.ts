import { describe } from 'vitest';
import { cyclesSuite } from './suites/cycles.ts';

describe('a thousand clients', () => cyclesSuite(1_000));
