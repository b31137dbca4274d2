// One partition: its log, its producers, and the rules between a client's batch and the log.

import { Bag } from '../base/bag.ts';
import { KafkaError } from '../base/kafka-errors.ts';
import type { PartitionLog } from '../storage/index.ts';
import { CommitWaiters } from './commit-waiters.ts';
import type {
  AppendAnswer,
  AppendRequest,
  AppendResult,
  FetchedRecords,
  FetchSpec,
  Isolation,
  Partition,
  PartitionWatcher,
  ProducerInfo,
  Topic,
  TransactionOwner,
} from './contract.ts';
import { type FoundOffset, findOffset } from './offset-lookup.ts';
import { type Appendable, PartitionAppends } from './partition-appends.ts';
import {
  checkLeaderEpoch,
  type EpochEnd,
  endOfEpoch,
  type PartitionState,
  unavailable,
} from './partition-checks.ts';
import { PartitionProducers } from './partition-producers.ts';
import { fetched, lookAt, nothing } from './partition-reads.ts';
import type { RemembersProducers } from './producer-expiry.ts';
import { partitionDirectory } from './topic-names.ts';
import type { PartitionContext, TopicShared } from './topic-shared.ts';

const tell = (watcher: PartitionWatcher): void => watcher.changed();

export class LogPartition implements Partition, Appendable, RemembersProducers {
  readonly index: number;
  readonly #shared: TopicShared;
  readonly #context: PartitionContext;
  #state: PartitionState = 'opening';
  #log: PartitionLog | null = null;
  readonly #producers = new PartitionProducers();
  readonly #waiters = new CommitWaiters();
  readonly #appends: PartitionAppends;
  readonly #watchers = new Bag<PartitionWatcher>();
  #reopening: Promise<void> | null = null;

  private constructor(shared: TopicShared, index: number, context: PartitionContext) {
    this.#shared = shared;
    this.#context = context;
    this.index = index;
    const [producers, waiters] = [this.#producers, this.#waiters];
    this.#appends = new PartitionAppends({ partition: this, shared, context, producers, waiters });
  }

  /**
   * Opens or creates the log. A log that cannot be opened gives a partition that is offline, not an
   * error.
   */
  static async open(
    shared: TopicShared,
    index: number,
    context: PartitionContext,
  ): Promise<LogPartition> {
    const partition = new LogPartition(shared, index, context);
    await partition.#openLog().catch(() => {});
    return partition;
  }

  get topic(): Topic {
    return this.#shared.topic;
  }

  get name(): string {
    return partitionDirectory(this.topic.name, this.index);
  }

  get startOffset(): number {
    return this.#log?.startOffset ?? 0;
  }

  get endOffset(): number {
    return this.#log?.endOffset ?? 0;
  }

  get highWatermark(): number {
    return this.#log?.highWatermark ?? 0;
  }

  get lastStableOffset(): number {
    return this.highWatermark;
  }

  get leaderEpoch(): number {
    return this.#log?.leaderEpoch ?? 0;
  }

  get online(): boolean {
    return this.#state === 'open' && this.#log?.state === 'open';
  }

  sizeBytes(): number {
    return this.#log?.sizeBytes() ?? 0;
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return new Promise((appended, refused) => this.appendFor({ appended, refused }, request));
  }

  appendFor(answer: AppendAnswer, request: AppendRequest): void {
    this.#appends.appendFor(answer, request);
  }

  async read(spec: FetchSpec): Promise<FetchedRecords> {
    const log = this.#readable(spec.currentLeaderEpoch);
    const seen = lookAt(this, spec, log, this.#producers);
    const found = seen.offset >= seen.limit ? nothing : await log.read(seen);
    return fetched(this.#context.metrics, seen, found);
  }

  readNow(spec: FetchSpec): FetchedRecords | null {
    const log = this.#readable(spec.currentLeaderEpoch);
    const seen = lookAt(this, spec, log, this.#producers);
    const found = seen.offset >= seen.limit ? nothing : log.readNow(seen);
    return found === null ? null : fetched(this.#context.metrics, seen, found);
  }

  async listOffset(
    timestamp: number,
    isolation: Isolation,
    currentLeaderEpoch: number,
  ): Promise<FoundOffset> {
    const log = this.#readable(currentLeaderEpoch);
    const committed = isolation === 'read_committed';
    const limit = () => (committed ? this.lastStableOffset : this.highWatermark);
    return await findOffset(log, timestamp, limit);
  }

  endOffsetForEpoch(epoch: number, currentLeaderEpoch: number): EpochEnd {
    return endOfEpoch(this.#readable(currentLeaderEpoch), epoch, this.online);
  }

  async deleteRecords(offset: number): Promise<number> {
    const log = this.writable();
    const { cleanupCompact, cleanupDelete } = this.#shared.settings.log;
    if (cleanupCompact && !cleanupDelete) {
      const message = `${this.topic.name} is compacted: records go by their keys, not by offset`;
      throw new KafkaError('POLICY_VIOLATION', message);
    }
    const before = offset === -1 ? log.highWatermark : offset;
    if (before < 0 || before > log.highWatermark) {
      const message = `offset ${offset} is not in 0 to ${log.highWatermark}, or -1`;
      throw new KafkaError('OFFSET_OUT_OF_RANGE', message);
    }
    // Also when the start is there already: an earlier attempt may have failed to make it durable.
    await log.deleteRecordsBefore(Math.max(before, log.startOffset));
    return log.startOffset;
  }

  producers(): readonly ProducerInfo[] {
    this.#readable(-1);
    return this.#producers.infos();
  }

  isCommitPrepared(owner: TransactionOwner): Promise<boolean> {
    return this.#context.preparedCommits.has(this.topic.name, this.index, owner);
  }

  async *batches(fromOffset: number): AsyncGenerator<Buffer, void, undefined> {
    const log = this.#readable(-1);
    for await (const batch of log.batches(fromOffset)) {
      if (Number(batch.readBigInt64BE(0)) >= log.highWatermark) return;
      yield batch;
    }
  }

  watch(watcher: PartitionWatcher): void {
    this.#watchers.add(watcher);
  }

  unwatch(watcher: PartitionWatcher): void {
    this.#watchers.remove(watcher);
  }

  reopen(): Promise<void> {
    this.#reopening ??= this.#reopen().finally(() => {
      this.#reopening = null;
    });
    return this.#reopening;
  }

  /** Takes the topic's settings as they are now. */
  settingsChanged(): void {
    this.#log?.setConfig(this.#shared.settings.log);
  }

  expireProducers(idleMs: number): number {
    return this.#producers.expire(this.#nowMs(), idleMs);
  }

  /** Retention, and rolling by time. Throws what the log throws. */
  async housekeeping(): Promise<void> {
    const log = this.#log;
    if (log !== null && this.online) await log.applyRetention(this.#nowMs());
  }

  /** Ends this object at once; answers its log, once nobody opens it any more: the caller closes or deletes it. */
  async end(state: 'deleted' | 'closed'): Promise<PartitionLog | null> {
    this.#state = state;
    this.#waiters.failed(unavailable(this.name, this.#state));
    await this.#reopening?.catch(() => {});
    return this.#log;
  }

  async #openLog(): Promise<void> {
    const { store, logger, metrics } = this.#context;
    const { topic, settings } = this.#shared;
    try {
      if (this.#log === null) {
        const log = await store.openLog({
          name: this.name,
          topicId: topic.id,
          config: settings.log,
          hooks: {
            producerSnapshot: () => this.#producers.snapshot(),
            producerLastOffsets: () => this.#producers.lastOffsets(),
            lastStableOffset: () => this.lastStableOffset,
          },
        });
        log.onCommit((highWatermark) => this.#committed(highWatermark));
        log.onFailure((cause) => this.#failed(cause));
        this.#log = log;
        // They may have changed while it was being opened.
        this.settingsChanged();
      } else if (this.#log.state === 'failed') await this.#log.reopen();
      // What producers had in flight may be gone: the log alone says what was stored.
      const isCommitPrepared = (owner: TransactionOwner) => this.isCommitPrepared(owner);
      const recovering = { store, logger, nowMs: this.#nowMs(), isCommitPrepared };
      await this.#producers.recover(this.#log, recovering);
      if (this.#state === 'opening') this.#state = 'open';
    } catch (error) {
      metrics.partitionFailures += 1;
      logger.error({ partition: this.name, err: error }, 'a partition cannot be opened');
      if (this.#state === 'opening') this.#state = this.#stateAfterFailure();
      throw error;
    }
  }

  /** A log that still refuses writes goes on serving what it has. */
  #stateAfterFailure(): PartitionState {
    return this.#log?.state === 'failed' ? 'open' : 'offline';
  }

  async #reopen(): Promise<void> {
    if (this.online) return;
    if (this.#state === 'deleted' || this.#state === 'closed')
      throw unavailable(this.name, this.#state);
    this.#state = 'opening';
    await this.#openLog();
    this.#context.logger.info({ partition: this.name }, 'the partition takes writes again');
  }

  #committed(highWatermark: number): void {
    this.#waiters.committed(highWatermark);
    this.#watchers.visit(tell);
  }

  #failed(cause: Error): void {
    const { logger, metrics } = this.#context;
    metrics.partitionFailures += 1;
    const fields = { partition: this.name, err: cause };
    logger.error(fields, 'the partition takes no writes until it is reopened');
    const message = `${this.name} failed: ${cause.message}`;
    this.#waiters.failed(new KafkaError('KAFKA_STORAGE_ERROR', message, { cause }));
    this.#watchers.visit(tell);
  }

  writable(): PartitionLog {
    const log = this.#readable(-1);
    if (log.state === 'open') return log;
    throw new KafkaError('KAFKA_STORAGE_ERROR', `${this.name} takes no writes: its disk failed`);
  }

  #readable(currentLeaderEpoch: number): PartitionLog {
    const log = this.#log;
    if (log === null || this.#state !== 'open') throw unavailable(this.name, this.#state);
    checkLeaderEpoch(currentLeaderEpoch, log.leaderEpoch);
    return log;
  }

  #nowMs(): number {
    return this.#context.clock.now();
  }
}
