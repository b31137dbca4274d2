// What compaction needs room for must not take a log that nobody writes to out of service.

import { beforeAll, expect, test } from 'vitest';
import { loadXxHash64 } from '../../src/base/xxhash.ts';
import { prepareCodec } from '../../src/record/index.ts';
import { DiskError } from '../../src/storage/index.ts';
import { amount } from '../support/amount.ts';
import { CompactionWorld } from './compaction-world.ts';
import { loseEnd } from './lose-end.ts';

beforeAll(async () => {
  // These start in real time, which a virtual clock does not wait for.
  await loadXxHash64();
  await prepareCodec('zstd');
});

/** A log whose last segment has no file, since a recovery has gone on behind what was lost. */
async function withoutLastFile(seed: number): Promise<CompactionWorld> {
  const world = new CompactionWorld({ seed, segmentBytes: 1500, keys: 4 });
  await world.run(world.open());
  for (let count = 0; count < 30; count++) await world.run(world.append());
  await world.caughtUp();
  await loseEnd(world, 0.5);
  await world.caughtUp();
  return world;
}

test('a full disk that refuses the file of the last segment does not fail the log', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const world = await withoutLastFile(seed);
    const { disk, log } = world;
    let refused = 0;
    disk.hook = (what, path) => {
      if (what !== 'open' || !/^t-0\/\d+\.log$/.test(path) || disk.paths().includes(path)) return;
      refused += 1;
      throw new DiskError('disk_full', path, `${path}: no room`);
    };
    await world.run(world.clean());
    await world.run(world.clean());
    expect(refused).toBeGreaterThan(1);
    expect({ seed, state: world.partition.state }).toEqual({ seed, state: 'open' });
    const told = log.lines.filter(({ message }) => message.includes('is not compacted: '));
    expect(told).toHaveLength(1);
    // What is before the last file needs none behind it.
    expect(world.store!.compaction!.stats.passes).toBeGreaterThan(0);
    disk.hook = () => {};
    await world.run(world.append());
    await world.caughtUp();
    await world.run(world.clean());
    await world.run(world.readFrom(0));
    expect(world.partition.state).toBe('open');
  }
});

test('an append that comes while compaction makes the file is written behind it', async () => {
  for (let seed = 1; seed <= amount(10, 20); seed++) {
    const world = await withoutLastFile(seed);
    const { disk } = world;
    let appended: Promise<void> | null = null;
    let seen = 0;
    disk.hook = (_what, path) => {
      // At each step of making it, from opening the file to syncing its name.
      if (seen > 0 || /^t-0\/\d+\.log$/.test(path)) seen += 1;
      if (seen > seed % 5) appended ??= world.append();
    };
    await world.run(world.clean());
    disk.hook = () => {};
    expect(appended).not.toBeNull();
    await world.run(Promise.resolve(appended));
    const { endOffset, state } = world.partition;
    expect({ seed, state }).toEqual({ seed, state: 'open' });
    world.disk = world.disk.kill();
    await world.run(world.open());
    expect(world.partition.endOffset).toBe(endOffset);
    const found = await world.run(world.readFrom(0));
    expect(found.at(-1)?.lastOffset).toBe(endOffset - 1);
  }
});
