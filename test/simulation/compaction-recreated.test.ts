// A plan of compaction for a log that is deleted meanwhile, whose topic is then made anew under the same name.

import { beforeAll, expect, test } from 'vitest';
import { loadXxHash64 } from '../../src/base/xxhash.ts';
import { prepareCodec } from '../../src/record/index.ts';
import { readBaseOffsets, testBatch } from '../unit/storage/support.ts';
import { CompactionWorld } from './compaction-world.ts';
import { loseEnd } from './lose-end.ts';

beforeAll(async () => {
  // These start in real time, which a virtual clock does not wait for.
  await loadXxHash64();
  await prepareCodec('zstd');
});

test('a plan beside a deletion makes no file in the directory of the log that comes after', async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const world = new CompactionWorld({ seed, segmentBytes: 1500, keys: 4, delayMs: 4 });
    await world.run(world.open());
    for (let count = 0; count < 30; count++) await world.run(world.append());
    await world.clock.advance(30_000);
    // The recovery goes on in a segment that has no file yet.
    await loseEnd(world, 0.5);
    const { clock, disk, partition } = world;
    const store = world.store!;
    const wait = (ms: number) => new Promise<void>((resolve) => clock.setTimer(ms, resolve));
    const { open } = disk;
    // A crowded pool, or a slow disk.
    disk.open = async (path, mode) => {
      if (mode === 'create' && path.endsWith('.log')) await wait(400);
      return open.call(disk, path, mode);
    };
    const exchanged = async () => {
      const round = store.compaction!.run();
      await wait(seed);
      await store.deleteLog(partition);
      const log = await store.openLog({ name: 't-0', topicId: 'other', config: world.config });
      await round;
      return log;
    };
    const log = await world.run(exchanged());
    await clock.advance(1000);
    disk.open = open;
    const config = { ...world.config, segmentBytes: 1 << 20 };
    log.setConfig(config);
    for (let count = 0; count < 60; count++)
      await world.run(log.append(testBatch(count)).committed);
    const end = log.highWatermark;
    await world.run(store.close());
    await world.run(world.open(config, 'other'));
    const found = await world.run(readBaseOffsets(world.partition));
    expect({ seed, end: world.partition.endOffset }).toEqual({ seed, end });
    expect({ seed, found: found.length, damaged: world.partition.damaged }).toEqual({
      seed,
      found: 60,
      damaged: [],
    });
    await world.run(world.store!.close());
  }
});
