// What compaction does beside a log that fails and is opened anew, and beside readers that meet damage.

import { beforeAll, expect, test } from 'vitest';
import { loadXxHash64 } from '../../src/base/xxhash.ts';
import { iterateBatches, prepareCodec } from '../../src/record/index.ts';
import { loadDamage } from '../../src/storage/damage/damage-file.ts';
import { DiskError } from '../../src/storage/index.ts';
import { amount } from '../support/amount.ts';
import { patchFile } from '../unit/storage/support.ts';
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
  await world.clock.advance(30_000);
  await world.run(world.store!.close());
  await world.run(world.open());
  return world;
}

test('a log that is opened anew while a pass checks it is not taken for damaged', async () => {
  const seeds = amount(3, 12);
  let between = 0;
  for (let seed = 1; seed <= seeds; seed++) {
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
    await world.clock.advance(30_000);
    expect({ seed, damaged: world.partition.damaged }).toEqual({ seed, damaged: [] });
    world.adopt();
    await world.run(world.check());
    await world.run(world.clean());
    await world.run(world.check());
  }
  expect(between).toBe(seeds);
});

/** Changes a record of the middle batch of a segment. */
async function harm(world: CompactionWorld, base: number): Promise<void> {
  const path = `t-0/${String(base).padStart(20, '0')}.log`;
  await world.run(
    patchFile(world.disk, path, (bytes) => {
      const headers = [...iterateBatches(bytes)];
      const { position, sizeInBytes } = headers[headers.length >>> 1]!;
      const at = position + sizeInBytes - 1;
      bytes[at] = bytes[at]! ^ 4;
      return bytes;
    }),
  );
}

test('damage that a reader meets while a swap ends is kept for later starts', async () => {
  const seeds = amount(30, 60);
  let met = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const world = new CompactionWorld({ seed, segmentBytes: 2000 });
    await world.run(world.open());
    for (let count = 0; count < 40; count++) await world.run(world.append());
    await world.clock.advance(30_000);
    await world.run(world.store!.close());
    const active = await world.run(world.activeBase());
    await harm(world, 0);
    await harm(world, active);
    await world.run(world.open());
    let reading: Promise<unknown> | null = null;
    let steps = 0;
    world.disk.hook = (_operation, path) => {
      if (path.includes('cleaned-segments') || steps > 0) steps += 1;
      if (steps > seed % 30) reading ??= world.readFrom(active);
    };
    await world.run(world.clean());
    world.disk.hook = () => {};
    await world.run(Promise.resolve(reading));
    await world.clock.advance(30_000);
    const { damaged } = world.partition;
    if (reading !== null) met += 1;
    expect(damaged).toHaveLength(reading === null ? 0 : 1);
    const { lines } = world.log;
    const told = lines.filter(({ message }) => message.includes('is not compacted any more'));
    expect({ seed, told }).toEqual({ seed, told: [] });
    expect({ seed, kept: await world.run(loadDamage(world.disk, 't-0')) }).toEqual({
      seed,
      kept: damaged,
    });
  }
  expect(met).toBeGreaterThan(seeds / 12);
});
