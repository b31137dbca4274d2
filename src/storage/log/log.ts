// One partition's log: the parts put together (see contract.ts for what it promises).

import { AssertionError, asError } from '../../base/errors.ts';
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
import { writeSmallFile } from '../disk/small-file.ts';
import type { LogContents } from '../log-contents.ts';
import { readBatches, readLog, readLogNow } from '../reading/log-reader.ts';
import { maxTimestampOf, offsetForTimestamp } from '../reading/log-search.ts';
import { Tail } from '../reading/tail.ts';
import type { ScannedHeaders } from '../scan/scanned-headers.ts';
import type { Segment } from '../segment/segment.ts';
import { saveIndexes } from '../segment/segment-files.ts';
import type { AbortedTransactions } from '../segment/transaction-index.ts';
import { LogCompaction } from './log-compaction.ts';
import { type CoreOptions, LogCore } from './log-core.ts';
import { LogRetention } from './log-retention.ts';
import { LogSync } from './log-sync.ts';
import { LogWriter } from './log-writer.ts';
import { Ticket } from './ticket.ts';

/** Reads the directory again after a failure: what is committed, and what is above it rewritten and synced. */
export type Reopen = (trusted: {
  /** Committed end: bad batches below are damage, above they are the end. */
  readonly mark: number;
  /** End of what the segment files are known to hold durably. */
  readonly filesSyncedEnd: number;
  /** False: what is below the mark, read only, without changing anything. */
  readonly writable: boolean;
}) => Promise<LogContents>;

export class DiskLog implements PartitionLog, ScrubbedLog {
  readonly directory: string;
  readonly topicId: string;
  readonly #core: LogCore;
  readonly #tail: Tail;
  readonly #sync: LogSync;
  readonly #writer: LogWriter;
  readonly #retention: LogRetention;
  readonly compaction: LogCompaction;
  readonly #reopen: Reopen;
  /** The indexes on disk were whole when it was opened, up to this end. */
  readonly #untouched: boolean;
  readonly #openedAt: number;
  #scanned: ScannedHeaders | null;
  #closing: Promise<void> | null = null;

  constructor(options: CoreOptions, reopen: Reopen) {
    const core = new LogCore(options);
    this.#core = core;
    this.#reopen = reopen;
    this.#untouched = options.contents.recovery === null;
    this.#openedAt = options.contents.endOffset;
    this.#scanned = options.contents.scanned;
    this.directory = core.name;
    this.topicId = core.topicId;
    this.#tail = new Tail(core.context.tailBudget);
    const onFailure = (cause: Error, doubtedFrom?: number) => this.#fail(cause, doubtedFrom);
    const { recovery } = options.contents;
    this.#sync = new LogSync({ core, tail: this.#tail, recovery, onFailure });
    this.#writer = new LogWriter({ core, sync: this.#sync, onFailure });
    const { recoveryPoint } = this.#sync;
    const writer = this.#writer;
    const retention = new LogRetention({
      core,
      writer,
      recoveryPoint,
      tail: this.#tail,
      onFailure,
    });
    this.#retention = retention;
    this.compaction = new LogCompaction({ core, retention, writer, onFailure });
    this.#sync.recoveryPoint.publishMark();
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
    const ticket = new Ticket(placed, core.listenerThrew);
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
    return this.#core.onCommit(listener);
  }

  onFailure(listener: (cause: Error) => void): () => void {
    return this.#core.onFailure(listener);
  }

  flush(): Promise<void> {
    return this.#sync.flushTo(this.#core.endOffset);
  }

  reopen(): Promise<void> {
    // Segments are exchanged: nothing else that does so, and no reader, may be at it.
    return this.#retention.inLane(async () => {
      if (this.#core.state !== 'failed') return;
      await this.#writer.idle();
      await this.#sync.settled();
      await this.#sync.recoveryPoint.settled();
      await this.#core.latch.exclusive(() => this.#reopenAlone());
    });
  }

  async #reopenAlone(): Promise<void> {
    const core = this.#core;
    const { offset: filesSyncedEnd } = this.#sync.syncedPlace;
    // As at a start: what lies below the start offset was committed, and is not given out again.
    const mark = Math.max(core.durableEnd, core.startOffset);
    const trusted = { mark, filesSyncedEnd };
    for (const segment of core.segments) core.context.pool.detach(segment.logPath);
    this.#tail.clear();
    try {
      await core.context.committer.restore(core.identity);
      const contents = await this.#reopen({ ...trusted, writable: true });
      await core.context.committer.forget(core.identity);
      if (core.state !== 'failed') throw new Error('it was closed meanwhile');
      core.install(contents);
      this.#scanned = contents.scanned;
      this.compaction.reset();
      this.#sync.reset(contents.recovery);
      this.#sync.recoveryPoint.publishMark();
    } catch (error) {
      const cause = asError(error);
      const message = `${core.name} cannot be reopened: ${cause.message}`;
      const failure = new KafkaError('KAFKA_STORAGE_ERROR', message, { cause });
      // The files may be other ones now than those that readers know.
      try {
        core.show(await this.#reopen({ ...trusted, writable: false }));
      } catch {
        core.latch.break(failure);
      }
      throw failure;
    }
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
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Closes a log that is deleted: nothing of it is synced any more, and whoever waits for a commit is refused. */
  abandon(): Promise<void> {
    this.#failAll(this.#core.markDeleted());
    return this.close();
  }

  async #close(): Promise<void> {
    const core = this.#core;
    const wasOpen = core.markClosing();
    try {
      if (wasOpen) await this.#finish();
    } catch (error) {
      this.#fail(asError(error));
    } finally {
      // A write of a log that has failed may still be under way.
      await this.#writer.idle();
      await this.#sync.settled();
      await this.#retention.settled();
      await this.#sync.recoveryPoint.settled();
      const clean = wasOpen && core.failure === null;
      core.markClosed();
      this.#sync.dispose();
      this.#tail.clear();
      if (clean) this.#publishClean();
    }
  }

  /**
   * Runs `move`, which takes the directory of the closed log away, while no reader is inside, and lets none in any
   * more: they open files by name, which may be another topic's then.
   */
  leave(move: () => Promise<void>): Promise<void> {
    const { latch, segments, context, name } = this.#core;
    const gone = new KafkaError('KAFKA_STORAGE_ERROR', `the log of ${name} was deleted`);
    return this.#retention.inLane(() =>
      latch.exclusive(async () => {
        latch.break(gone);
        try {
          await move();
        } finally {
          // Not sooner: until then somebody may find a file under these names again.
          for (const segment of segments) context.pool.detach(segment.logPath);
        }
      }),
    );
  }

  /** Everything written and synced, indexes too. */
  async #finish(): Promise<void> {
    const core = this.#core;
    await this.#writer.idle();
    if (core.failure !== null) return;
    await this.#sync.flushTo(core.endOffset);
    await this.#sync.syncDirty();
    const { disk } = core.context;
    // An epoch that clients were told must not be lower after the next start, even when nothing was appended.
    if (core.epochs.dirty) await core.epochs.save(disk, core.name);
    if (this.#untouched && core.endOffset === this.#openedAt) return;
    for (const segment of core.segments) {
      if (segment.sealed || !segment.created) continue;
      segment.indexes.finish();
      await saveIndexes(disk, segment);
    }
    const { active, endOffset } = core;
    if (!active.created || active.size === 0) return;
    const snapshot = core.hooks.producerSnapshot(endOffset);
    if (snapshot === null) return;
    const stem = `${core.name}/${String(endOffset).padStart(20, '0')}`;
    await writeSmallFile(disk, `${stem}.snapshot`, snapshot);
    await disk.syncDirectory(core.name);
  }

  #publishClean(): void {
    const core = this.#core;
    const { active } = core;
    core.context.marks.update(core.name, {
      mark: core.endOffset,
      startOffset: core.startOffset,
      recoveryOffset: core.endOffset,
      recoveryPosition: active.size,
      maxTimestamp: active.maxTimestamp,
      maxTimestampOffset: active.maxTimestampOffset,
      firstTimestamp: active.firstTimestamp,
      leaderEpoch: core.epochs.latest,
      epochsChecksum: core.epochs.checksumBelow(core.endOffset),
      clean: true,
    });
  }

  #fail(cause: Error, doubtedFrom?: number): void {
    const failure = this.#core.markFailed(cause, doubtedFrom);
    if (failure !== null) this.#failAll(failure);
  }

  #failAll(failure: Error): void {
    this.#writer.failAll(failure);
    this.#sync.failAll(failure);
  }
}
