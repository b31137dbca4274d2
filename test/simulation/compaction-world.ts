// A compacted log on a simulated disk, driven by a seed and compared with a model that remembers every record: what
// compaction may drop and what it must keep, at any moment, with a crash at any operation.

import { SeededRandom } from '../../src/base/seeded-random.ts';
import {
  BatchHeader,
  buildBatch,
  type Codec,
  computeBatchCrc,
  iterateBatches,
  readRecords,
} from '../../src/record/index.ts';
import {
  InPlaceCompactionRunner,
  type LogConfig,
  type LogStore,
  openLogStore,
  type PartitionLog,
} from '../../src/storage/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { capturedLog } from '../support/captured-log.ts';
import { SimulatedDisk } from '../support/simulated-disk.ts';

/** Long beside what the tests wait for: no tombstone gets old by the way. */
export const DELETE_RETENTION_MS = 600_000;
const CODECS: readonly Codec[] = ['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'];
const NAME = 't-0';

export interface ModelRecord {
  readonly offset: number;
  readonly key: string;
  readonly value: string | null;
  readonly timestamp: number;
}

interface ModelBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly codecId: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly records: readonly ModelRecord[];
}

export interface FoundBatch {
  readonly codecId: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly producerId: number;
  readonly lastSequence: number;
  readonly records: readonly ModelRecord[];
}

export interface CompactionWorldOptions {
  readonly seed: number;
  /** Distinct short keys. */
  readonly keys?: number;
  readonly segmentBytes?: number;
  readonly mapBytes?: number;
  readonly delayMs?: number;
}

export class CompactionWorld {
  readonly random: SeededRandom;
  readonly clock = new VirtualClock();
  readonly log = capturedLog();
  readonly config: LogConfig;
  batches: ModelBatch[] = [];
  disk: SimulatedDisk;
  store: LogStore | null = null;
  #log: PartitionLog | null = null;
  readonly #options: CompactionWorldOptions;
  readonly #sequences = new Map<number, number>();

  constructor(options: CompactionWorldOptions) {
    this.#options = options;
    this.random = new SeededRandom(options.seed);
    const delayMs = options.delayMs ?? 2;
    this.disk = new SimulatedDisk({
      seed: options.seed + 1,
      delay: (random) =>
        new Promise((resolve) => {
          this.clock.setTimer(random.next() * delayMs, resolve);
        }),
    });
    this.config = {
      segmentBytes: options.segmentBytes ?? 1500,
      segmentMs: Number.MAX_SAFE_INTEGER,
      segmentJitterMs: 0,
      indexIntervalBytes: 200,
      segmentIndexBytes: 1024 * 1024,
      retentionMs: -1,
      retentionBytes: -1,
      cleanupDelete: false,
      cleanupCompact: true,
      compaction: {
        minCleanableDirtyRatio: 0.01,
        minCompactionLagMs: 0,
        maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
        deleteRetentionMs: DELETE_RETENTION_MS,
      },
      fileDeleteDelayMs: 20,
      flushMessages: Number.MAX_SAFE_INTEGER,
      flushMs: Number.MAX_SAFE_INTEGER,
      flushPolicy: 'sync',
    };
  }

  get partition(): PartitionLog {
    return this.#log!;
  }

  run<T>(work: Promise<T>): Promise<T> {
    return this.clock.until(work);
  }

  async open(config: LogConfig = this.config, topicId = 'id'): Promise<void> {
    const { clock, disk } = this;
    const { logger } = this.log;
    const settings = () => ({
      enable: true,
      threads: 1,
      backoffMs: 1e12,
      dedupeBufferBytes: this.#options.mapBytes ?? 1 << 20,
      bytesPerSecondMax: null,
    });
    this.store = await openLogStore({
      disk,
      root: 'sim',
      clock,
      random: this.random.fork(),
      logger,
      // Reads come from the files.
      tailBytesMax: 1,
      compaction: { runner: new InPlaceCompactionRunner(disk, clock), settings },
    });
    const hooks = {
      producerSnapshot: () => null,
      producerLastOffsets: () => this.#producerEnds(),
    };
    this.#log = await this.store.openLog({ name: NAME, topicId, config, hooks });
  }

  #producerEnds(): [number, number][] {
    const ends = new Map<number, number>();
    for (const batch of this.batches) {
      if (batch.producerId >= 0) ends.set(batch.producerId, batch.lastOffset);
    }
    return [...ends];
  }

  pause(): Promise<void> {
    return new Promise((resolve) => {
      this.clock.setTimer(this.random.next() * 3, resolve);
    });
  }

  /** Recovery points, journals and seals catch up. Throws when something is left in the journal. */
  async caughtUp(): Promise<void> {
    // The journal is emptied 15 s after the first entry, with up to half as much of rest in between.
    await this.clock.advance(30_000);
    const left = this.disk.paths().filter((path) => path.endsWith('.journal'));
    if (left.length > 0) throw new Error(`the journal is not empty: ${left.join(', ')}`);
  }

  clean(): Promise<void> {
    return this.store!.compaction!.run();
  }

  #key(): string {
    const { keys = 15 } = this.#options;
    if (this.random.chance(0.05)) return `long${this.random.below(3)}`.padEnd(300, 'x');
    return `k${this.random.below(keys)}`;
  }

  /** Appends a batch of random records and waits until it is committed. */
  async append(): Promise<void> {
    const { random, clock } = this;
    const log = this.partition;
    const count = 1 + random.below(6);
    const codec = random.pick(CODECS);
    const now = clock.now();
    const contents = Array.from({ length: count }, (_, at) => ({
      timestamp: now + at,
      key: this.#key(),
      value: random.chance(0.15) ? null : `v${random.below(1e9)}`.padEnd(random.below(120), '.'),
    }));
    const producerId = random.chance(0.5) ? random.below(3) : -1;
    const baseSequence = this.#sequences.get(producerId) ?? 0;
    const bytes = buildBatch(
      contents.map(({ timestamp, key, value }) => ({
        timestamp,
        key: Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
      })),
      {
        codec,
        ...(producerId < 0 ? {} : { producer: { producerId, producerEpoch: 0, baseSequence } }),
      },
    );
    const header = new BatchHeader(bytes);
    const ticket = log.append({
      parts: [bytes],
      byteLength: bytes.length,
      offsetCount: count,
      maxTimestamp: header.maxTimestamp,
    });
    if (producerId >= 0) this.#sequences.set(producerId, baseSequence + count);
    const { baseOffset, lastOffset } = ticket;
    const records = contents.map((record, at) => ({ ...record, offset: baseOffset + at }));
    this.batches.push({
      baseOffset,
      lastOffset,
      codecId: header.codecId,
      producerId,
      producerEpoch: 0,
      baseSequence,
      records,
    });
    await ticket.committed;
  }

  records(): ModelRecord[] {
    return this.batches.flatMap((batch) => batch.records);
  }

  /** After a crash, what was not committed may be gone. */
  adopt(): void {
    const { endOffset } = this.partition;
    this.batches = this.batches.filter((batch) => batch.lastOffset < endOffset);
  }

  /** All batches from an offset, by reads of random size; each batch's checksum is looked at. */
  async readFrom(from: number): Promise<FoundBatch[]> {
    const log = this.partition;
    const limit = log.highWatermark;
    const found: FoundBatch[] = [];
    let offset = from;
    while (offset < limit) {
      const maxBytes = 1 + this.random.below(4000);
      const { records } = await log.read({ offset, limit, maxBytes, minOneBatch: true });
      const bytes = Array.isArray(records) ? Buffer.concat(records) : (records as Buffer);
      const before = offset;
      for (const header of iterateBatches(bytes)) {
        found.push(decode(bytes.subarray(header.position, header.position + header.sizeInBytes)));
        offset = header.nextOffset;
      }
      // Behind the last record that is left: the rest are gaps.
      if (offset === before) break;
    }
    return found;
  }

  /** All batches by the way that coordinators load their state. */
  async scanAll(): Promise<FoundBatch[]> {
    const found: FoundBatch[] = [];
    for await (const batch of this.partition.batches(0)) found.push(decode(batch));
    return found;
  }

  /**
   * What holds at any time: offsets go up, every record is as it was sent, the last record of each key is there
   * unless it is a tombstone, the newest batch of each producer too. `last`: records that had no successor when
   * the read began and have none now.
   */
  checkSound(found: readonly FoundBatch[], from: number, last: readonly ModelRecord[]): void {
    const sent = new Map(this.batches.map((batch) => [batch.baseOffset, batch]));
    const there = new Set<number>();
    let expected = -1;
    for (const batch of found) {
      const original = sent.get(batch.baseOffset);
      if (original === undefined) throw new Error(`a batch at ${batch.baseOffset} was never sent`);
      if (batch.baseOffset < expected) throw new Error(`offset ${batch.baseOffset} again`);
      expected = batch.lastOffset + 1;
      if (batch.lastOffset !== original.lastOffset) throw new Error('last offset changed');
      if (batch.producerId !== original.producerId) throw new Error('producer changed');
      const { length } = batch.records;
      if (length > 0 && batch.codecId !== original.codecId) throw new Error('codec changed');
      const bySent = new Map(original.records.map((record) => [record.offset, record]));
      for (const record of batch.records) {
        same(record, bySent.get(record.offset));
        there.add(record.offset);
      }
    }
    for (const { key, offset, value } of last) {
      if (offset < from || value === null || there.has(offset)) continue;
      throw new Error(`the last record of ${key.slice(0, 8)}, at ${offset}, is gone`);
    }
  }

  checkProducers(found: readonly FoundBatch[]): void {
    const ends = new Map<number, number>();
    for (const { producerId, lastSequence } of found) ends.set(producerId, lastSequence);
    for (const { producerId, baseSequence, records } of this.batches) {
      if (producerId < 0) continue;
      const end = this.batches.findLast((batch) => batch.producerId === producerId);
      if (end?.baseSequence !== baseSequence) continue;
      const lastSequence = baseSequence + records.length - 1;
      if (ends.get(producerId) !== lastSequence) {
        throw new Error(
          `producer ${producerId} ends at ${ends.get(producerId)}, not ${lastSequence}`,
        );
      }
    }
  }

  /** The whole log is sound, read either way; its bounds are as they were. Answers its records. */
  async check(): Promise<ModelRecord[]> {
    const log = this.partition;
    if (log.startOffset !== 0) throw new Error(`the start moved to ${log.startOffset}`);
    const end = (this.batches.at(-1)?.lastOffset ?? -1) + 1;
    if (log.highWatermark !== end) throw new Error(`ends at ${log.highWatermark}, not ${end}`);
    if (log.damaged.length > 0) throw new Error(`damage: ${JSON.stringify(log.damaged)}`);
    const last = lastOfKeys(this.records());
    const found = await this.readFrom(0);
    this.checkSound(found, 0, last);
    this.checkProducers(found);
    const scanned = await this.scanAll();
    if (JSON.stringify(scanned) !== JSON.stringify(found)) throw new Error('a scan differs');
    const middle = this.random.below(end + 1);
    this.checkSound(await this.readFrom(middle), middle, last);
    return found.flatMap((batch) => batch.records);
  }

  /** First offset of the active segment: everything below can be compacted. */
  async activeBase(): Promise<number> {
    const names = (await this.disk.list(NAME)).filter((name) => name.endsWith('.log'));
    return Number(names.at(-1)!.slice(0, 20));
  }

  leftovers(): Promise<string[]> {
    return this.disk
      .list(NAME)
      .then((names) => names.filter((name) => /\.(?:cleaned|swap|deleted)$/.test(name)));
  }
}

/** The newest record of each key, oldest first. */
export function lastOfKeys(records: readonly ModelRecord[]): ModelRecord[] {
  const last = new Map<string, ModelRecord>();
  for (const record of records) last.set(record.key, record);
  return [...last.values()].sort((a, b) => a.offset - b.offset);
}

function same(found: ModelRecord, sent: ModelRecord | undefined): void {
  const equal =
    found.key === sent?.key && found.value === sent.value && found.timestamp === sent.timestamp;
  if (equal) return;
  throw new Error(`not as sent: ${JSON.stringify(found)} for ${JSON.stringify(sent)}`);
}

function decode(batch: Buffer): FoundBatch {
  const header = new BatchHeader(batch);
  if (computeBatchCrc(batch) !== header.crc)
    throw new Error(`bad checksum at ${header.baseOffset}`);
  const records = [...readRecords(batch)].map(({ offset, key, value, timestamp }) => ({
    offset,
    key: String(key),
    value: value === null ? null : String(value),
    timestamp,
  }));
  const { baseOffset, codecId, lastOffset, producerId, lastSequence } = header;
  return { codecId, baseOffset, lastOffset, producerId, lastSequence, records };
}
