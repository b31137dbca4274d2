// A data directory on a simulated disk, driven by a seed and checked against a model: what was acknowledged is there,
// in order and once; what is there was sent; readers' high watermark never goes back.

import { KafkaError } from '../../src/base/kafka-errors.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import {
  BatchHeader,
  buildBatch,
  computeBatchCrc,
  iterateBatches,
  readRecords,
} from '../../src/record/index.ts';
import {
  type Disk,
  type LogConfig,
  type LogStore,
  openLogStore,
  type PartitionLog,
} from '../../src/storage/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { capturedLog } from './captured-log.ts';
import { SimulatedDisk } from './simulated-disk.ts';

export const smallSegments: LogConfig = {
  segmentBytes: 6000,
  segmentMs: 86_400_000,
  segmentJitterMs: 0,
  indexIntervalBytes: 700,
  segmentIndexBytes: 1024 * 1024,
  retentionMs: -1,
  retentionBytes: -1,
  cleanupDelete: true,
  cleanupCompact: false,
  fileDeleteDelayMs: 20,
  flushMessages: Number.MAX_SAFE_INTEGER,
  flushMs: Number.MAX_SAFE_INTEGER,
  flushPolicy: 'sync',
};

interface SentBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly id: number;
  acknowledged: boolean;
}

/** What one log must hold. */
class LogModel {
  readonly name: string;
  sent: SentBatch[] = [];
  /** Offsets below were deleted for certain; up to `askedStart` perhaps. */
  startOffset = 0;
  askedStart = 0;
  seenWatermark = 0;

  constructor(name: string) {
    this.name = name;
  }
}

export interface WorldOptions {
  readonly seed: number;
  readonly logs: number;
  readonly config?: LogConfig;
  /** Longest wait of one disk operation, virtual ms. */
  readonly diskMs?: number;
  /** Puts something between the store and its disk: a canary. */
  readonly through?: (disk: SimulatedDisk) => Disk;
}

export class StorageWorld {
  readonly random: SeededRandom;
  readonly clock = new VirtualClock();
  readonly log = capturedLog();
  readonly #options: WorldOptions;
  readonly #models: LogModel[];
  #logs: PartitionLog[] = [];
  #nextId = 1;
  disk: SimulatedDisk;
  store: LogStore | null = null;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = new SeededRandom(options.seed);
    const diskMs = options.diskMs ?? 3;
    this.disk = new SimulatedDisk({
      seed: options.seed + 1,
      ...(options.seed % 2 === 0 && { writesNow: 0.7 }),
      delay: (random) =>
        new Promise((resolve) => {
          this.clock.setTimer(random.next() * diskMs, resolve);
        }),
    });
    this.#models = Array.from({ length: options.logs }, (_, i) => new LogModel(`t-${i}`));
  }

  get names(): readonly string[] {
    return this.#models.map((model) => model.name);
  }

  get logs(): readonly PartitionLog[] {
    return this.#logs;
  }

  run<T>(work: Promise<T>): Promise<T> {
    return this.clock.until(work);
  }

  /** Opens the store and all logs; the promise hangs when the disk dies meanwhile. */
  async open(): Promise<void> {
    const { clock, log } = this;
    const random = this.random.fork();
    const disk = this.#options.through?.(this.disk) ?? this.disk;
    const ports = { disk, root: 'sim', clock, random, logger: log.logger };
    this.store = await openLogStore({ ...ports, removalStepBytes: 2000 });
    const config = this.#options.config ?? smallSegments;
    const logs: PartitionLog[] = [];
    for (const { name } of this.#models) {
      logs.push(await this.store.openLog({ name, topicId: `id-${name}`, config }));
    }
    this.#logs = logs;
  }

  /** One random thing; waits for it only sometimes. */
  async act(): Promise<void> {
    await this.disk.alive();
    const index = this.random.below(this.#models.length);
    const log = this.#logs[index]!;
    const model = this.#models[index]!;
    const dice = this.random.next();
    // Enough logs at once for the journal.
    if (this.#models.length > 10 && this.random.chance(0.4)) return this.#burst();
    if (log.state !== 'open') {
      if (this.random.chance(0.5)) await this.#lookInto(log, model);
      await log.reopen().catch(() => {});
      return;
    }
    if (dice < 0.8) await this.#append(log, model);
    else if (dice < 0.86) await this.check(index);
    else if (dice < 0.9) await log.flush().catch(() => {});
    else if (dice < 0.94) await this.#deleteRecords(log, model);
    else if (dice < 0.97) await this.#applyRetention(log);
    else await this.wait(600);
  }

  /**
   * A life in which one bit of a segment is read wrong, by somebody who reads everything: what is noted then must be
   * served by the next.
   */
  async misread(): Promise<void> {
    await this.open();
    const paths = this.disk.paths().filter((path) => /^t-\d+\/.*\.log$/.test(path));
    const segments = paths.filter((path) => this.disk.bytesOf(path) > 0);
    if (segments.length > 0) {
      const path = this.random.pick(segments);
      const position = this.random.below(this.disk.bytesOf(path));
      this.disk.flipBit(path, position);
      for (const log of this.#logs) for await (const batch of log.batches(0)) void batch;
      await this.wait(100);
      this.disk.flipBit(path, position);
    }
    await this.store?.close();
  }

  async wait(ms: number): Promise<void> {
    const { disk } = this;
    await new Promise<void>((resolve) => {
      this.clock.setTimer(ms, resolve);
    });
    await disk.alive();
  }

  async #burst(): Promise<void> {
    const appends = this.#models.map((model, index) => {
      const log = this.#logs[index]!;
      return log.state === 'open' ? this.#append(log, model) : undefined;
    });
    await Promise.all(appends);
  }

  async #append(log: PartitionLog, model: LogModel): Promise<void> {
    const id = this.#nextId++;
    const count = 1 + this.random.below(4);
    const value = Buffer.alloc(this.random.chance(0.05) ? 3000 : this.random.below(400), id & 0xff);
    const records = Array.from({ length: count }, (_, i) => ({
      timestamp: 1_000_000 + id * 10 + i,
      key: Buffer.from(`${model.name}/${id}`),
      value,
    }));
    const bytes = buildBatch(records);
    const ticket = log.append({
      parts: [bytes],
      byteLength: bytes.length,
      offsetCount: count,
      maxTimestamp: 1_000_000 + id * 10 + count - 1,
    });
    const { baseOffset, lastOffset } = ticket;
    const sent: SentBatch = { baseOffset, lastOffset, id, acknowledged: false };
    model.sent.push(sent);
    const done = ticket.committed.then(
      () => {
        sent.acknowledged = true;
        model.seenWatermark = Math.max(model.seenWatermark, log.highWatermark);
        if (log.highWatermark <= lastOffset) throw new Error('acknowledged above the watermark');
      },
      () => {},
    );
    if (this.random.chance(0.3)) await done;
  }

  /** Readers look into a failed log whose page cache has dropped what no sync has saved: they see it, or are told. */
  async #lookInto(log: PartitionLog, model: LogModel): Promise<void> {
    this.disk.evict();
    let expected = log.startOffset;
    const newest = model.sent.findLast((batch) => batch.lastOffset < log.highWatermark);
    try {
      for await (const batch of log.batches(expected)) {
        const { baseOffset, nextOffset } = new BatchHeader(batch);
        const ahead = baseOffset > expected;
        if (ahead) throw new Error(`${log.directory}: ${baseOffset} where ${expected} was due`);
        expected = nextOffset;
      }
      if (expected < log.highWatermark) throw new Error(`${log.directory}: ends at ${expected}`);
      const found = await log.maxTimestamp();
      const gone = newest !== undefined && (found === null || found.offset < newest.baseOffset);
      if (gone) throw new Error(`${log.directory}: ${newest.lastOffset} is not found by time`);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
    }
  }

  /** Of a log that fails in it, or before, it is refused. */
  async #applyRetention(log: PartitionLog): Promise<void> {
    try {
      await log.applyRetention(this.clock.now());
    } catch (error) {
      if (log.state !== 'failed') throw error;
    }
  }

  async #deleteRecords(log: PartitionLog, model: LogModel): Promise<void> {
    const span = log.highWatermark - log.startOffset;
    if (span < 10) return;
    const at = log.startOffset + this.random.below(Math.ceil(span / 2));
    model.askedStart = Math.max(model.askedStart, at);
    try {
      await log.deleteRecordsBefore(at);
      model.startOffset = Math.max(model.startOffset, at);
    } catch {
      // Refused or failed: whether it counts is known after the next start.
    }
  }

  /** After a crash: takes the disk's word for what was not acknowledged, after checking everything else. */
  async checkAll(): Promise<void> {
    for (const index of this.#models.keys()) {
      await this.check(index);
      this.#adopt(index);
    }
  }

  /** Reads a log from start to watermark and compares. */
  async check(index: number): Promise<void> {
    const model = this.#models[index]!;
    const log = this.#logs[index]!;
    const { startOffset, highWatermark } = log;
    const fail = (what: string): never => {
      throw new Error(`${model.name}: ${what} [start ${startOffset}, watermark ${highWatermark}]`);
    };
    if (startOffset < model.startOffset) fail(`start went back from ${model.startOffset}`);
    if (startOffset > Math.max(model.askedStart, model.startOffset)) {
      fail(`start is beyond ${model.askedStart}, which is the most that was asked for`);
    }
    if (highWatermark < model.seenWatermark)
      fail(`watermark went back from ${model.seenWatermark}`);
    const { disk } = this;
    // Appends go on while we read.
    const due = model.sent.filter((b) => b.acknowledged && b.lastOffset >= startOffset);
    const found = await this.#readAll(log, startOffset, highWatermark);
    await disk.alive();
    // The end of a finished segment that was cut off comes back where the cut was not synced: no offset is missing.
    const lost = log.damaged.filter(
      (range) => range.lastOffset >= Math.max(range.firstOffset, startOffset),
    );
    if (lost.length > 0) fail(`damage where there is none: ${JSON.stringify(lost)}`);
    let expected = startOffset;
    const there = new Set<number>();
    for (const { baseOffset, lastOffset, id } of found) {
      const first = there.size === 0 && baseOffset <= expected;
      if (!first && baseOffset !== expected) fail(`offset ${baseOffset} where ${expected} was due`);
      const match = model.sent.find((b) => b.id === id && b.baseOffset === baseOffset);
      if (match === undefined) fail(`batch ${id} at ${baseOffset} was never sent`);
      if (there.has(id)) fail(`batch ${id} twice`);
      there.add(id);
      expected = lastOffset + 1;
    }
    if (expected !== highWatermark) fail(`ends at ${expected}`);
    for (const batch of due) {
      if (there.has(batch.id)) continue;
      if (batch.lastOffset >= highWatermark) fail(`acknowledged ${batch.lastOffset} is gone`);
      fail(`acknowledged batch ${batch.id} at ${batch.baseOffset} is gone`);
    }
  }

  /** From now on the model holds what the log holds, and all of it counts as acknowledged: readers see it. */
  #adopt(index: number): void {
    const model = this.#models[index]!;
    const log = this.#logs[index]!;
    const { leaderEpoch, highWatermark, startOffset } = log;
    if (this.#newestEpoch > leaderEpoch) throw new Error(`${model.name}: leader epoch went back`);
    if (this.#newestEpoch === leaderEpoch && this.store?.lastStop === 'unclean') {
      throw new Error(`${model.name}: leader epoch ${leaderEpoch} was not raised`);
    }
    model.sent = model.sent.filter((batch) => this.#present.has(batch.id));
    for (const batch of model.sent) batch.acknowledged = true;
    model.seenWatermark = highWatermark;
    model.startOffset = startOffset;
    model.askedStart = startOffset;
  }

  #present = new Set<number>();
  #newestEpoch = -1;

  async #readAll(log: PartitionLog, from: number, limit: number) {
    const found: { baseOffset: number; lastOffset: number; id: number }[] = [];
    this.#present = new Set();
    this.#newestEpoch = -1;
    let offset = from;
    const { disk } = this;
    while (offset < limit) {
      await disk.alive();
      const maxBytes = 1 + this.random.below(5000);
      const read = await log.read({ offset, limit, maxBytes, minOneBatch: true });
      const { records } = read;
      const bytes = Array.isArray(records)
        ? Buffer.concat(records as Buffer[])
        : (records as Buffer);
      const before = offset;
      for (const header of iterateBatches(bytes)) {
        const batch = bytes.subarray(header.position, header.position + header.sizeInBytes);
        const id = checkBatch(batch, log.directory);
        found.push({ baseOffset: header.baseOffset, lastOffset: header.lastOffset, id });
        this.#present.add(id);
        this.#newestEpoch = Math.max(this.#newestEpoch, header.partitionLeaderEpoch);
        offset = header.nextOffset;
      }
      if (offset === before) throw new Error(`no progress at ${offset} of ${log.directory}`);
    }
    return found;
  }
}

/** The id in a batch's first key, after its checksum was found right. */
function checkBatch(batch: Buffer, name: string): number {
  const header = new BatchHeader(batch);
  const [first] = [...readKeys(batch)];
  if (first === undefined) throw new Error(`${name}: a batch without records`);
  const [log, id] = first.split('/');
  if (log !== name) throw new Error(`${name}: a batch of ${log} at ${header.baseOffset}`);
  return Number(id);
}

function* readKeys(batch: Buffer): Generator<string> {
  if (computeBatchCrc(batch) !== new BatchHeader(batch).crc) throw new Error('a bad checksum');
  for (const { key } of readRecords(batch)) yield String(key);
}
