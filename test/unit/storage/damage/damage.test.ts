import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { BatchHeader, computeBatchCrc, iterateBatches } from '../../../../src/record/index.ts';
import { type LogConfig, MemoryDisk } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../../support/captured-log.ts';
import {
  filesBelow,
  openStore,
  patchFile,
  readBaseOffsets,
  testBatch,
  testConfig,
} from '../support.ts';

const SEGMENT = 't-0/00000000000000000000.log';
const config: LogConfig = { ...testConfig, segmentBytes: 100_000 };
const all = Array.from({ length: 60 }, (_, index) => index * 3);

async function open(disk: MemoryDisk, changes: Partial<LogConfig> = {}, scrubRate = 0) {
  const captured = capturedLog();
  const clock = new VirtualClock();
  const store = await openStore(disk, {
    clock,
    logger: captured.logger,
    ...(scrubRate > 0 && {
      scrub: () => ({ bytesPerSecond: scrubRate, intervalMs: 3_600_000 }),
    }),
  });
  const log = await store.openLog({
    name: 't-0',
    topicId: 'id',
    config: { ...config, ...changes },
  });
  return { store, log, clock, lines: captured.lines };
}

/** Sixty batches of three records, closed cleanly; then one byte of the file is changed. */
async function harmed(change: (bytes: Buffer, at: number) => void, changes = {}, batch = 20) {
  const disk = new MemoryDisk();
  const { store, log } = await open(disk, changes);
  for (let index = 0; index < 60; index++) log.append(testBatch(index));
  await log.flush();
  await store.close();
  await patchFile(disk, SEGMENT, (bytes) => {
    const positions = [...iterateBatches(bytes)].map((header) => header.position);
    change(bytes, positions[batch] as number);
    return bytes;
  });
  return disk;
}

const flip = (at: number) => (bytes: Buffer, batch: number) => {
  bytes[batch + at] = (bytes[batch + at] as number) ^ 4;
};

async function settle(clock: VirtualClock) {
  await clock.advance(10);
}

describe('a batch damaged since the last clean stop', () => {
  const places: [string, number][] = [
    ['the base offset, downwards or far up', 7],
    ['the base offset, beyond the safe integers', 0],
    ['the length', 10],
    ['the leader epoch', 15],
    ['the magic byte', 16],
    ['the checksum', 18],
    ['the last offset delta', 26],
    ['the largest timestamp', 42],
    ['the record count', 60],
    ['the records', 75],
  ];

  test.each(places)('in %s is never served and costs itself alone', async (name, at) => {
    // The epoch is outside of the checksum and shifts nothing: nobody can tell.
    const lost = name === 'the leader epoch' ? -1 : 60;
    for (const from of [0, 30, 59, 60, 61, 62, 63, 100]) {
      const { log } = await open(await harmed(flip(at)));
      const first = from - (from % 3);
      const expected = all.filter((o) => o >= first && o !== lost);
      expect([from, await readBaseOffsets(log, from)]).toEqual([from, expected]);
    }
  });

  test('is reported, counted, kept for the next start and copied aside', async () => {
    const disk = await harmed(flip(75));
    const { log, store, lines, clock } = await open(disk);
    expect(log.damaged).toEqual([]);
    await readBaseOffsets(log);
    expect(log.damaged).toMatchObject([{ firstOffset: 60, lastOffset: 62, segmentBaseOffset: 0 }]);
    expect(store.integrity).toMatchObject({ damagedRanges: 1, damagedOffsets: 3 });
    await settle(clock);
    const errors = lines.filter(({ level }) => level === 'error');
    expect(errors.map(({ message }) => message)).toEqual([
      't-0: offsets 60 to 62 are damaged and skipped',
    ]);
    const aside = (await filesBelow(disk)).filter((path) => path.startsWith('quarantine/'));
    expect(aside.map((path) => path.slice(-4)).sort()).toEqual(['.bin', 'json']);
    expect((await disk.stat(aside.find((path) => path.endsWith('.bin')) as string))?.bytes).toBe(
      log.damaged[0]?.bytes,
    );
    await store.close();
    const next = await open(disk);
    expect(next.log.damaged).toEqual(log.damaged);
    expect(await readBaseOffsets(next.log)).toEqual(all.filter((o) => o !== 60));
    expect(next.store.integrity).toMatchObject({ damagedRanges: 0 });
  });

  test('that is no batch costs no offset where the one due comes next', async () => {
    const disk = new MemoryDisk();
    const before = await open(disk, { segmentBytes: 5000 });
    for (let index = 0; index < 60; index++) before.log.append(testBatch(index));
    await before.log.flush();
    await before.store.close();
    // Such as a cut that was not synced leaves.
    await patchFile(disk, SEGMENT, (bytes) => Buffer.concat([bytes, Buffer.alloc(700, 7)]));
    const { log, store, lines } = await open(disk, { segmentBytes: 5000, damagedRecords: 'stop' });
    expect(log.segmentCount()).toBeGreaterThan(1);
    expect(await readBaseOffsets(log)).toEqual(all);
    expect(log.damaged).toMatchObject([{ segmentBaseOffset: 0, bytes: 700 }]);
    expect(store.integrity).toMatchObject({ damagedRanges: 1, damagedOffsets: 0 });
    const errors = lines.filter(({ level }) => level === 'error');
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^t-0: 700 bytes before offset \d+ are no batch .* no offset is missing$/,
      ),
    ]);
  });

  test('stops readers whose topic wants that', async () => {
    const disk = await harmed(flip(75));
    const { log } = await open(disk, { damagedRecords: 'stop' });
    const read = (offset: number) =>
      log.read({ offset, limit: log.highWatermark, maxBytes: 100_000, minOneBatch: true });
    const before = await read(0);
    const bytes = before.records as Buffer;
    expect([...iterateBatches(bytes)].at(-1)?.lastOffset).toBe(59);
    for (const offset of [60, 61, 62]) {
      await expect(read(offset)).rejects.toMatchObject({ code: 'CORRUPT_MESSAGE' });
    }
    expect((await read(63)).byteLength).toBeGreaterThan(0);
    log.setConfig(config);
    expect([...iterateBatches((await read(61)).records as Buffer)][0]?.baseOffset).toBe(63);
  });

  test('stops them also where the rest of the segment is gone', async () => {
    const disk = await harmed((bytes, at) => bytes.fill(7, at));
    const { log } = await open(disk, { damagedRecords: 'stop' });
    const read = (offset: number) =>
      log.read({ offset, limit: log.highWatermark, maxBytes: 500, minOneBatch: true });
    await expect(read(60)).rejects.toMatchObject({ code: 'CORRUPT_MESSAGE' });
    await expect(read(179)).rejects.toMatchObject({ code: 'CORRUPT_MESSAGE' });
    expect((await read(59)).byteLength).toBeGreaterThan(0);
  });

  test('is stepped over by loads and by searches for times', async () => {
    for (const policy of ['skip', 'stop'] as const) {
      const { log } = await open(await harmed(flip(75)), { damagedRecords: policy });
      const seen: number[] = [];
      for await (const batch of log.batches(0)) {
        const header = new BatchHeader(batch);
        expect(computeBatchCrc(batch)).toBe(header.crc);
        seen.push(header.baseOffset);
      }
      expect(seen).toEqual(all.filter((o) => o !== 60));
    }
    const { log } = await open(await harmed(flip(75)));
    expect(await log.offsetForTimestamp(1000 + 20 * 10)).toMatchObject({ offset: 63 });
    expect(await log.offsetForTimestamp(1000 + 19 * 10 + 1)).toMatchObject({ offset: 58 });
    const last = await open(await harmed(flip(75), {}, 59));
    expect(await last.log.offsetForTimestamp(1000 + 59 * 10)).toBeNull();
    expect(await last.log.maxTimestamp()).toMatchObject({ offset: 176 });
  });

  test('offsets that are missing between two good batches are reported and passed', async () => {
    const disk = new MemoryDisk();
    const { store, log } = await open(disk);
    for (let index = 0; index < 60; index++) log.append(testBatch(index));
    await log.flush();
    await store.close();
    let bytes = 0;
    await patchFile(disk, SEGMENT, (file) => {
      const at = [...iterateBatches(file)].map(({ position }) => position);
      const rest = Buffer.concat([file.subarray(0, at[20]), file.subarray(at[21])]);
      bytes = rest.length;
      // As long as before, or the end would give it away.
      return Buffer.concat([rest, Buffer.alloc(file.length - rest.length)]);
    });
    expect(bytes).toBeGreaterThan(0);
    const next = await open(disk);
    expect(await readBaseOffsets(next.log)).toEqual(all.filter((o) => o !== 60));
    expect(next.log.damaged).toContainEqual(
      expect.objectContaining({ firstOffset: 60, lastOffset: 62, bytes: 0 }),
    );
    const seen: number[] = [];
    for await (const batch of next.log.batches(0)) seen.push(new BatchHeader(batch).baseOffset);
    expect(seen).toEqual(all.filter((o) => o !== 60));
  });
});

describe('what is checked', () => {
  test('once: a second reader costs no further check', async () => {
    const disk = await harmed(() => {});
    const { log, store } = await open(disk);
    await readBaseOffsets(log);
    const { verifiedBytes } = store.integrity ?? { verifiedBytes: 0 };
    expect(verifiedBytes).toBe((await disk.stat(SEGMENT))?.bytes);
    await readBaseOffsets(log);
    expect(store.integrity?.verifiedBytes).toBe(verifiedBytes);
  });

  test('not what this process wrote itself', async () => {
    const disk = new MemoryDisk();
    const { log, store } = await open(disk);
    for (let index = 0; index < 60; index++) log.append(testBatch(index));
    await log.flush();
    expect(await readBaseOffsets(log)).toEqual(all);
    expect(store.integrity?.verifiedBytes).toBe(0);
  });
});

describe('readers that go on where they stopped', () => {
  test('get the same as those who search, many at once, also past damage that comes meanwhile', async () => {
    const disk = await harmed(() => {});
    const { log } = await open(disk);
    const random = new SeededRandom(3);
    const readers = Array.from({ length: 12 }, () => ({ offset: 0, seen: [] as number[] }));
    for (let step = 0; step < 900; step++) {
      const reader = readers[random.below(readers.length)] as (typeof readers)[number];
      const { offset } = reader;
      if (offset >= log.highWatermark) continue;
      const limit = log.highWatermark;
      const maxBytes = 150 + random.below(600);
      const read = await log.read({ offset, limit, maxBytes, minOneBatch: true });
      for (const header of iterateBatches(read.records as Buffer)) {
        reader.seen.push(header.baseOffset);
        reader.offset = header.nextOffset;
      }
      expect(reader.offset).toBeGreaterThan(offset);
    }
    for (const { seen } of readers) expect(seen).toEqual(all.slice(0, seen.length));
    expect(Math.max(...readers.map(({ offset }) => offset))).toBe(180);
  });

  test('cost one read of the file each, with a second one only where they must search', async () => {
    const disk = await harmed(() => {});
    let reads = 0;
    const counting = new Proxy(disk, {
      get(target, name) {
        const own = Reflect.get(target, name);
        if (name !== 'open') return typeof own === 'function' ? own.bind(target) : own;
        return async (path: string, mode: 'read' | 'write' | 'create') => {
          const file = await target.open(path, mode);
          const inner = file.read.bind(file);
          // What cannot be had at once takes the long way.
          file.readNow = () => -1;
          file.read = (into, position) => {
            if (path === SEGMENT) reads++;
            return inner(into, position);
          };
          return file;
        };
      },
    });
    const { log } = await open(counting);
    await readBaseOffsets(log);
    reads = 0;
    let answers = 0;
    let searches = 0;
    let known = false;
    const limit = log.highWatermark;
    for (let offset = 0; offset < limit; answers++) {
      if (!known) searches++;
      const read = await log.read({ offset, limit, maxBytes: 700, minOneBatch: true });
      let left = read.byteLength;
      for (const header of iterateBatches(read.records as Buffer)) {
        offset = header.nextOffset;
        left -= header.sizeInBytes;
      }
      // With less of the next batch than its header, that has to be looked for.
      known = left >= 61;
    }
    expect(answers).toBeGreaterThan(5);
    expect(searches).toBeLessThan(answers);
    expect(reads).toBe(answers + searches);
  });
});

describe('the scrub', () => {
  const small = { segmentBytes: 2000 };

  async function scrubbed(disk: MemoryDisk, changes = {}) {
    const opened = await open(disk, { ...small, ...changes }, 1_000_000);
    await opened.clock.advance(120_000);
    return opened;
  }

  test('finds damage in finished segments that nobody reads, at most at its rate', async () => {
    const disk = await harmed(flip(75), small, 3);
    const opened = await open(disk, small, 500);
    await opened.clock.advance(60_001);
    const before = opened.store.integrity?.scrubbedBytes ?? 0;
    expect(before).toBeGreaterThan(0);
    await opened.clock.advance(4000);
    const bytes = (opened.store.integrity?.scrubbedBytes ?? 0) - before;
    // Each segment is less than one step: four seconds allow one more.
    expect(bytes).toBeLessThanOrEqual(4000);
    await opened.clock.advance(600_000);
    expect(opened.log.damaged).toMatchObject([{ firstOffset: 9, lastOffset: 11 }]);
    expect(opened.store.integrity).toMatchObject({ scrubPasses: 1, damagedRanges: 1 });
    expect(await readBaseOffsets(opened.log)).toEqual(all.filter((o) => o !== 9));
    await opened.store.close();
  });

  test('finds again what it was told of before only once, and damage that came later', async () => {
    const disk = await harmed(flip(75), small, 3);
    const { log, store, clock } = await scrubbed(disk);
    expect(log.damaged).toHaveLength(1);
    await patchFile(disk, SEGMENT, (bytes) => {
      bytes[100] = (bytes[100] as number) ^ 1;
      return bytes;
    });
    await clock.advance(3_700_000);
    expect(store.integrity).toMatchObject({ scrubPasses: 2, damagedRanges: 2 });
    expect(log.damaged).toMatchObject([{ firstOffset: 9 }, { firstOffset: 0 }]);
    expect(await readBaseOffsets(log)).toEqual(all.filter((o) => o !== 9 && o !== 0));
    await store.close();
  });

  test('stops with the store, and leaves out what was deleted', async () => {
    const disk = await harmed(() => {}, small);
    const { store, log, clock } = await open(disk, small, 300);
    await clock.advance(62_000);
    await store.deleteLog(log);
    await clock.advance(600_000);
    expect(store.integrity?.scrubPasses).toBe(1);
    const { scrubbedBytes } = store.integrity ?? { scrubbedBytes: 0 };
    await store.close();
    await clock.advance(10_000_000);
    expect(store.integrity?.scrubbedBytes).toBe(scrubbedBytes);
  });
});
