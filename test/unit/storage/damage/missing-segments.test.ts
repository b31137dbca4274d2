// Segments that are gone, emptied or cut where a batch ends leave no bad byte behind: what is missing is told all the
// same, and compaction's gaps are not.

import { beforeAll, describe, expect, test } from 'vitest';
import { loadXxHash64 } from '../../../../src/base/xxhash.ts';
import { iterateBatches } from '../../../../src/record/index.ts';
import { type LogConfig, MemoryDisk } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../../support/captured-log.ts';
import {
  batchOf,
  compactionInPlace,
  openStore,
  patchFile,
  readBaseOffsets,
  testConfig,
} from '../support.ts';

const BATCHES = 30;
const all = Array.from({ length: BATCHES }, (_, index) => index * 3);

beforeAll(async () => {
  // Starts in real time, which a virtual clock does not wait for.
  await loadXxHash64();
});

async function open(disk: MemoryDisk, changes: Partial<LogConfig> = {}, scrub = false) {
  const captured = capturedLog();
  const clock = new VirtualClock();
  const store = await openStore(disk, {
    clock,
    logger: captured.logger,
    tailBytesMax: 1,
    compaction: compactionInPlace(disk, clock),
    ...(scrub && { scrub: () => ({ bytesPerSecond: 1_000_000, intervalMs: 3_600_000 }) }),
  });
  const config = { ...testConfig, segmentBytes: 1000, ...changes };
  const log = await store.openLog({ name: 't-0', topicId: 'id', config });
  return { store, log, clock, lines: captured.lines };
}

/** Three records; every fifth batch has the same keys, so that compaction drops most of the log. */
function keyed(index: number) {
  const records = Array.from({ length: 3 }, (_, i) => ({
    timestamp: 1000 + index * 10 + i,
    key: Buffer.from(`key ${index % 5} ${i}`),
    value: Buffer.from(`value ${index} ${'x'.repeat(index % 40)}`),
  }));
  return batchOf(records);
}

async function filled(changes: Partial<LogConfig> = {}): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const { store, log } = await open(disk, changes);
  for (let index = 0; index < BATCHES; index++) await log.append(keyed(index)).committed;
  await store.close();
  return disk;
}

async function segments(disk: MemoryDisk): Promise<string[]> {
  return (await disk.list('t-0')).filter((name) => name.endsWith('.log')).sort();
}

/** First offset of each batch of a segment file. */
async function batchesOf(disk: MemoryDisk, name: string): Promise<number[]> {
  const found: number[] = [];
  await patchFile(disk, `t-0/${name}`, (bytes) => {
    found.push(...[...iterateBatches(bytes)].map((header) => header.baseOffset));
    return bytes;
  });
  return found;
}

/** What was done to a segment: how many of its batches are left. */
const harms = [
  ['deleted', 0],
  ['emptied', 0],
  ['cut behind its first batch', 1],
] as const;

async function harm(disk: MemoryDisk, name: string, how: string): Promise<void> {
  if (how === 'deleted') await disk.remove(`t-0/${name}`);
  else if (how === 'emptied') await patchFile(disk, `t-0/${name}`, () => Buffer.alloc(0));
  else {
    await patchFile(disk, `t-0/${name}`, (bytes) => {
      const [, second] = [...iterateBatches(bytes)];
      return bytes.subarray(0, second?.position);
    });
  }
}

const compact = { cleanupCompact: true, cleanupDelete: false };

describe.each([
  ['a log', {}],
  ['a log that is to be compacted', compact],
])('in %s', (_, changes) => {
  test.each(harms)(
    'a segment in the middle that was %s is told with its offsets',
    async (how, left) => {
      const disk = await filled(changes);
      const names = await segments(disk);
      const lost = (await batchesOf(disk, names[2]!)).slice(left);
      const expected = all.filter((offset) => !lost.includes(offset));
      await harm(disk, names[2]!, how);
      for (const way of ['read', 'load', 'scrub'] as const) {
        const copy = await open(disk, changes, way === 'scrub');
        if (way === 'read') expect(await readBaseOffsets(copy.log)).toEqual(expected);
        if (way === 'load') for await (const batch of copy.log.batches(0)) void batch;
        if (way === 'scrub') await copy.clock.advance(120_000);
        const range = { firstOffset: lost[0], lastOffset: lost.at(-1)! + 2, bytes: 0 };
        expect({ way, damaged: copy.log.damaged }).toMatchObject({ way, damaged: [range] });
        expect(copy.store.integrity).toMatchObject({
          damagedRanges: 1,
          damagedOffsets: lost.length * 3,
        });
        expect(copy.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
        await copy.clock.advance(10);
        await copy.store.close();
        // Known from now on: told once.
        await disk.remove('t-0/damaged-ranges');
      }
    },
  );

  test('a first segment that is gone is told by the start', async () => {
    const disk = await filled(changes);
    const names = await segments(disk);
    const lost = await batchesOf(disk, names[0]!);
    await disk.remove(`t-0/${names[0]}`);
    const first = await open(disk, changes);
    expect(first.log.damaged).toMatchObject([{ firstOffset: 0, lastOffset: lost.at(-1)! + 2 }]);
    expect(first.store.integrity).toMatchObject({ damagedOffsets: lost.length * 3 });
    expect(await readBaseOffsets(first.log)).toEqual(all.filter((o) => !lost.includes(o)));
    await first.store.close();
    expect((await open(disk, changes)).store.integrity).toMatchObject({ damagedOffsets: 0 });
  });
});

test('a log whose only segment is gone tells what it held', async () => {
  const disk = await filled({ segmentBytes: 100_000 });
  await disk.remove('t-0/00000000000000000000.log');
  const { log, store } = await open(disk);
  expect(log.endOffset).toBe(BATCHES * 3);
  expect(store.integrity).toMatchObject({ damagedRanges: 1, damagedOffsets: BATCHES * 3 });
});

test('readers whose topic wants that stop at offsets that are missing', async () => {
  const disk = await filled();
  const names = await segments(disk);
  const lost = await batchesOf(disk, names[2]!);
  await disk.remove(`t-0/${names[2]}`);
  const { log } = await open(disk, { damagedRecords: 'stop' });
  const at = { offset: lost[0]!, limit: log.highWatermark, maxBytes: 500, minOneBatch: true };
  await expect(log.read(at)).rejects.toMatchObject({ code: 'CORRUPT_MESSAGE' });
});

test('what retention takes is not told, also when a kill comes at once', async () => {
  const disk = await filled();
  const { log, clock } = await open(disk);
  log.setConfig({ ...testConfig, segmentBytes: 1000, retentionBytes: 1500 });
  expect(await log.applyRetention(clock.now())).toBeGreaterThan(2);
  // As a kill leaves it: nothing more is written.
  const next = await open(disk);
  expect(next.log.startOffset).toBe(log.startOffset);
  expect(next.store.integrity).toMatchObject({ damagedRanges: 0 });
});

describe('a compacted log', () => {
  async function compacted(): Promise<MemoryDisk> {
    const disk = new MemoryDisk();
    const { store, log, clock } = await open(disk, compact);
    for (let index = 0; index < BATCHES; index++) {
      await log.append(keyed(index)).committed;
      // Several passes, so that what was cleaned is cleaned and merged again.
      if (index % 10 === 9) await clock.until(store.compaction!.run());
    }
    expect((await readBaseOffsets(log)).length).toBeLessThan(15);
    expect(store.integrity).toMatchObject({ damagedRanges: 0 });
    await clock.until(store.close());
    return disk;
  }

  test('has gaps that nobody is told of', async () => {
    const disk = await compacted();
    const { log, store, clock } = await open(disk, compact, true);
    await readBaseOffsets(log);
    for await (const batch of log.batches(0)) void batch;
    await clock.advance(120_000);
    expect(log.damaged).toEqual([]);
    expect(store.integrity).toMatchObject({ damagedRanges: 0 });
  });

  test.each(harms)('tells of a segment that was %s', async (how, left) => {
    const disk = await compacted();
    const names = await segments(disk);
    expect(names.length).toBeGreaterThan(2);
    for (const name of names.slice(1, -1)) {
      const lost = (await batchesOf(disk, name)).slice(left);
      if (lost.length === 0) continue;
      await harm(disk, name, how);
      const { log, store } = await open(disk, compact);
      await readBaseOffsets(log);
      const told = log.damaged.filter(
        ({ firstOffset, lastOffset }) => firstOffset <= lost[0]! && lastOffset >= lost.at(-1)! + 2,
      );
      expect({ name, told: told.length, damaged: log.damaged }).toMatchObject({ name, told: 1 });
      await store.close();
    }
  });
});
