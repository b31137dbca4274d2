// Sends whole record batches that exist already, as they are: what copying a log needs. A request carries one batch of
// each partition that has some, and several of a partition are under way at a time; each is written once and in order,
// over retries and also over senders, when the next one goes on with the identity and the sequences of the last.
//
// A broker remembers a producer's last five batches, by which it knows one that is sent again. With more under way (a
// broker that syncs each was idle half of the time with five of 100 KB) a batch that landed unheard may be forgotten,
// and is refused as out of order when it goes again. Then the broker is asked how far the producer came. The batch that
// ends there goes again by itself: it is remembered, so its answer comes when it, and all before it, are safe.

import { asError } from '../base/errors.ts';
import { ErrorCode, errorName, KafkaError } from '../base/kafka-errors.ts';
import { sleep } from '../base/pause.ts';
import { Produce, type ProduceResponse } from '../protocol/index.ts';
import { addSequence, BATCH_HEADER_BYTES, BatchHeader, setProducerState } from '../record/index.ts';
import { type Cluster, isRetriableError } from './cluster.ts';
import { ClientError } from './errors.ts';
import type { Node } from './network.ts';
import { lastSequence, newIdentity, type ProducerIdentity } from './producer-identity.ts';

export interface BatchSenderOptions {
  readonly topic: string;
  /** Of an earlier sender, to go on with. Default: a new producer id. */
  readonly identity?: ProducerIdentity;
  /** By partition: the sequence of the next record. Default 0. */
  readonly sequences?: ReadonlyMap<number, number>;
  /** Bytes under way before {@link BatchSender.send} waits. Default 32 MiB. */
  readonly bufferBytes?: number;
  /** From the first try of a batch to giving up. Default 120 000. */
  readonly deliveryTimeoutMs?: number;
  /** For one request at the broker. Default 30 000. */
  readonly requestTimeoutMs?: number;
}

/** Hears once of a batch: its base offset (-1 when the broker no longer knows it), or why it was refused. */
export type OnBatchLanded = (error: Error | null, baseOffset: number) => void;

interface Item {
  bytes: Buffer;
  /** As it is sent: a broker in this process writes offset, epoch and time into what it is given. */
  readonly header: Buffer;
  sent: boolean;
  /** What the broker said: the base offset, or why not. Null before that. */
  verdict: number | Error | null;
  readonly done: OnBatchLanded;
  readonly release: (() => void) | null;
  readonly sinceMs: number;
  /** Those before it that the broker has, and that are safe when this one is. */
  covered: readonly Item[];
}

interface Lane {
  readonly partition: number;
  readonly items: Item[];
  /** How many of them, from the first on, are in requests. */
  flying: number;
  window: number;
  nextSequence: number;
  /** Nothing goes out: its leader is looked for, or it waits before it tries again. */
  held: boolean;
  failure: Error | null;
}

interface Taken {
  readonly lane: Lane;
  readonly item: Item;
}

interface Load {
  readonly node: Node;
  /** Of the topic. */
  readonly id: string;
  readonly taken: Taken[];
  bytes: number;
}

interface UnderWay {
  requests: number;
  bytes: number;
}

/** Unanswered batches of a partition where the broker can say how far a producer came. */
const WINDOW = 100;
/** Elsewhere as many as brokers remember of a producer. */
const WINDOW_REMEMBERED = 5;
/** Unanswered bytes at one broker: what several syncs take in at once. More were not faster. */
const UNDER_WAY_BYTES = 10 * 1024 * 1024;
const REQUEST_BYTES_MAX = 4 * 1024 * 1024;
const RETRY_BACKOFF_MS = 100;

/** For the next request. What an earlier one was given may be kept by a broker in this process: a repeat is a copy. */
function bytesOf(item: Item): Buffer {
  if (item.sent) {
    item.bytes = Buffer.from(item.bytes);
    item.header.copy(item.bytes);
  }
  item.sent = true;
  return item.bytes;
}

/** Sends batches to one topic; see {@link openBatchSender}. */
export class BatchSender {
  readonly identity: ProducerIdentity;
  readonly #cluster: Cluster;
  readonly #options: BatchSenderOptions;
  /** Those that were served last stand last. */
  readonly #lanes = new Map<number, Lane>();
  /** By broker. */
  readonly #underWay = new Map<number, UnderWay>();
  readonly #waiting = new Set<() => void>();
  readonly #bufferBytes: number;
  /** Unanswered batches of a partition, and requests of one broker. */
  readonly #window: number;
  #bytes = 0;
  #pumping = false;

  /** `asks`: whether brokers say how far a producer came. */
  constructor(
    cluster: Cluster,
    options: BatchSenderOptions,
    { identity, asks }: { readonly identity: ProducerIdentity; readonly asks: boolean },
  ) {
    this.#cluster = cluster;
    this.identity = identity;
    this.#options = options;
    this.#window = asks ? WINDOW : WINDOW_REMEMBERED;
    this.#bufferBytes = options.bufferBytes ?? 32 * 1024 * 1024;
  }

  /**
   * Takes a batch whose records have consecutive offsets; the bytes become the sender's own, which writes its identity
   * into them, until it calls `release`: then they may be used for something else. (It never does after a failure, or
   * where a broker in this process may keep them.) Resolves when there is room for the next. Once a batch of a
   * partition is refused, so are all after it.
   */
  async send(
    partition: number,
    bytes: Buffer,
    done: OnBatchLanded,
    release: (() => void) | null = null,
  ): Promise<void> {
    const lane = this.#laneOf(partition);
    if (lane.failure !== null) {
      done(lane.failure, -1);
      return;
    }
    const baseSequence = lane.nextSequence;
    const { recordCount } = new BatchHeader(bytes);
    setProducerState(bytes, { ...this.identity, baseSequence });
    lane.nextSequence = addSequence(baseSequence, recordCount);
    const header = Buffer.from(bytes.subarray(0, BATCH_HEADER_BYTES));
    const sinceMs = this.#cluster.clock.monotonic();
    const item = { bytes, header, sent: false, verdict: null, done, release, sinceMs, covered: [] };
    lane.items.push(item);
    this.#bytes += bytes.length;
    this.#pumpSoon();
    await this.#whenBelow(this.#bufferBytes);
  }

  /** Resolves when every batch so far was answered, well or badly. */
  flush(): Promise<void> {
    return this.#whenBelow(1);
  }

  #laneOf(partition: number): Lane {
    const known = this.#lanes.get(partition);
    if (known !== undefined) return known;
    const lane: Lane = {
      partition,
      items: [],
      flying: 0,
      // One alone until one has landed: a broker that does not know a producer lets it begin at any sequence, so a
      // second batch that overtook the first would be taken for it.
      window: 1,
      nextSequence: this.#options.sequences?.get(partition) ?? 0,
      held: false,
      failure: null,
    };
    this.#lanes.set(partition, lane);
    return lane;
  }

  /** All that is given in one turn is looked at once: else each partition's batches would be requests of their own. */
  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#cluster.clock.defer(() => {
      this.#pumping = false;
      while (this.#pump() > 0);
    });
  }

  /**
   * One request for each leader that may have one more, with at most one batch of each partition (more are not
   * allowed). Answers how many.
   */
  #pump(): number {
    const loads = new Map<number, Load>();
    for (const lane of this.#lanes.values()) {
      const item = lane.items[lane.flying];
      if (lane.held || item === undefined || lane.flying >= lane.window) continue;
      const leader = this.#cluster.knownLeader(this.#options.topic, lane.partition);
      if (leader === null) {
        void this.#locate(lane);
        continue;
      }
      const { node, topicId: id } = leader;
      const { requests, bytes } = this.#underWayAt(node);
      if (requests >= this.#window || bytes >= UNDER_WAY_BYTES) continue;
      const load = loads.get(node.id) ?? { node, id, taken: [], bytes: 0 };
      const size = item.bytes.length;
      if (load.bytes > 0 && load.bytes + size > REQUEST_BYTES_MAX) continue;
      load.taken.push({ lane, item });
      load.bytes += size;
      loads.set(node.id, load);
    }
    for (const load of loads.values()) {
      for (const { lane } of load.taken) {
        lane.flying += 1;
        this.#lanes.delete(lane.partition);
        this.#lanes.set(lane.partition, lane);
      }
      void this.#produce(load);
    }
    return loads.size;
  }

  async #locate(lane: Lane): Promise<void> {
    lane.held = true;
    try {
      await this.#cluster.leader(this.#options.topic, lane.partition);
      lane.held = false;
      this.#pumpSoon();
    } catch (error) {
      // What is under way speaks for itself.
      if (lane.flying > 0) {
        lane.held = false;
        this.#pumpSoon();
      } else await this.#settle(lane, asError(error));
    }
  }

  #underWayAt(node: Node): UnderWay {
    const at = this.#underWay.get(node.id) ?? { requests: 0, bytes: 0 };
    this.#underWay.set(node.id, at);
    return at;
  }

  async #produce({ node, id, taken, bytes }: Load): Promise<void> {
    const { topic, requestTimeoutMs = 30_000 } = this.#options;
    const transport = this.#cluster.to(node);
    const underWay = this.#underWayAt(node);
    underWay.requests += 1;
    underWay.bytes += bytes;
    const partitionData = taken.map(({ lane, item }) => ({
      index: lane.partition,
      records: bytesOf(item),
    }));
    const verdicts = new Map<number, number | Error>();
    let failure: Error | null = null;
    try {
      const response = await transport.send(
        Produce,
        {
          transactionalId: null,
          acks: -1,
          timeoutMs: requestTimeoutMs,
          topicData: [{ name: topic, topicId: id, partitionData }],
        },
        { timeoutMs: requestTimeoutMs + 5_000 },
      );
      const answers = response.responses[0]?.partitionResponses ?? [];
      for (const answer of answers) verdicts.set(answer.index, verdictOf(topic, answer));
    } catch (error) {
      failure = asError(error);
    }
    underWay.requests -= 1;
    underWay.bytes -= bytes;
    for (const { lane, item } of taken) {
      item.verdict = failure ?? verdicts.get(lane.partition) ?? unanswered(topic, lane.partition);
      this.#advance(lane);
    }
    this.#pumpSoon();
  }

  /** Takes what landed off the lane, in order; after a failure all goes again, from the first that is open. */
  #advance(lane: Lane): void {
    let first = lane.items[0];
    while (lane.flying > 0 && typeof first?.verdict === 'number') {
      const { verdict } = first;
      lane.flying -= 1;
      lane.window = this.#window;
      this.#finish(lane, (item, covered) => {
        item.done(null, covered ? -1 : verdict);
        if (this.#cluster.copies) item.release?.();
      });
      first = lane.items[0];
    }
    const verdict = lane.flying > 0 ? first?.verdict : null;
    if (!(verdict instanceof Error)) return;
    lane.held = true;
    // What went after it was refused for its gap, or was written and is known as a repeat.
    const flying = lane.items.slice(0, lane.flying);
    if (flying.some((item) => item.verdict === null)) return;
    for (const item of flying) item.verdict = null;
    lane.flying = 0;
    lane.window = 1;
    void this.#settle(lane, verdict);
  }

  async #settle(lane: Lane, error: Error): Promise<void> {
    const { clock } = this.#cluster;
    const { topic, deliveryTimeoutMs = 120_000 } = this.#options;
    this.#cluster.forget(topic);
    const ageMs = clock.monotonic() - (lane.items[0]?.sinceMs ?? 0);
    const leftMs = deliveryTimeoutMs - ageMs;
    const retriable = isRetriableError(error) || (await this.#isOnlyForgotten(lane, error));
    if (retriable && RETRY_BACKOFF_MS < leftMs) {
      this.#cluster.hearTrouble(error, leftMs);
      await sleep(clock, RETRY_BACKOFF_MS);
      lane.held = false;
      this.#pumpSoon();
      return;
    }
    lane.failure = error;
    while (lane.items.length > 0) this.#finish(lane, (one) => one.done(error, -1));
  }

  /** Whether the first batch was refused as it landed long ago, maybe others too; then the last of them goes first. */
  async #isOnlyForgotten(lane: Lane, error: Error): Promise<boolean> {
    if (!(error instanceof KafkaError) || error.code !== 'OUT_OF_ORDER_SEQUENCE_NUMBER')
      return false;
    if (this.#window === WINDOW_REMEMBERED) return false;
    const place = { topic: this.#options.topic, partition: lane.partition };
    const asked = lastSequence(this.#cluster, place, this.identity);
    const last = await asked.catch((failure: unknown) => failure);
    if (typeof last !== 'number') return isRetriableError(last);
    const at = lane.items.findIndex(({ header }) => new BatchHeader(header).lastSequence === last);
    const covered = lane.items.splice(0, Math.max(0, at));
    const [first] = lane.items;
    if (first === undefined) return false;
    first.covered = [...covered.flatMap((item) => [...item.covered, item]), ...first.covered];
    // Else the broker has none of these: it lost what was written, or somebody else writes under this identity.
    return at >= 0 || new BatchHeader(first.header).baseSequence === addSequence(last, 1);
  }

  #finish(lane: Lane, tell: (item: Item, covered: boolean) => void): void {
    const last = lane.items.shift();
    if (last === undefined) return;
    for (const item of [...last.covered, last]) {
      this.#bytes -= item.bytes.length;
      tell(item, item !== last);
    }
    for (const check of [...this.#waiting]) check();
  }

  #whenBelow(limit: number): Promise<void> {
    if (this.#bytes < limit) return Promise.resolve();
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.#bytes >= limit) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
    });
  }
}

function unanswered(topic: string, partition: number): ClientError {
  return new ClientError('bad_response', `no answer for ${topic}-${partition}`);
}

type PartitionAnswer = ProduceResponse['responses'][number]['partitionResponses'][number];

/** The base offset, or what went wrong. */
function verdictOf(topic: string, answer: PartitionAnswer): number | Error {
  if (answer.errorCode === ErrorCode.NONE) return answer.baseOffset;
  if (answer.errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) return -1;
  const name = errorName(answer.errorCode);
  return new KafkaError(name, `${topic}-${answer.index}: ${answer.errorMessage ?? name}`);
}

/** Makes a sender, with a producer id of its own unless it goes on with another's. Throws KafkaError. */
export async function openBatchSender(
  cluster: Cluster,
  options: BatchSenderOptions,
): Promise<BatchSender> {
  const { topic } = options;
  await cluster.topic(topic, { create: false });
  const identity = options.identity ?? (await newIdentity(cluster));
  // Tried before it is relied on: old brokers cannot say it, and others may not want to.
  const asks = await lastSequence(cluster, { topic, partition: 0 }, identity).then(
    () => true,
    () => false,
  );
  return new BatchSender(cluster, options, { identity, asks });
}
