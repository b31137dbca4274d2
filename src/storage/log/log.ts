// One partition's log: the parts put together (see contract.ts for what it promises).

import { AssertionError } from '../../base/errors.ts';
import { writeInt64 } from '../../base/int64.ts';
import { KafkaError } from '../../base/kafka-errors.ts';
import { BatchField } from '../../record/index.ts';
import type {
  AppendTicket,
  BatchToAppend,
  DamagedRange,
  LogConfig,
  LogRead,
  LogReadOptions,
  LogState,
  PartitionLog,
  TimestampOffset,
} from '../contract.ts';
import { type ScrubbedLog, type ScrubPlace, scrubStep } from '../damage/scrub.ts';
import type { SyncedPlace } from '../log-contents.ts';
import { readBatches, readLog, readLogNow } from '../reading/log-reader.ts';
import { maxTimestampOf, offsetForTimestamp } from '../reading/log-search.ts';
import { Tail } from '../reading/tail.ts';
import type { ScannedHeaders } from '../scan/scanned-headers.ts';
import type { Segment } from '../segment/segment.ts';
import type { AbortedTransactions } from '../segment/transaction-index.ts';
import { LogCompaction } from './log-compaction.ts';
import { type CoreOptions, LogCore } from './log-core.ts';
import { LogEnding } from './log-ending.ts';
import { LogReopening, type Reopen } from './log-reopening.ts';
import { LogRetention } from './log-retention.ts';
import { LogSync } from './log-sync.ts';
import { LogWriter } from './log-writer.ts';
import { Ticket } from './ticket.ts';

export class DiskLog implements PartitionLog, ScrubbedLog {
  readonly directory: string;
  readonly topicId: string;
  readonly #core: LogCore;
  readonly #tail: Tail;
  readonly #sync: LogSync;
  readonly #writer: LogWriter;
  readonly #retention: LogRetention;
  readonly compaction: LogCompaction;
  readonly #reopening: LogReopening;
  readonly #ending: LogEnding;
  #scanned: ScannedHeaders | null;

  constructor(options: CoreOptions, reopen: Reopen) {
    const core = new LogCore(options);
    this.#core = core;
    this.#scanned = options.contents.scanned;
    this.directory = core.name;
    this.topicId = core.topicId;
    this.#tail = new Tail(core.context.tailBudget);
    const onFailure = (cause: Error, believed?: SyncedPlace | null) => this.#fail(cause, believed);
    const { recovery } = options.contents;
    const tail = this.#tail;
    const sync = new LogSync({ core, tail, recovery, onFailure });
    const { recoveryPoint } = sync;
    const writer = new LogWriter({ core, sync, onFailure });
    const retention = new LogRetention({ core, writer, recoveryPoint, tail, onFailure });
    const parts = { core, tail, sync, writer, retention };
    this.#sync = sync;
    this.#writer = writer;
    this.#retention = retention;
    this.compaction = new LogCompaction({ core, retention, writer, onFailure });
    this.#reopening = new LogReopening({ ...parts, compaction: this.compaction, reopen });
    this.#ending = new LogEnding({ ...parts, isWhole: recovery === null, onFailure });
    recoveryPoint.publishMark();
  }

  /** How journal and marks name it. */
  get identity(): string {
    return this.#core.identity;
  }

  get fileDeleteDelayMs(): number {
    return this.#core.config.fileDeleteDelayMs;
  }

  get state(): LogState {
    return this.#core.state;
  }

  get startOffset(): number {
    return this.#core.startOffset;
  }

  get highWatermark(): number {
    return this.#core.highWatermark;
  }

  get endOffset(): number {
    return this.#core.endOffset;
  }

  get leaderEpoch(): number {
    return this.#core.epochs.latest;
  }

  get damaged(): readonly DamagedRange[] {
    return this.#core.damaged;
  }

  get aborted(): AbortedTransactions | null {
    return this.#core.aborted;
  }

  sizeBytes(): number {
    let total = 0;
    for (const segment of this.#core.segments) total += segment.size;
    return total;
  }

  segmentCount(): number {
    return this.#core.segments.length;
  }

  append(batch: BatchToAppend): AppendTicket {
    const core = this.#core;
    core.assertOpen();
    const head = batch.parts[0];
    if (head === undefined) throw new KafkaError('INVALID_RECORD', 'a batch without bytes');
    const baseOffset = core.endOffset;
    const lastOffset = baseOffset + batch.offsetCount - 1;
    if (lastOffset >= Number.MAX_SAFE_INTEGER) {
      throw new KafkaError('POLICY_VIOLATION', `${core.name} has no offsets left for the batch`);
    }
    const bytes = batch.byteLength;
    const facts = { baseOffset, lastOffset, bytes, maxTimestamp: batch.maxTimestamp };
    let segment: Segment = core.active;
    if (segment.mustRollFor(facts, core.config, core.context.clock.now())) {
      segment = this.#roll(baseOffset);
    }
    writeInt64(head, BatchField.baseOffset, baseOffset);
    head.writeInt32BE(core.epochs.latest, BatchField.partitionLeaderEpoch);
    const position = segment.size;
    segment.track(facts, core.config.indexIntervalBytes);
    core.placed(lastOffset);
    const { parts, released } = batch;
    const placed = { segment, position, parts, bytes, baseOffset, lastOffset, released };
    const ticket = new Ticket(placed, core.listeners.threw);
    this.#writer.push(ticket);
    return ticket;
  }

  #roll(baseOffset: number): Segment {
    try {
      return this.#core.roll(baseOffset);
    } catch (error) {
      if (error instanceof AssertionError) this.#fail(error);
      throw error;
    }
  }

  read(options: LogReadOptions): Promise<LogRead> {
    return readLog(this.#core, this.#tail, options);
  }

  readNow(options: LogReadOptions): LogRead | null {
    return readLogNow(this.#core, this.#tail, options);
  }

  offsetForTimestamp(timestamp: number): Promise<TimestampOffset | null> {
    return offsetForTimestamp(this.#core, timestamp);
  }

  maxTimestamp(): Promise<TimestampOffset | null> {
    return maxTimestampOf(this.#core);
  }

  endOffsetForEpoch(epoch: number): { readonly epoch: number; readonly endOffset: number } {
    return this.#core.epochs.endOffsetFor(epoch, this.#core.endOffset);
  }

  epochForOffset(offset: number): number {
    return this.#core.epochs.epochFor(offset);
  }

  deleteRecordsBefore(offset: number): Promise<void> {
    return this.#retention.deleteRecordsBefore(offset);
  }

  applyRetention(nowMs: number): Promise<number> {
    return this.#retention.apply(nowMs);
  }

  setConfig(config: LogConfig): void {
    this.#core.setConfig(config);
    this.#sync.configChanged();
  }

  batches(fromOffset: number): AsyncIterable<Buffer> {
    return readBatches(this.#core, fromOffset);
  }

  takeScanned(): ScannedHeaders | null {
    const scanned = this.#scanned;
    this.#scanned = null;
    return scanned;
  }

  scrub(place: ScrubPlace | null): Promise<{ readonly next: ScrubPlace | null; bytes: number }> {
    return scrubStep(this.#core, place);
  }

  onCommit(listener: (highWatermark: number) => void): () => void {
    return this.#core.listeners.onCommit(listener);
  }

  onFailure(listener: (cause: Error) => void): () => void {
    return this.#core.listeners.onFailure(listener);
  }

  flush(): Promise<void> {
    return this.#sync.flushTo(this.#core.endOffset);
  }

  async reopen(): Promise<void> {
    const contents = await this.#reopening.run();
    if (contents !== null) this.#scanned = contents.scanned;
  }

  /** Refuses writes from the start: what had to be written to open the log could not be. */
  refuseWrites(cause: Error): void {
    this.#fail(cause);
  }

  /** Whether files may stay unsynced for long. */
  get keepsDirty(): boolean {
    return this.#core.config.flushPolicy === 'os' && this.state === 'open';
  }

  /** Syncs what is unsynced, so that its files can be closed. Rejects when the log fails in it. */
  relieve(): Promise<void> {
    return this.#sync.syncDirty();
  }

  close(): Promise<void> {
    return this.#ending.close();
  }

  /** Closes a log that is deleted: nothing of it is synced any more, and whoever waits for a commit is refused. */
  abandon(): Promise<void> {
    this.#failAll(this.#core.markDeleted());
    return this.close();
  }

  /**
   * Runs `move`, which takes the directory of the closed log away, while no reader is inside, and lets none in any
   * more: they open files by name, which may be another topic's then.
   */
  leave(move: () => Promise<void>): Promise<void> {
    return this.#ending.leave(move);
  }

  #fail(cause: Error, believed?: SyncedPlace | null): void {
    const failure = this.#core.markFailed(cause, believed);
    if (failure !== null) this.#failAll(failure);
  }

  #failAll(failure: Error): void {
    this.#writer.failAll(failure);
    this.#sync.failAll(failure);
  }
}
