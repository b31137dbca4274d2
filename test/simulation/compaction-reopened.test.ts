// What compaction does beside a log that fails and is opened anew, or that a recovery has left with no file at its end.

import { beforeAll, expect, test } from 'vitest';
import { loadXxHash64 } from '../../src/base/xxhash.ts';
import { prepareCodec } from '../../src/record/index.ts';
import { DiskError } from '../../src/storage/index.ts';
import { CompactionWorld } from './compaction-world.ts';

beforeAll(async () => {
  // These start in real time, which a virtual clock does not wait for.
  await loadXxHash64();
  await prepareCodec('zstd');
});

/** A log of many small segments that was closed and opened again: none of its bytes is checked. */
async function reopened(seed: number): Promise<CompactionWorld> {
  const world = new CompactionWorld({ seed, segmentBytes: 500 });
  await world.run(world.open());
  for (let count = 0; count < 40; count++) await world.run(world.append());
  await world.clock.advance(10_000);
  await world.run(world.store!.close());
  await world.run(world.open());
  return world;
}

test('a log that is opened anew while a pass checks it is not taken for damaged', async () => {
  let between = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const world = await reopened(seed);
    let reads = 0;
    let tell: (() => void) | null = null;
    const soon = new Promise<void>((resolve) => {
      tell = resolve;
    });
    world.disk.hook = (operation, path) => {
      if (operation === 'read' && path.endsWith('.log') && ++reads === seed) tell?.();
    };
    const cleaning = world.clean();
    const failing = async (): Promise<void> => {
      await soon;
      const { hook } = world.disk;
      world.disk.hook = (operation, path) => {
        if (operation === 'sync') throw new DiskError('io_error', path, 'no sync');
      };
      await world.append().catch(() => {});
      world.disk.hook = hook;
      if (world.partition.state !== 'failed') throw new Error('the log has not failed');
      await world.partition.reopen();
      between += 1;
    };
    await world.run(Promise.all([cleaning, failing()]));
    await world.clock.advance(10_000);
    expect({ seed, damaged: world.partition.damaged }).toEqual({ seed, damaged: [] });
    world.adopt();
    await world.run(world.check());
    await world.run(world.clean());
    await world.run(world.check());
  }
  expect(between).toBe(12);
});
