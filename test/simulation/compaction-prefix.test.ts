// What a power cut leaves of a log that is to be compacted, above what was committed: the beginning of what was
// appended. Offsets that compaction drops are all below.

import { beforeAll, expect, test } from 'vitest';
import { loadXxHash64 } from '../../src/base/xxhash.ts';
import { prepareCodec } from '../../src/record/index.ts';
import { amount } from '../support/amount.ts';
import { CompactionWorld } from './compaction-world.ts';

beforeAll(async () => {
  // These start in real time, which a virtual clock does not wait for.
  await loadXxHash64();
  await prepareCodec('zstd');
});

test('after a power cut no batch is kept behind one that is gone', async () => {
  const seeds = amount(25, 150);
  let cut = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const world = new CompactionWorld({ seed, segmentBytes: 400 });
    await world.run(world.open());
    for (let count = 0; count < 4; count++) await world.run(world.append());
    // Without a mark a log may be one of somebody else, with gaps of its own.
    await world.clock.advance(30_000);
    const dead = new Promise<void>((resolve) => {
      world.disk.crashAfter(1 + world.random.below(60), resolve);
    });
    const writer = async (): Promise<void> => {
      for (let count = 0; count < 20; count++) {
        void world.append();
        await world.pause();
      }
      await world.append();
    };
    await world.run(Promise.race([dead, writer()]));
    world.disk = world.disk.crash();
    await world.run(world.open());
    const found = (await world.run(world.readFrom(0))).map(({ baseOffset }) => baseOffset);
    const sent = world.batches.map(({ baseOffset }) => baseOffset);
    if (found.length < sent.length) cut += 1;
    expect({ seed, found }).toEqual({ seed, found: sent.slice(0, found.length) });
    expect(world.partition.damaged).toEqual([]);
  }
  expect(cut).toBeGreaterThan(seeds / 3);
});
