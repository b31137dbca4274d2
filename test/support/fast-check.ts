// fast-check with the seed of test-seed.ts where that is fixed; else it draws its own. It prints the seed and the path
// to the counterexample when a property fails: TIDEMARK_SEED takes the seed.

import * as fc from 'fast-check';
import { isSeedFixed, testSeed } from './test-seed.ts';

if (isSeedFixed()) fc.configureGlobal({ seed: testSeed() });

export { fc };
