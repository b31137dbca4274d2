// Every file of a data directory in turn is damaged in every way (see damage.test.ts); TIDEMARK_SEEDS=5 does it for so many seeds.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { makeFixture, tryDamage } from '../support/damage.ts';
import { damages, randomFrom } from '../support/damage-plans.ts';
import { testSeed } from '../support/test-seed.ts';

const SEED = testSeed();
const SEEDS = Number(process.env['TIDEMARK_SEEDS'] ?? 1);
const root = mkdtempSync(join(tmpdir(), 'tidemark-damage-'));

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe.each(['clean', 'killed'] as const)('a data directory after a %s stop', (stop) => {
  test('is served with any one file damaged in any way', async () => {
    const fixture = await makeFixture(join(root, stop), stop);
    const wrongs: string[] = [];
    let starts = 0;
    for (let seed = SEED; seed < SEED + SEEDS; seed += 1) {
      const random = randomFrom(seed);
      for (const file of fixture.files) {
        for (const damage of damages(random)) {
          const found = await tryDamage(fixture, file, damage);
          starts += 2;
          const replay = `TIDEMARK_SEED=${seed} TIDEMARK_SEEDS=1`;
          wrongs.push(...found.map((w) => `${replay} ${file} ${JSON.stringify(damage)}: ${w}`));
        }
      }
    }
    expect(starts).toBeGreaterThan(200 * SEEDS);
    expect(wrongs).toEqual([]);
  });
});
