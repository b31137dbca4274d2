// What the parts of one open log share: segments, offsets, state. One object, so that writer, syncer, readers and
// retention all see the same facts at the same moment. They change by the calls below alone, and the three that keep
// them (log-offsets.ts, segment-list.ts, log-life.ts) refuse what would contradict the rest.

import { assert } from '../../base/errors.ts';
import { KafkaError } from '../../base/kafka-errors.ts';
import { Mutex } from '../../base/mutex.ts';
import type { Random } from '../../base/ports.ts';
import type { DamagedRange, LogConfig, LogRead, LogState, RollHooks } from '../contract.ts';
import type { LogContents, SyncedPlace } from '../log-contents.ts';
import type { LogView } from '../log-view.ts';
import type { CleanedSegments, Swapped } from '../metadata/cleaned-segments.ts';
import type { LeaderEpochs } from '../metadata/leader-epochs.ts';
import { logIdentity } from '../metadata/log-identity.ts';
import { NextPlaces } from '../reading/next-places.ts';
import { ReaderLatch } from '../reading/reader-latch.ts';
import { NO_OFFSET, Segment } from '../segment/segment.ts';
import type { AbortedTransactions } from '../segment/transaction-index.ts';
import type { StoreContext } from '../store-context.ts';
import { LogLife } from './log-life.ts';
import { LogListeners } from './log-listeners.ts';
import { LogOffsets } from './log-offsets.ts';
import { SegmentList } from './segment-list.ts';

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

export class LogCore implements LogView {
  readonly context: StoreContext;
  readonly name: string;
  readonly topicId: string;
  /** How journal and marks name this log. */
  readonly identity: string;
  readonly hooks: RollHooks;
  readonly listeners: LogListeners;
  readonly latch = new ReaderLatch();
  readonly nextPlaces = new NextPlaces();
  #config: LogConfig;
  readonly damageLane = new Mutex();
  readonly provenDamage = new WeakSet<DamagedRange>();
  #wasCompacted: boolean;
  /** Compacted before it was opened. */
  readonly #openedCompacted: boolean;
  #aborted: AbortedTransactions | null;
  readonly #life = new LogLife();
  #epochs: LeaderEpochs;
  readonly #offsets: LogOffsets;
  readonly #list: SegmentList;

  constructor(options: CoreOptions) {
    this.context = options.context;
    this.name = options.name;
    this.topicId = options.topicId;
    this.identity = logIdentity(options);
    this.hooks = options.hooks;
    this.#config = options.config;
    this.#wasCompacted = options.wasCompacted ?? false;
    this.#openedCompacted = this.#wasCompacted;
    this.listeners = new LogListeners(this.name, this.context.logger);
    const { contents } = options;
    this.#epochs = contents.epochs;
    this.#aborted = contents.aborted;
    this.#offsets = new LogOffsets(contents);
    this.#list = new SegmentList(contents);
  }

  /** Takes over what a reopen found on the disk. */
  install(contents: LogContents): void {
    this.#offsets.restart(contents);
    this.#list.install(contents);
    this.#life.reopened();
    this.#epochs = contents.epochs;
    this.#aborted = contents.aborted;
    this.latch.heal();
    this.commit(contents.endOffset, this.active, this.active.size);
  }

  /** Takes over a view of the files to read from; the log stays failed. */
  show(contents: LogContents): void {
    this.#offsets.show(contents);
    this.#list.install(contents);
    this.#aborted = contents.aborted;
    const { believedEnd: offset, endOffset } = contents;
    const { active: segment } = this;
    this.#life.shown(offset < endOffset ? { offset, segment, position: segment.size } : null);
    this.latch.heal();
  }

  get state(): LogState {
    return this.#life.state;
  }

  get failure(): KafkaError | null {
    return this.#life.failure;
  }

  /** Behind this place the files alone may not be believed, whatever is committed; null: they may. */
  get believed(): SyncedPlace | null {
    return this.#life.believed;
  }

  get readableEnd(): number {
    const { believed } = this.#life;
    const { highWatermark } = this.#offsets;
    return believed === null ? highWatermark : Math.min(highWatermark, believed.offset);
  }

  /** Nothing of it is needed any more, and what goes wrong with it is nobody's concern. */
  get deleted(): boolean {
    return this.#life.deleted;
  }

  get config(): LogConfig {
    return this.#config;
  }

  get epochs(): LeaderEpochs {
    return this.#epochs;
  }

  get aborted(): AbortedTransactions | null {
    return this.#aborted;
  }

  get segments(): readonly Segment[] {
    return this.#list.all;
  }

  get active(): Segment {
    return this.#list.active;
  }

  get damaged(): readonly DamagedRange[] {
    return this.#list.damaged;
  }

  get cleaned(): CleanedSegments | null {
    return this.#list.cleaned;
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

  get gapsAllowed(): boolean {
    if (this.#config.cleanupCompact) this.#wasCompacted = true;
    return this.#wasCompacted;
  }

  get gapsUnknown(): boolean {
    return this.#list.cleaned === null && this.#openedCompacted;
  }

  setConfig(config: LogConfig): void {
    this.#wasCompacted = this.gapsAllowed;
    this.#config = config;
  }

  /** Throws KAFKA_STORAGE_ERROR unless appends are taken. */
  assertOpen(): void {
    if (this.#life.state === 'open') return;
    if (this.#life.failure !== null) throw this.#life.failure;
    throw new KafkaError('KAFKA_STORAGE_ERROR', `the log of ${this.name} is closed`);
  }

  segmentIndexFor(offset: number): number {
    return this.#list.indexFor(offset);
  }

  holds(segment: Segment): boolean {
    return this.#list.holds(segment);
  }

  endOf({ nextBaseOffset }: Segment): number {
    return nextBaseOffset === NO_OFFSET ? this.#offsets.endOffset : nextBaseOffset;
  }

  /** Begins a new active segment at `baseOffset`; its file is made by the writer. */
  roll(baseOffset: number): Segment {
    const { clock, random } = this.context;
    this.active.indexes.finish();
    const jitterMs = jitter(this.#config, random);
    const snapshot = this.hooks.producerSnapshot(baseOffset);
    const segment = new Segment(this.name, baseOffset, clock.now(), { jitterMs, snapshot });
    this.#list.roll(segment);
    return segment;
  }

  bounded(segment: Segment, end: number, read: LogRead): LogRead {
    if (this.#aborted === null) return read;
    const { baseOffset } = segment;
    const { offsets } = segment.indexes;
    const entry = offsets.floorPosition(end - 1) + 1;
    if (entry < offsets.count) return { ...read, below: baseOffset + offsets.offsetAt(entry) };
    return { ...read, below: this.endOf(segment) };
  }

  /** Readers may see everything below `offset`, which lies at `position` of `segment`. */
  commit(offset: number, segment: Segment, position: number): void {
    if (!this.#offsets.commit(offset)) return;
    this.#list.moveWatermark(segment, position);
    this.listeners.tellCommit(offset);
  }

  readableBytes(segment: Segment): number {
    const { believed } = this.#life;
    let bytes = segment.written;
    if (believed?.segment === segment) bytes = Math.min(bytes, believed.position);
    else if (believed !== null && segment.baseOffset >= believed.segment.baseOffset) bytes = 0;
    return this.#list.readable(segment, bytes);
  }

  assertReadable(offset: number): void {
    const { believed, failure } = this.#life;
    if (believed !== null && failure !== null && offset >= believed.offset) throw failure;
  }

  /** Raises the start offset; the caller makes it durable. */
  raiseStart(offset: number): void {
    if (!this.#offsets.raiseStart(offset)) return;
    this.#epochs.truncateStart(offset);
    const { marks } = this.context;
    const epochsChecksum = this.#epochs.checksumBelow(marks.get(this.name)?.mark ?? 0);
    marks.update(this.name, { startOffset: offset, epochsChecksum });
  }

  /** Lets the oldest segments go, which lie below the start. */
  dropOldest(count: number): readonly Segment[] {
    const next = this.#list.all[count];
    assert(
      next !== undefined && next.baseOffset <= this.#offsets.startOffset,
      'only segments below the start are dropped',
    );
    return this.#list.dropOldest(count);
  }

  /** Puts `made` in the place of the finished segments that a swap has replaced. */
  exchange(swapped: readonly Swapped[], made: readonly Segment[]): void {
    this.#list.exchange(swapped, made);
  }

  addDamage(range: DamagedRange): void {
    this.provenDamage.add(range);
    this.#list.addDamage(range);
  }

  replaceDamage(range: DamagedRange, left: readonly DamagedRange[]): boolean {
    for (const one of left) this.provenDamage.add(one);
    return this.#list.replaceDamage(range, left);
  }

  /** It is deleted: nothing more is taken or synced, as after a failure, but nobody is told. */
  markDeleted(): KafkaError {
    const message = `${this.name} was deleted`;
    return this.#life.delete(new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', message));
  }

  /** Appends are refused from now on. True when the log was open: what it holds is to be finished. */
  markClosing(): boolean {
    return this.#life.closing();
  }

  markClosed(): void {
    this.#life.closed();
  }

  /**
   * Nothing more is taken or synced, and behind `believed` the files alone may not be believed (null: they may). Null
   * when it had failed before.
   */
  markFailed(cause: Error, believed: SyncedPlace | null = null): KafkaError | null {
    const message = `the log of ${this.name} stopped taking writes: ${cause.message}`;
    const failure = new KafkaError('KAFKA_STORAGE_ERROR', message, { cause });
    if (!this.#life.failed(failure, believed)) return null;
    this.context.logger.error({ log: this.name, error: cause.message }, message);
    this.listeners.tellFailure(failure);
    return failure;
  }
}

/** Kafka's LogConfig.randomSegmentJitter. */
function jitter(config: LogConfig, random: Random): number {
  if (config.segmentJitterMs === 0) return 0;
  return Math.floor(random.next() * Math.min(config.segmentJitterMs, config.segmentMs));
}
