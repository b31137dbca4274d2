// Reading topics: alone, or as a member of a group. Records come by async iteration, in batches, or through a handler
// with order kept per key. A record counts as dealt with when the next one is asked for, or when its handler is done.

import { atMost } from '../../base/pause.ts';
import type { CancelTimer } from '../../base/ports.ts';
import type { TopicPartition } from '../admin-cluster.ts';
import type { Cluster } from '../cluster.ts';
import { ClientError } from '../errors.ts';
import { Fetcher } from '../fetcher.ts';
import { outsider } from '../group-offsets.ts';
import type { OffsetSpec } from '../offset-spec.ts';
import { type AnySerde, type SerdeValue, serdeOf } from '../serde.ts';
import { ClassicMember } from './classic-member.ts';
import { Committer } from './committer.ts';
import { Complaint } from './complaint.ts';
import { type Chunk, Feed } from './feed.ts';
import { Holdings } from './holdings.ts';
import { InHand } from './in-hand.ts';
import { insist, type Persistence } from './insist.ts';
import { type Member, type MemberHost, without } from './membership.ts';
import { ModernMember } from './modern-member.ts';
import type { BatchOf, ConsumerOptions, OffsetToCommit, RecordOf } from './options.ts';
import { RecordDecoder } from './record.ts';
import { checkRun, type RunOptions, runOneByOne, runSideBySide } from './run.ts';
import { Seat } from './seat.ts';
import { type ConsumerSettings, settingsOf, specOf } from './settings.ts';
import { RecordSource } from './source.ts';
import { Stuck } from './stuck.ts';
import { TopicWatch } from './topic-watch.ts';

/** The last commit and the good-bye have so long, in ms, also if handlers used up the time for closing. */
const LAST_WORDS_MS = 5_000;

/** See `Client.consumer`. */
export class Consumer<KS extends AnySerde = 'string', VS extends AnySerde = 'msgpack'>
  implements AsyncIterable<RecordOf<KS, VS>>, AsyncDisposable
{
  readonly #cluster: Cluster;
  readonly #onClosed: (() => void) | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #settings: ConsumerSettings;
  readonly #fetcher: Fetcher;
  readonly #source: RecordSource<SerdeValue<KS>, SerdeValue<VS>>;
  readonly #holdings: Holdings;
  readonly #stuck: Stuck;
  readonly #hear: (error: unknown) => void;
  readonly #watch: TopicWatch | null;
  readonly #member: Member | null;
  readonly #seat: Seat | null;
  /** Aborted by the user's signal: no new records. By `close`: no waiting for old ones. */
  readonly #stopping = new AbortController();
  readonly #ending = new AbortController();
  #cancelCommit: CancelTimer | null = null;
  #closed: Promise<void> | null = null;
  /** Set while a loop reads. */
  #reader: 'records' | 'batches' | 'run' | null = null;
  #running: Promise<void> = Promise.resolve();
  readonly #inHand = new InHand();

  /**
   * Nothing is asked of the cluster before the first record is; `onClosed` hears of the end. Throws ClientError
   * `invalid_option`.
   */
  constructor(cluster: Cluster, options: ConsumerOptions<KS, VS>, onClosed?: () => void) {
    this.#onClosed = onClosed;
    this.#signal = options.signal;
    const settings = settingsOf(options as ConsumerOptions<AnySerde, AnySerde>);
    const complaint = new Complaint(cluster, settings);
    const own = cluster.fork((error, leftMs) => complaint.hear(error, leftMs));
    this.#cluster = own;
    this.#settings = settings;
    this.#stuck = new Stuck(own.clock);
    const onTrouble = (error: unknown): void => complaint.hear(error);
    this.#hear = onTrouble;
    const patienceMs = Number.POSITIVE_INFINITY;
    this.#fetcher = new Fetcher(own, { ...settings.fetcher, patienceMs, onTrouble });
    const committer = new Committer(own, {
      identity: () => this.#member?.identity ?? outsider(settings.group ?? ''),
      isJoining: () => this.#member?.isJoining ?? false,
    });
    const onFailed = (error: unknown): void => this.#source.fail(error);
    const holding = { ...settings.holdings, onTrouble, onFailed, until: this.#ending.signal };
    this.#holdings = new Holdings(own, this.#fetcher, committer, holding);
    const decoder = new RecordDecoder(
      serdeOf<KS>(options.key ?? ('string' as KS)),
      serdeOf<VS>(options.value ?? ('msgpack' as VS)),
    );
    this.#source = new RecordSource({
      clock: own.clock,
      fetcher: this.#fetcher,
      feed: new Feed(this.#fetcher, this.#holdings.places, decoder),
      stuck: this.#stuck,
      stopping: this.#stopping.signal,
      start: () => this.#start(),
    });
    this.#watch = this.#watchTopics();
    this.#member = this.#join();
    const events = { trouble: onTrouble, failed: onFailed };
    this.#seat = this.#member && new Seat(this.#member, own.clock, this.#ending.signal, events);
    const stop = (): void => this.#stop();
    if (options.signal?.aborted === true) stop();
    else
      options.signal?.addEventListener('abort', stop, { once: true, signal: this.#ending.signal });
  }

  /** What is read now. */
  assignment(): TopicPartition[] {
    return this.#holdings.list();
  }

  /**
   * Everything before it is dealt with; -1 while nobody can tell where to begin, for want of a leader, say. Throws
   * ClientError `invalid_option` for a partition that is not read.
   */
  position(place: TopicPartition): number {
    return this.#holdings.get(place).progress.position;
  }

  /**
   * Goes on from an offset, a time, or another place of the offset grammar. Throws ClientError `invalid_option` for a
   * partition that is not read, and what looking the place up throws.
   */
  seek(
    place: TopicPartition,
    to: number | Date | 'earliest' | 'latest' | OffsetSpec,
  ): Promise<void> {
    return this.#holdings.seek(place, typeof to === 'number' ? to : specOf(to));
  }

  /** Stops reading partitions (default: all) until {@link resume}; a group keeps them. Throws as {@link position}. */
  pause(places: readonly TopicPartition[] = this.assignment()): void {
    this.#holdings.pause(places);
  }

  /** Reads paused partitions on from where they were. Throws as {@link position}. */
  resume(places: readonly TopicPartition[] = this.assignment()): void {
    this.#holdings.resume(places);
  }

  /**
   * Commits these offsets, or without any everything that was given out: the record at work in a loop is among it,
   * those at work in handlers of `run` are not. After a rebalance that left the partitions here it tries again. Throws
   * KafkaError `UNKNOWN_TOPIC_OR_PARTITION` for what was deleted, once the rest is committed; `ILLEGAL_GENERATION`,
   * `STALE_MEMBER_EPOCH`, `UNKNOWN_MEMBER_ID` and others when they may be others' by now; and ClientError
   * `invalid_option` without a group.
   */
  async commit(offsets?: readonly OffsetToCommit[]): Promise<void> {
    if (this.#settings.group === undefined) {
      throw new ClientError('invalid_option', 'only a group can commit: give the consumer one');
    }
    if (offsets !== undefined) return this.#holdings.commit(offsets);
    this.#inHand.settle();
    await this.#holdings.commitDone();
  }

  /**
   * Records one by one, until the consumer is closed. Throws what it cannot recover from. After `break` or an exception
   * the last record is not dealt with, unless it was committed or another loop asks for more.
   */
  [Symbol.asyncIterator](): AsyncIterator<RecordOf<KS, VS>, undefined, undefined> {
    this.#enter('records');
    return {
      next: () => {
        this.#inHand.settle();
        this.#stuck.moved();
        try {
          const value = this.#source.pull();
          if (value !== null) {
            this.#inHand.take(value.offset, this.#source.progress);
            return Promise.resolve({ done: false, value });
          }
        } catch (error) {
          this.#reader = null;
          return Promise.reject(error as Error);
        }
        return this.#nextRecord();
      },
      return: async () => {
        await this.#leave();
        return { done: true, value: undefined };
      },
    };
  }

  /** Records as they came, of one partition each; all of a batch are dealt with when the next batch is asked for. */
  async *batches(): AsyncGenerator<BatchOf<KS, VS>, void, undefined> {
    this.#enter('batches');
    try {
      for (;;) {
        this.#inHand.settle();
        const chunk = await this.#source.chunk();
        if (chunk === null) return;
        const batch = this.#batchOf(chunk);
        if (batch.records.length > 0) yield batch;
      }
    } finally {
      await this.#leave();
    }
  }

  /**
   * Calls `handler` for each record until the consumer is closed, for up to `concurrency` (default 1) of them at once;
   * records of a partition with the same key, and those without any, stay in order. Rejects with what a handler throws,
   * or reading cannot recover from, after handlers at work are done, what is dealt with is committed (unless
   * `autoCommit` is false), and the group is left, so that others go on from there. Calling it again joins the group
   * again; without a group it begins with the first record that is not dealt with.
   */
  async run(
    handler: (record: RecordOf<KS, VS>) => unknown,
    options: RunOptions = {},
  ): Promise<void> {
    const { concurrency = 1 } = checkRun(handler, options);
    this.#enter('run');
    const at = { source: this.#source, stuck: this.#stuck, fetcher: this.#fetcher };
    const work =
      concurrency === 1
        ? runOneByOne(handler, this.#source, this.#stuck)
        : runSideBySide(handler, concurrency, at);
    this.#running = work.catch(() => {});
    try {
      await work;
    } catch (error) {
      this.#holdings.rewind();
      await this.#seat?.stepOut();
      throw error;
    } finally {
      await this.#leave();
    }
  }

  /**
   * Finishes the handlers at work, commits unless `autoCommit` is false, and leaves the group, as far as
   * `closeTimeoutMs` goes. A record or batch that a loop has in hand is not waited for and not committed: end the loop,
   * or abort the `signal`, to have it counted. Do not await it in a handler of `run`, in `onAssigned` or in
   * `onRevoked`: it waits for these. Rejects with what `onRevoked` throws, or a commit that is refused for good.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    this.#ending.abort();
    this.#cancelCommit?.();
    this.#watch?.stop();
    const sessionsEnded = this.#fetcher.close();
    const { clock } = this.#cluster;
    const untilMs = clock.monotonic() + this.#settings.closeTimeoutMs;
    await atMost(clock, this.#settings.closeTimeoutMs, this.#running);
    // Whatever still waits for a broker then ends with the connections.
    const leftMs = Math.max(untilMs - clock.monotonic(), LAST_WORDS_MS);
    const cancelHangUp = clock.setTimer(leftMs, () => void this.#cluster.close());
    try {
      if (this.#member !== null) await this.#member.leave();
      else await this.#holdings.release(this.assignment(), this.#ending.signal);
    } finally {
      cancelHangUp();
      await sessionsEnded;
      this.#onClosed?.();
      await this.#cluster.close();
    }
  }

  /** No new records; the loop that reads closes the consumer when it comes round, or it is closed at once. */
  #stop(): void {
    this.#stopping.abort();
    this.#fetcher.wake();
    // What closing throws is told to whoever closes it too; nobody is there to be told here.
    if (this.#reader === null) void this.close().catch(() => {});
  }

  #enter(reader: 'records' | 'batches' | 'run'): void {
    const over = this.#closed !== null && this.#signal?.aborted !== true;
    if (over) throw new ClientError('closed', 'the consumer is closed; make another one');
    if (this.#reader !== null) {
      const message = `a consumer is read by one loop at a time, and ${this.#reader} are being read`;
      throw new ClientError('invalid_option', message);
    }
    this.#reader = reader;
    this.#seat?.comeBack();
  }

  async #leave(): Promise<void> {
    this.#reader = null;
    if (this.#stopping.signal.aborted) await this.close();
  }

  async #nextRecord(): Promise<IteratorResult<RecordOf<KS, VS>, undefined>> {
    let value: RecordOf<KS, VS> | null = null;
    try {
      value = await this.#source.next();
    } finally {
      if (value === null) await this.#leave();
    }
    if (value === null) return { done: true, value: undefined };
    this.#inHand.take(value.offset, this.#source.progress);
    return { done: false, value };
  }

  #batchOf(chunk: Chunk<SerdeValue<KS>, SerdeValue<VS>>): BatchOf<KS, VS> {
    const records: RecordOf<KS, VS>[] = [];
    for (let record = chunk.next(); record !== null; record = chunk.next()) {
      records.push(record);
    }
    this.#inHand.take(records, chunk.progress);
    const { topic, partition, endOffset } = chunk.fetched;
    return { topic, partition, records, endOffset };
  }

  #start(): void {
    const { autoCommitMs } = this.#settings;
    if (autoCommitMs !== null) this.#commitEvery(autoCommitMs);
    this.#begin().catch((error: unknown) => this.#source.fail(error));
  }

  /** A cluster that cannot be reached at all is told at once, not tried for ever. */
  async #begin(): Promise<void> {
    const isPassing = (error: unknown): boolean =>
      !(error instanceof ClientError && error.code === 'cannot_connect');
    await insist(() => this.#cluster.describe(), { ...this.#persistence(), isPassing });
    if (this.#ending.signal.aborted) return;
    const alone = (): Promise<void> => this.#takeAll(undefined);
    await (this.#member?.run() ?? insist(alone, this.#persistence()));
  }

  #commitEvery(everyMs: number): void {
    this.#cancelCommit = this.#cluster.clock.setTimer(everyMs, () => {
      // What fails now is tried again next time, or done again by the partitions' next owner.
      void this.#holdings
        .commitDone()
        .catch(this.#hear)
        .finally(() => {
          if (!this.#ending.signal.aborted) this.#commitEvery(everyMs);
        });
    });
  }

  #watchTopics(): TopicWatch | null {
    const { topics, metadataMaxAgeMs: everyMs } = this.#settings;
    if (topics === undefined) return null;
    return new TopicWatch(this.#cluster, {
      topics,
      everyMs,
      onTrouble: this.#hear,
      onChange: (what) => {
        if (this.#member !== null) this.#member.requestRejoin(what);
        else this.#takeNew();
      },
    });
  }

  /** Of partitions that came while we were reading, nothing may be missed. */
  #takeNew(): void {
    const taken = insist(() => this.#takeAll({ kind: 'earliest' }), this.#persistence());
    taken.catch((error: unknown) => this.#source.fail(error));
  }

  #persistence(): Persistence {
    return { clock: this.#cluster.clock, until: this.#ending.signal, trouble: this.#hear };
  }

  /** Without a group: all partitions of the topics, or those that were named. */
  async #takeAll(from: OffsetSpec | undefined): Promise<void> {
    const wanted = (await this.#watch?.partitions()) ?? this.#settings.assign ?? [];
    const held = this.assignment();
    this.#holdings.drop(without(held, wanted));
    await this.#holdings.take(without(wanted, held), from);
  }

  #join(): Member | null {
    const { group, topics, protocol, member } = this.#settings;
    if (group === undefined || topics === undefined || this.#watch === null) return null;
    const host: MemberHost = {
      owned: () => this.assignment(),
      assign: (places) => this.#holdings.take(places),
      revoke: (places) => this.#holdings.release(places, this.#ending.signal),
      lost: (places) => this.#holdings.lose(places),
      stuckMs: () => this.#stuck.forMs(),
      unstuck: (signal) => this.#stuck.end(signal),
      trouble: this.#hear,
    };
    const options = { ...member, group, topics };
    return protocol === 'consumer'
      ? new ModernMember(this.#cluster, options, host)
      : new ClassicMember(this.#cluster, options, host, this.#watch);
  }
}
