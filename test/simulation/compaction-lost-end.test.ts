// A recovery that found less than was committed goes on in a new segment. What compaction then makes of the one before,
// and a crash after that, must not look like another loss.

import { beforeAll, expect, test } from 'vitest';
import { loadXxHash64 } from '../../src/base/xxhash.ts';
import { prepareCodec } from '../../src/record/index.ts';
import { amount } from '../support/amount.ts';
import { CompactionWorld } from './compaction-world.ts';
import { loseEnd } from './lose-end.ts';

beforeAll(async () => {
  // These start in real time, which a virtual clock does not wait for.
  await loadXxHash64();
  await prepareCodec('zstd');
});

for (const share of [0, 0.5, 0.9]) {
  for (const then of ['nothing', 'append', 'append and clean'] as const) {
    test(`with ${share} of the last file left, compaction, ${then} and a crash, nothing more is lost`, async () => {
      for (let seed = 1; seed <= amount(2, 6); seed++) {
        const world = new CompactionWorld({ seed, segmentBytes: 1500, keys: 4 });
        await world.run(world.open());
        for (let count = 0; count < 30; count++) await world.run(world.append());
        await world.clock.advance(30_000);
        await loseEnd(world, share);
        const { damagedRanges } = world.store!.integrity!;
        expect({ seed, damagedRanges }).toEqual({ seed, damagedRanges: 1 });
        await world.clock.advance(30_000);
        await world.run(world.clean());
        expect(world.store!.compaction!.stats.passes).toBeGreaterThan(0);
        await world.clock.advance(30_000);
        if (then !== 'nothing') {
          for (let count = 0; count < 3; count++) await world.run(world.append());
        }
        if (then === 'append and clean') {
          await world.clock.advance(30_000);
          await world.run(world.clean());
        }
        const end = world.partition.endOffset;
        for (let round = 0; round < 2; round++) {
          world.disk = seed % 2 === 0 ? world.disk.kill() : world.disk.crash();
          world.log.lines.length = 0;
          await world.run(world.open());
          expect(world.partition.endOffset).toBe(end);
          await world.run(world.readFrom(0));
          await world.run(world.scanAll());
          await world.clock.advance(30_000);
          const errors = world.log.lines.filter(({ level }) => level === 'error');
          expect({ seed, round, errors }).toEqual({ seed, round, errors: [] });
        }
      }
    });
  }
}
