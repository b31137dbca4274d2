// The list of damage is what was seen once. Bytes that were read wrong (memory, a cable, the page cache) and are whole
// on the disk are served again once somebody has found them good.

import { beforeAll, describe, expect, test } from 'vitest';
import { loadXxHash64 } from '../../../../src/base/xxhash.ts';
import { iterateBatches } from '../../../../src/record/index.ts';
import { DiskError, type LogConfig, loadDamage } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import {
  batchOf,
  compactionInPlace,
  openStore,
  patchFile,
  readBaseOffsets,
  testBatch,
  testConfig,
} from '../support.ts';

const SEGMENT = `t-0/${'0'.repeat(20)}.log`;
const all = [0, 3, 6, 9, 12];

beforeAll(async () => {
  // Starts in real time, which a virtual clock does not wait for.
  await loadXxHash64();
});

async function open(disk: SimulatedDisk, changes: Partial<LogConfig> = {}) {
  const clock = new VirtualClock();
  const scrub = () => ({ bytesPerSecond: 1_000_000, intervalMs: 3_600_000 });
  const compaction = compactionInPlace(disk, clock);
  const store = await openStore(disk, { clock, tailBytesMax: 1, scrub, compaction });
  const config = { ...testConfig, ...changes };
  const log = await store.openLog({ name: 't-0', topicId: 'id', config });
  return { clock, store, log };
}

type Opened = Awaited<ReturnType<typeof open>>;

async function filled(changes: Partial<LogConfig> = {}): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ seed: 1 });
  const { clock, store, log } = await open(disk, changes);
  for (let index = 0; index < 5; index++) await clock.until(log.append(testBatch(index)).committed);
  await clock.until(store.close());
  return disk;
}

/** Where the batches of the first segment lie. */
async function places(disk: SimulatedDisk): Promise<number[]> {
  const found: number[] = [];
  await patchFile(disk, SEGMENT, (bytes) => {
    for (const { position } of iterateBatches(bytes)) found.push(position);
    return bytes;
  });
  return found;
}

/** While `work` runs, some batches of the first segment are read wrong. */
async function readWrong(
  disk: SimulatedDisk,
  batches: readonly number[],
  work: () => Promise<unknown>,
): Promise<void> {
  const at = await places(disk);
  const flip = () => {
    for (const batch of batches) disk.flipBit(SEGMENT, at[batch]! + 75);
  };
  flip();
  await work();
  flip();
}

/** A store that has read batch 1 wrong, and knows it as damaged. */
async function misread(disk: SimulatedDisk, batches = [1], changes = {}): Promise<Opened> {
  const opened = await open(disk, changes);
  const { clock, log } = opened;
  await readWrong(disk, batches, () => clock.until(readBaseOffsets(log)));
  await clock.advance(100);
  expect(log.damaged.map(({ firstOffset }) => firstOffset)).toEqual([batches[0]! * 3]);
  expect(await loadDamage(disk, 't-0')).toEqual(log.damaged);
  return opened;
}

describe('what is good again', () => {
  test('is served by the next start, whose readers look at it', async () => {
    const disk = await filled();
    const { clock, store } = await misread(disk);
    await clock.until(store.close());
    const next = await open(disk);
    expect(next.log.damaged).toHaveLength(1);
    expect(await next.clock.until(readBaseOffsets(next.log))).toEqual(all);
    expect(next.log.damaged).toEqual([]);
    expect(await next.clock.until(next.log.offsetForTimestamp(1011))).toMatchObject({ offset: 4 });
    await next.clock.advance(100);
    expect(await loadDamage(disk, 't-0')).toEqual([]);
  });

  test.each(['that a limit cuts', 'that a search passes'])(
    'is served to a read %s',
    async (how) => {
      const disk = await filled();
      const { clock, store } = await misread(disk, [1, 2, 3]);
      await clock.until(store.close());
      const { log, clock: later } = await open(disk);
      const wanted = { offset: 3, limit: 9, maxBytes: 1e6, minOneBatch: true };
      if (how === 'that a search passes') {
        expect(await later.until(log.offsetForTimestamp(1021))).toMatchObject({ offset: 7 });
      }
      const { records } = await later.until(log.read(wanted));
      const seen = [...iterateBatches(records as Buffer)].map(({ baseOffset }) => baseOffset);
      expect(seen).toEqual([3, 6]);
    },
  );

  test('is served by a recovery that has read it', async () => {
    const disk = await filled();
    const { clock, store } = await misread(disk);
    await clock.until(store.close());
    for (const name of ['clean-shutdown', SEGMENT.replace('.log', '.index')])
      await disk.remove(name);
    const next = await open(disk);
    expect(next.log.damaged).toEqual([]);
    expect(await loadDamage(disk, 't-0')).toEqual([]);
    expect(await next.clock.until(readBaseOffsets(next.log))).toEqual(all);
  });

  test('is found by the scrub, without a start', async () => {
    const small = { segmentBytes: 400 };
    const disk = await filled(small);
    const { clock, log } = await misread(disk, [1], small);
    await clock.advance(3_700_000);
    expect(log.damaged).toEqual([]);
    expect(await clock.until(readBaseOffsets(log))).toEqual(all);
  });

  test('in part is served in part', async () => {
    const disk = await filled();
    const { clock, store } = await misread(disk, [1, 2, 3]);
    await clock.until(store.close());
    await patchFile(disk, SEGMENT, (bytes) => {
      const { position } = [...iterateBatches(bytes)][2]!;
      bytes[position + 75]! ^= 4;
      return bytes;
    });
    const next = await open(disk);
    expect(await next.clock.until(readBaseOffsets(next.log))).toEqual([0, 3, 9, 12]);
    expect(next.log.damaged).toMatchObject([{ firstOffset: 6, lastOffset: 8 }]);
    expect(next.store.integrity).toMatchObject({ damagedRanges: 0 });
  });
});

test('a segment that was put back is not missing any more', async () => {
  const small = { segmentBytes: 400 };
  const disk = await filled(small);
  const names = (await disk.list('t-0')).filter((name) => name.endsWith('.log'));
  await disk.rename(`t-0/${names[1]}`, 'kept');
  const { clock, store, log } = await open(disk, small);
  await clock.until(readBaseOffsets(log));
  expect(log.damaged).toHaveLength(1);
  await clock.advance(100);
  await clock.until(store.close());
  await disk.rename('kept', `t-0/${names[1]}`);
  const next = await open(disk, small);
  expect(await next.clock.until(readBaseOffsets(next.log))).toEqual(all);
  expect(next.log.damaged).toEqual([]);
});

test('damage that cannot be read at all any more stops nobody', async () => {
  const disk = await filled();
  const at = await places(disk);
  const opened = await open(disk);
  disk.flipBit(SEGMENT, at[1]! + 75);
  await opened.clock.until(readBaseOffsets(opened.log));
  await opened.clock.until(opened.store.close());
  const { log, clock } = await open(disk);
  let refused = 0;
  disk.hook = (operation, path) => {
    if (operation !== 'read' || path !== SEGMENT || refused++ > 0) return;
    throw new DiskError('io_error', path, 'a bad sector');
  };
  expect(await clock.until(readBaseOffsets(log))).toEqual(all.filter((offset) => offset !== 3));
  expect(refused).toBeGreaterThan(0);
});

test('compaction drops nothing that is good', async () => {
  const compact = { segmentBytes: 500, cleanupCompact: true, cleanupDelete: false };
  const disk = new SimulatedDisk({ seed: 1 });
  const opened = await open(disk, compact);
  const keyed = (index: number) => {
    const [key, value] = [Buffer.from(`key ${index}`), Buffer.alloc(100, index)];
    return batchOf([{ timestamp: 1000 + index, key, value }]);
  };
  for (let index = 0; index < 9; index++)
    await opened.clock.until(opened.log.append(keyed(index)).committed);
  await opened.clock.until(opened.store.close());
  const { clock, log, store } = await open(disk, compact);
  await readWrong(disk, [1], () => clock.until(readBaseOffsets(log)));
  expect(log.damaged).toHaveLength(1);
  // Something is to be dropped, so that the segments are written anew.
  await clock.until(log.append(keyed(2)).committed);
  await clock.until(log.append(keyed(8)).committed);
  await clock.until(store.compaction!.run());
  expect(store.compaction!.stats.recordsRemoved).toBeGreaterThan(0);
  const seen = await clock.until(readBaseOffsets(log));
  expect(seen).toContain(1);
  expect(seen).not.toContain(2);
  expect(log.damaged).toEqual([]);
});
