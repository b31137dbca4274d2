// Files of a data directory, chosen by a seed, are damaged in turn in one way: the broker starts, serves every good
// batch, tells what is lost, takes new records, and does so again on the next start. All ways: damage.long.test.ts.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { makeFixture, tryDamage } from '../support/damage.ts';
import { damages, randomFrom } from '../support/damage-plans.ts';
import { testSeed } from '../support/test-seed.ts';

const SEED = testSeed();
const REPLAY = `TIDEMARK_SEED=${SEED} npx vitest run --config test/vitest.config.ts test/crash/damage.test.ts`;
const SHARES = 10;
const AT_ONCE = 4;
const root = mkdtempSync(join(tmpdir(), 'tidemark-damage-'));

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe.each(['clean', 'killed'] as const)('a data directory after a %s stop', (stop) => {
  test('is served with any one file damaged', async () => {
    const fixture = await makeFixture(join(root, stop), stop);
    const random = randomFrom(SEED);
    const wrongs: string[] = [];
    // A tenth of the files each time; the long suite takes all of them.
    const skip = Math.floor(random() * SHARES);
    const files = fixture.files.filter((_, index) => index % SHARES === skip);
    const trials = files.map((file) => {
      const ways = damages(random);
      return { file, damage: ways[Math.floor(random() * ways.length)]! };
    });
    // Each has a directory of its own, and waits for the disk most of the time.
    const takeTrials = async (): Promise<void> => {
      for (let trial = trials.shift(); trial !== undefined; trial = trials.shift()) {
        const { file, damage } = trial;
        const found = await tryDamage(fixture, file, damage);
        wrongs.push(...found.map((wrong) => `${file} ${JSON.stringify(damage)}: ${wrong}`));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, takeTrials));
    expect(fixture.files.length).toBeGreaterThan(30);
    expect(files.length).toBeGreaterThan(2);
    expect(wrongs, `replay with ${REPLAY}`).toEqual([]);
  });
});
