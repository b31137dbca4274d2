// A log store in memory whose commits, failures and openings a test decides.

import { KafkaError } from '../../../../src/base/kafka-errors.ts';
import { BatchHeader, readRecords } from '../../../../src/record/index.ts';
import type {
  AppendTicket,
  BatchToAppend,
  LogConfig,
  LogRead,
  LogReadOptions,
  LogState,
  LogStore,
  OpenLogOptions,
  PartitionLog,
  TimestampOffset,
  Told,
} from '../../../../src/storage/contract.ts';

interface Pending {
  readonly batch: Buffer;
  readonly lastOffset: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class FakeLog implements PartitionLog {
  readonly directory: string;
  readonly damaged = [];
  readonly aborted = null;
  readonly options: OpenLogOptions;
  config: LogConfig;
  state: LogState = 'open';
  startOffset = 0;
  highWatermark = 0;
  endOffset = 0;
  leaderEpoch = 1;
  /** Whether an append is committed at once, or by {@link FakeLog.commit}. */
  autoCommit = true;
  reopenFails = false;
  readonly stored: Buffer[] = [];
  readonly snapshots = new Map<number, Buffer>();
  #pending: Pending[] = [];
  readonly #onCommit = new Set<(highWatermark: number) => void>();
  readonly #onFailure = new Set<(cause: Error) => void>();

  constructor(options: OpenLogOptions) {
    this.options = options;
    this.directory = options.name;
    this.config = options.config;
  }

  sizeBytes(): number {
    return this.stored.reduce((sum, batch) => sum + batch.length, 0);
  }

  segmentCount(): number {
    return 1;
  }

  append(batch: BatchToAppend): AppendTicket {
    if (this.state !== 'open') throw new KafkaError('KAFKA_STORAGE_ERROR', 'the fake has failed');
    const baseOffset = this.endOffset;
    const lastOffset = baseOffset + batch.offsetCount - 1;
    const header = new BatchHeader(batch.parts[0]!);
    header.baseOffset = baseOffset;
    header.partitionLeaderEpoch = this.leaderEpoch;
    this.endOffset = lastOffset + 1;
    const done = new Promise<void>((resolve, reject) => {
      this.#pending.push({ batch: Buffer.concat(batch.parts), lastOffset, resolve, reject });
    });
    done.catch(() => {});
    if (this.autoCommit) this.commit();
    const when = (told: Told): void => {
      done.then(() => told(null), told);
    };
    const waits = { whenWritten: when, whenCommitted: when };
    return { baseOffset, lastOffset, written: done, committed: done, ...waits };
  }

  /** Commits what was appended. */
  commit(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const item of pending) {
      this.stored.push(item.batch);
      this.highWatermark = item.lastOffset + 1;
      item.resolve();
    }
    for (const listener of this.#onCommit) listener(this.highWatermark);
  }

  /** Fails as after a refused sync: what was not committed is refused and, on reopening, gone. */
  fail(): void {
    const cause = new KafkaError('KAFKA_STORAGE_ERROR', 'the fake disk failed');
    this.state = 'failed';
    const pending = this.#pending;
    this.#pending = [];
    for (const item of pending) item.reject(cause);
    for (const listener of this.#onFailure) listener(cause);
  }

  takeScanned(): null {
    return null;
  }

  async read(options: LogReadOptions): Promise<LogRead> {
    return this.readNow(options);
  }

  readNow(options: LogReadOptions): LogRead {
    const wanted = this.stored.filter((batch) => {
      const header = new BatchHeader(batch);
      return header.lastOffset >= options.offset && header.baseOffset < options.limit;
    });
    const records = Buffer.concat(wanted);
    return { records, byteLength: records.length };
  }

  async offsetForTimestamp(timestamp: number): Promise<TimestampOffset | null> {
    return this.#records().find((record) => record.timestamp >= timestamp) ?? null;
  }

  async maxTimestamp(): Promise<TimestampOffset | null> {
    const records = this.#records();
    return records.toSorted((a, b) => b.timestamp - a.timestamp)[0] ?? null;
  }

  endOffsetForEpoch(epoch: number): { epoch: number; endOffset: number } {
    return epoch === this.leaderEpoch
      ? { epoch, endOffset: this.endOffset }
      : { epoch: -1, endOffset: -1 };
  }

  epochForOffset(): number {
    return this.endOffset === 0 ? -1 : this.leaderEpoch;
  }

  async deleteRecordsBefore(offset: number): Promise<void> {
    this.startOffset = offset;
  }

  async applyRetention(): Promise<number> {
    return 0;
  }

  setConfig(config: LogConfig): void {
    this.config = config;
  }

  async *batches(fromOffset: number): AsyncGenerator<Buffer> {
    for (const batch of this.stored) {
      if (new BatchHeader(batch).lastOffset >= fromOffset) yield batch;
    }
  }

  onCommit(listener: (highWatermark: number) => void): () => void {
    this.#onCommit.add(listener);
    return () => this.#onCommit.delete(listener);
  }

  onFailure(listener: (cause: Error) => void): () => void {
    this.#onFailure.add(listener);
    return () => this.#onFailure.delete(listener);
  }

  async flush(): Promise<void> {}

  async reopen(): Promise<void> {
    if (this.reopenFails) throw new KafkaError('KAFKA_STORAGE_ERROR', 'the disk still refuses');
    this.state = 'open';
    this.endOffset = this.highWatermark;
    this.leaderEpoch += 1;
  }

  async close(): Promise<void> {
    const snapshot = this.options.hooks?.producerSnapshot(this.endOffset) ?? null;
    if (snapshot !== null) this.snapshots.set(this.endOffset, snapshot);
    this.state = 'closed';
  }

  #records(): TimestampOffset[] {
    return this.stored.flatMap((batch) =>
      Array.from(readRecords(batch), ({ offset, timestamp }) => ({
        offset,
        timestamp,
        leaderEpoch: this.leaderEpoch,
      })),
    );
  }
}

export class FakeStore implements LogStore {
  readonly root = 'data';
  readonly lastStop = 'new';
  readonly commits = { syncs: 0, batches: 0, offsets: 0, bytes: 0 };
  readonly logs = new Map<string, FakeLog>();
  /** Names whose logs cannot be opened. */
  readonly broken = new Set<string>();
  free = Number.MAX_SAFE_INTEGER;
  pendingBytes = 0;

  async openLog(options: OpenLogOptions): Promise<PartitionLog> {
    if (this.broken.has(options.name)) {
      throw new KafkaError('KAFKA_STORAGE_ERROR', `${options.name} cannot be read`);
    }
    const log = this.logs.get(options.name) ?? new FakeLog(options);
    this.logs.set(options.name, log);
    return log;
  }

  async deleteLog(log: PartitionLog): Promise<void> {
    this.logs.delete(log.directory);
  }

  async loadSnapshot(
    log: PartitionLog,
    offset: number,
  ): Promise<{ offset: number; bytes: Buffer } | null> {
    const { snapshots } = log as FakeLog;
    const at = Math.max(-1, ...[...snapshots.keys()].filter((key) => key <= offset));
    const bytes = snapshots.get(at);
    return bytes === undefined ? null : { offset: at, bytes };
  }

  async freeBytes(): Promise<number> {
    return this.free;
  }

  async close(): Promise<void> {}
}
