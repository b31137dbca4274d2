// What the parts of one open log share: segments, offsets, state. One object, so that writer, syncer, readers and
// retention all see the same facts at the same moment; each part changes only what its file says.

import { asError } from '../base/errors.ts';
import { KafkaError } from '../base/kafka-errors.ts';
import { Mutex } from '../base/mutex.ts';
import type { Clock, Logger, Random } from '../base/ports.ts';
import { tellEach } from '../base/tell.ts';
import type { RecordWorker } from '../record/index.ts';
import type { CleanedSegments } from './cleaned-segments.ts';
import type { CommitterPort } from './committer.ts';
import type {
  DamagedRange,
  IntegrityStats,
  LogConfig,
  LogRead,
  LogState,
  RollHooks,
} from './contract.ts';
import type { Disk } from './disk.ts';
import type { FilePool } from './file-pool.ts';
import type { LeaderEpochs } from './leader-epochs.ts';
import type { LoadedIndexes } from './loaded-indexes.ts';
import { logIdentity } from './log-identity.ts';
import { LogOffsets } from './log-offsets.ts';
import type { MarkTable } from './marks.ts';
import { NextPlaces } from './next-places.ts';
import type { PacedRemoval } from './paced-removal.ts';
import type { PendingBytes } from './pending-bytes.ts';
import { ReaderLatch } from './reader-latch.ts';
import type { ScannedHeaders } from './scanned-headers.ts';
import { Segment } from './segment.ts';
import type { TailBudget } from './tail.ts';
import type { TaskOwner } from './tasks.ts';
import type { AbortedTransactions } from './transaction-index.ts';
import type { TurnEnd } from './turn-end.ts';

/** What a store hands to each of its logs. */
export interface StoreContext {
  readonly disk: Disk;
  readonly pool: FilePool;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly committer: CommitterPort;
  readonly pending: PendingBytes;
  /** Null where the disk takes no writes within a turn of the event loop. */
  readonly turnEnd: TurnEnd | null;
  readonly marks: MarkTable;
  readonly tailBudget: TailBudget;
  readonly loadedIndexes: LoadedIndexes;
  /** Background work that close waits for. */
  readonly tasks: TaskOwner;
  readonly removal: PacedRemoval;
  /** Whether reads may answer with file regions. */
  readonly regions: () => boolean;
  readonly integrity: IntegrityStats;
  readonly recordWorker: RecordWorker;
}

/** A place in the log up to which the segment files themselves are synced. */
export interface SyncedPlace {
  readonly offset: number;
  readonly segment: Segment;
  readonly position: number;
}

/** What opening or recovering a log's directory finds. */
export interface LogContents {
  /** At least one; the last is active. */
  readonly segments: Segment[];
  readonly startOffset: number;
  readonly endOffset: number;
  readonly damaged: DamagedRange[];
  readonly epochs: LeaderEpochs;
  /** What compaction left of segments; null when that is not known. */
  readonly cleaned: CleanedSegments | null;
  /** What Kafka had rolled back in a log that was taken over from it; null for nothing. */
  readonly aborted: AbortedTransactions | null;
  /** From where the next start has to scan; null: from the end. */
  readonly recovery: SyncedPlace | null;
  /** What a recovery read of producers' batches; null where it read none, or too many. */
  readonly scanned: ScannedHeaders | null;
}

export interface CoreOptions {
  readonly context: StoreContext;
  readonly name: string;
  readonly topicId: string;
  readonly config: LogConfig;
  readonly hooks: RollHooks;
  readonly contents: LogContents;
  /** Compacted at some time: offsets may be missing between good batches. Default: as the config says. */
  readonly wasCompacted?: boolean;
}

export class LogCore {
  readonly context: StoreContext;
  readonly name: string;
  readonly topicId: string;
  /** How journal and marks name this log. */
  readonly identity: string;
  readonly hooks: RollHooks;
  /** Held by readers from choosing a segment until its file is open; compaction exchanges files behind it. */
  readonly latch = new ReaderLatch();
  readonly nextPlaces = new NextPlaces();
  config: LogConfig;
  /** Writes of the list of damage, one after the other. */
  readonly damageLane = new Mutex();
  #wasCompacted: boolean;
  /** Compacted before it was opened. */
  readonly #openedCompacted: boolean;
  /** What compaction left of segments; null for a log without. */
  cleaned: CleanedSegments | null;
  aborted: AbortedTransactions | null;
  state: LogState = 'open';
  /** Why nothing is written or synced any more: the log has failed, or it is deleted. */
  failure: KafkaError | null = null;
  /** Nothing of it is needed any more, and what goes wrong with it is nobody's concern. */
  deleted = false;
  /**
   * After a sync that failed: from this offset on the files alone may not be believed, since the page cache drops at
   * any time what counts as written. What of it is committed, through the journal, is there after a reopening.
   */
  doubtedFrom = Number.POSITIVE_INFINITY;
  segments: Segment[];
  damaged: DamagedRange[];
  epochs: LeaderEpochs;
  readonly #offsets: LogOffsets;
  /** Where the batch at the high watermark begins or will begin. */
  watermarkSegment: Segment;
  watermarkPosition: number;
  readonly #commitListeners = new Set<(highWatermark: number) => void>();
  readonly #failureListeners = new Set<(cause: Error) => void>();

  constructor(options: CoreOptions) {
    this.context = options.context;
    this.name = options.name;
    this.topicId = options.topicId;
    this.identity = logIdentity(options);
    this.hooks = options.hooks;
    this.config = options.config;
    this.#wasCompacted = options.wasCompacted ?? false;
    this.#openedCompacted = this.#wasCompacted;
    const { contents } = options;
    this.segments = contents.segments;
    this.damaged = contents.damaged;
    this.epochs = contents.epochs;
    this.cleaned = contents.cleaned;
    this.aborted = contents.aborted;
    this.#offsets = new LogOffsets(contents);
    this.watermarkSegment = this.active;
    this.watermarkPosition = this.active.size;
  }

  /** Takes over what a reopen found on the disk. */
  install(contents: LogContents): void {
    this.segments = contents.segments;
    this.damaged = contents.damaged;
    this.epochs = contents.epochs;
    this.cleaned = contents.cleaned;
    this.aborted = contents.aborted;
    this.#offsets.restart(contents);
    this.watermarkSegment = this.active;
    this.watermarkPosition = this.active.size;
    this.state = 'open';
    this.failure = null;
    this.doubtedFrom = Number.POSITIVE_INFINITY;
    this.latch.heal();
    this.commit(contents.endOffset, this.active, this.active.size);
  }

  /** Takes over a view of the files to read from; the log stays failed. */
  show(contents: LogContents): void {
    this.segments = contents.segments;
    this.damaged = contents.damaged;
    this.cleaned = contents.cleaned;
    this.aborted = contents.aborted;
    this.#offsets.show(contents);
    this.watermarkSegment = this.active;
    this.watermarkPosition = this.active.size;
    this.latch.heal();
  }

  get startOffset(): number {
    return this.#offsets.startOffset;
  }

  get highWatermark(): number {
    return this.#offsets.highWatermark;
  }

  /** Everything below is durable: in synced segment files or in a synced journal. */
  get durableEnd(): number {
    return this.#offsets.durableEnd;
  }

  /** Everything below is in the files (page cache at least). */
  get writtenEnd(): number {
    return this.#offsets.writtenEnd;
  }

  get endOffset(): number {
    return this.#offsets.endOffset;
  }

  /** Offsets up to and including `last` are given out. */
  placed(last: number): void {
    this.#offsets.placed(last);
  }

  /** Everything below `end` is in the files. */
  written(end: number): void {
    this.#offsets.written(end);
  }

  /** Everything below `end` is durable. */
  durable(end: number): void {
    this.#offsets.durable(end);
  }

  /** Whether offsets may be missing between two good batches. */
  get gapsAllowed(): boolean {
    if (this.config.cleanupCompact) this.#wasCompacted = true;
    return this.#wasCompacted;
  }

  /** Whether a gap between two segments may be compaction's, for all that is known. */
  get gapsUnknown(): boolean {
    return this.cleaned === null && this.#openedCompacted;
  }

  setConfig(config: LogConfig): void {
    this.#wasCompacted = this.gapsAllowed;
    this.config = config;
  }

  get active(): Segment {
    return this.segments[this.segments.length - 1] as Segment;
  }

  /** Throws KAFKA_STORAGE_ERROR unless appends are taken. */
  assertOpen(): void {
    if (this.state === 'open') return;
    if (this.failure !== null) throw this.failure;
    throw new KafkaError('KAFKA_STORAGE_ERROR', `the log of ${this.name} is closed`);
  }

  /** Index of the segment that holds `offset`; 0 for an offset below all. */
  segmentIndexFor(offset: number): number {
    let low = 0;
    let high = this.segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.segments[middle] as Segment).baseOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** The offset at which segment `index` ends: the next one's base, or the log's end. */
  segmentEnd(index: number): number {
    return this.segments[index + 1]?.baseOffset ?? this.endOffset;
  }

  /** Begins a new active segment at `baseOffset`; its file is made by the writer. */
  roll(baseOffset: number): Segment {
    const { clock, random } = this.context;
    this.active.finishTimes();
    const segment = new Segment(this.name, baseOffset, clock.now());
    segment.jitterMs = jitter(this.config, random);
    segment.snapshot = this.hooks.producerSnapshot(baseOffset);
    this.segments.push(segment);
    return segment;
  }

  /**
   * A read of a segment up to the byte `end`, which says below what offset that is if somebody may ask which
   * transactions were aborted in it: as Kafka, below the first entry of the index behind it, or the segment's end.
   */
  bounded(segment: Segment, end: number, read: LogRead): LogRead {
    if (this.aborted === null) return read;
    const { baseOffset, offsets } = segment;
    const entry = offsets.floorPosition(end - 1) + 1;
    if (entry < offsets.count) return { ...read, below: baseOffset + offsets.offsetAt(entry) };
    const index = this.segments.indexOf(segment);
    return index < 0 ? read : { ...read, below: this.segmentEnd(index) };
  }

  /** Readers may see everything below `offset`, which lies at `position` of `segment`. */
  commit(offset: number, segment: Segment, position: number): void {
    if (!this.#offsets.commit(offset)) return;
    this.watermarkSegment = segment;
    this.watermarkPosition = position;
    tellEach(this.#commitListeners, offset, this.listenerThrew);
  }

  /** Bytes of segment `index` that readers may see. */
  readableBytes(index: number): number {
    const segment = this.segments[index] as Segment;
    const doubted = this.doubtedFrom < Number.POSITIVE_INFINITY;
    const written = doubted ? segment.synced : segment.written;
    if (segment === this.watermarkSegment) return Math.min(written, this.watermarkPosition);
    return segment.baseOffset < this.watermarkSegment.baseOffset ? written : 0;
  }

  /** Raises the start offset; the caller makes it durable. */
  raiseStart(offset: number): void {
    if (!this.#offsets.raiseStart(offset)) return;
    this.epochs.truncateStart(offset);
    const { marks } = this.context;
    const epochsChecksum = this.epochs.checksumBelow(marks.get(this.name)?.mark ?? 0);
    marks.update(this.name, { startOffset: offset, epochsChecksum });
  }

  /** It is deleted: nothing more is taken or synced, as after a failure, but nobody is told. */
  markDeleted(): KafkaError {
    this.deleted = true;
    this.state = 'closed';
    this.failure ??= new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `${this.name} was deleted`);
    return this.failure;
  }

  markFailed(cause: Error): KafkaError {
    if (this.failure !== null) return this.failure;
    const message = `the log of ${this.name} stopped taking writes: ${cause.message}`;
    const failure = new KafkaError('KAFKA_STORAGE_ERROR', message, { cause });
    this.failure = failure;
    if (this.state === 'open') this.state = 'failed';
    this.context.logger.error({ log: this.name, error: cause.message }, message);
    tellEach([...this.#failureListeners], failure, this.listenerThrew);
    return failure;
  }

  /** A listener's fault is its own: it is logged, and changes nothing for the log and for others who listen. */
  readonly listenerThrew = (error: unknown): void => {
    const { message } = asError(error);
    const text = `a listener of the log of ${this.name} threw: ${message}`;
    this.context.logger.error({ log: this.name, err: error }, text);
  };

  onCommit(listener: (highWatermark: number) => void): () => void {
    this.#commitListeners.add(listener);
    return () => this.#commitListeners.delete(listener);
  }

  onFailure(listener: (cause: Error) => void): () => void {
    this.#failureListeners.add(listener);
    return () => this.#failureListeners.delete(listener);
  }
}

/** Kafka's LogConfig.randomSegmentJitter. */
export function jitter(config: LogConfig, random: Random): number {
  if (config.segmentJitterMs === 0) return 0;
  return Math.floor(random.next() * Math.min(config.segmentJitterMs, config.segmentMs));
}
