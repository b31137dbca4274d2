// Shared by the storage tests: a store over any disk, batches with a known content, reading all of a log.

import type { Clock } from '../../../src/base/ports.ts';
import { silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { nodeClock } from '../../../src/host/node-clock.ts';
import {
  type BatchOptions,
  buildBatch,
  iterateBatches,
  type NewRecord,
} from '../../../src/record/index.ts';
import {
  type BatchToAppend,
  type Disk,
  InPlaceCompactionRunner,
  type LogConfig,
  type LogStore,
  type LogStoreOptions,
  openLogStore,
  type PartitionLog,
} from '../../../src/storage/index.ts';

export const testConfig: LogConfig = {
  segmentBytes: 4096,
  segmentMs: 7 * 86_400_000,
  segmentJitterMs: 0,
  indexIntervalBytes: 512,
  segmentIndexBytes: 1024 * 1024,
  retentionMs: -1,
  retentionBytes: -1,
  cleanupDelete: true,
  cleanupCompact: false,
  fileDeleteDelayMs: 10,
  flushMessages: Number.MAX_SAFE_INTEGER,
  flushMs: Number.MAX_SAFE_INTEGER,
  flushPolicy: 'sync',
};

/** Compaction in this thread, which only begins when it is told to, unless `backoffMs` pass. */
export function compactionInPlace(disk: Disk, clock: Clock, backoffMs = 1e12) {
  const settings = () => ({
    enable: true,
    threads: 1,
    backoffMs,
    dedupeBufferBytes: 1024 * 1024,
    bytesPerSecondMax: null,
  });
  return { runner: new InPlaceCompactionRunner(disk, clock), settings };
}

/** On the real clock and without a log, unless something else is said. */
export function openStore(disk: Disk, options: Partial<LogStoreOptions> = {}): Promise<LogStore> {
  const ports = { clock: nodeClock, random: new SeededRandom(7), logger: silentLogger };
  return openLogStore({ disk, root: 'test', ...ports, ...options });
}

/** Turns of the event loop until `done`; fifty, in which all that a disk in memory can do is done, at most. */
export async function turns(done: () => boolean = () => false): Promise<void> {
  for (let count = 0; count < 50 && !done(); count++)
    await new Promise((resolve) => setImmediate(resolve));
}

/** A batch of these records, as a log takes it. */
export function batchOf(records: readonly NewRecord[], options: BatchOptions = {}): BatchToAppend {
  const bytes = buildBatch(records, options);
  const maxTimestamp = Math.max(...records.map(({ timestamp }) => timestamp));
  const facts = { byteLength: bytes.length, offsetCount: records.length, maxTimestamp };
  return { parts: [bytes], ...facts };
}

/** Three records (by default) with timestamps from 1000 + 10 × index on. */
export function testBatch(index: number, count = 3): BatchToAppend {
  const records = Array.from({ length: count }, (_, i) => ({
    timestamp: 1000 + index * 10 + i,
    key: null,
    value: Buffer.from(`value ${index} ${i} ${'x'.repeat(index % 40)}`),
  }));
  return batchOf(records);
}

/** One record with a value of so many bytes. */
export function sizedBatch(bytes: number): BatchToAppend {
  return batchOf([{ timestamp: 1000, key: null, value: Buffer.alloc(bytes, 1) }]);
}

/** Two of them are more than a restart is to scan. */
export const largeBatch = (): BatchToAppend => sizedBatch(2_800_000);

/** First offsets of all batches with records from `from` to the high watermark, which every reader comes to. */
export async function readBaseOffsets(
  log: PartitionLog,
  from = log.startOffset,
): Promise<number[]> {
  const seen: number[] = [];
  const limit = log.highWatermark;
  let offset = from;
  while (offset < limit) {
    const read = await log.read({ offset, limit, maxBytes: 700, minOneBatch: true });
    const { records } = read;
    const bytes = Array.isArray(records) ? Buffer.concat(records as Buffer[]) : (records as Buffer);
    const before = offset;
    for (const header of iterateBatches(bytes)) {
      if (header.recordCount > 0) seen.push(header.baseOffset);
      offset = header.nextOffset;
    }
    if (offset === before) throw new Error(`no progress at ${offset}`);
  }
  return seen;
}

export async function patchFile(
  disk: Disk,
  path: string,
  change: (bytes: Buffer) => Buffer,
): Promise<void> {
  const file = await disk.open(path, 'write');
  const bytes = Buffer.alloc(await file.size());
  await file.read(bytes, 0);
  const changed = change(bytes);
  await file.truncate(0);
  await file.write([changed], 0);
  await file.datasync();
  await file.close();
}

/** Every file below a directory. */
export async function filesBelow(disk: Disk, directory = '.'): Promise<string[]> {
  const found: string[] = [];
  for (const name of await disk.list(directory)) {
    const path = directory === '.' ? name : `${directory}/${name}`;
    const status = await disk.stat(path);
    if (status?.kind === 'directory') found.push(...(await filesBelow(disk, path)));
    else found.push(path);
  }
  return found;
}
