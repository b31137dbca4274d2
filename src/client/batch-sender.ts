// Sends whole record batches that exist already, as they are: what copying a log needs. Up to five of a partition are
// under way at a time; each is written once and in order, over retries and also over senders, when the next one goes
// on with the identity and the sequences of the last.

import { ErrorCode, errorName, KafkaError } from '../base/kafka-errors.ts';
import { InitProducerId, Produce } from '../protocol/index.ts';
import { addSequence, BATCH_HEADER_BYTES, BatchHeader, setProducerState } from '../record/index.ts';
import { type Cluster, isRetriableError, throwIfError } from './cluster.ts';
import { ClientError } from './errors.ts';
import type { Node } from './network.ts';
import { sleep } from './tcp-transport.ts';

/** Who writes, as InitProducerId gave it. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

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
  readonly done: OnBatchLanded;
  readonly sinceMs: number;
}

interface Lane {
  readonly partition: number;
  readonly items: Item[];
  nextSequence: number;
  running: boolean;
  failure: Error | null;
}

interface Way {
  readonly node: Node;
  /** Of the topic. */
  readonly id: string;
}

interface Flight {
  readonly item: Item;
  readonly answer: Promise<number | Error>;
}

/** What brokers remember of a producer, and so how many batches may be unanswered (Kafka's limit). */
const WINDOW = 5;
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
  readonly #lanes = new Map<number, Lane>();
  readonly #waiting = new Set<() => void>();
  readonly #bufferBytes: number;
  #bytes = 0;

  constructor(cluster: Cluster, identity: ProducerIdentity, options: BatchSenderOptions) {
    this.#cluster = cluster;
    this.identity = identity;
    this.#options = options;
    this.#bufferBytes = options.bufferBytes ?? 32 * 1024 * 1024;
  }

  /**
   * Takes a batch whose records have consecutive offsets; the bytes become the sender's own, which writes its identity
   * into them. Resolves when there is room for the next. Once a batch of a partition is refused, so are all after it.
   */
  async send(partition: number, bytes: Buffer, done: OnBatchLanded): Promise<void> {
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
    lane.items.push({ bytes, header, sent: false, done, sinceMs: this.#cluster.clock.monotonic() });
    this.#bytes += bytes.length;
    if (!lane.running) void this.#run(lane);
    await this.#whenBelow(this.#bufferBytes);
  }

  /** Resolves when every batch so far was answered, well or badly. */
  flush(): Promise<void> {
    return this.#whenBelow(1);
  }

  #laneOf(partition: number): Lane {
    const known = this.#lanes.get(partition);
    if (known !== undefined) return known;
    const nextSequence = this.#options.sequences?.get(partition) ?? 0;
    const lane: Lane = { partition, items: [], nextSequence, running: false, failure: null };
    this.#lanes.set(partition, lane);
    return lane;
  }

  /** Keeps a window of batches under way; after a failure all of them go again, from the first that is open. */
  async #run(lane: Lane): Promise<void> {
    lane.running = true;
    const flights: Flight[] = [];
    // One alone until one has landed: a broker that does not know a producer lets it begin at any sequence, so a second
    // batch that overtook the first would be taken for it.
    let window = 1;
    while (lane.items.length > 0) {
      const way = await this.#way(lane.partition);
      for (const item of lane.items.slice(flights.length, window)) {
        flights.push({ item, answer: this.#produce(way, lane.partition, bytesOf(item)) });
      }
      const [first] = flights;
      if (first === undefined) break;
      const verdict = await first.answer;
      if (typeof verdict === 'number') {
        flights.shift();
        window = WINDOW;
        this.#finish(lane, (item) => item.done(null, verdict));
        continue;
      }
      // What went after it was refused for its gap, or was written and is known as a repeat.
      await Promise.all(flights.map((flight) => flight.answer));
      flights.length = 0;
      window = 1;
      await this.#settle(lane, first.item, verdict);
    }
    lane.running = false;
  }

  async #settle(lane: Lane, item: Item, error: Error): Promise<void> {
    const { clock } = this.#cluster;
    const { topic, deliveryTimeoutMs = 120_000 } = this.#options;
    this.#cluster.forget(topic);
    const ageMs = clock.monotonic() - item.sinceMs;
    if (isRetriableError(error) && ageMs + RETRY_BACKOFF_MS < deliveryTimeoutMs) {
      await sleep(clock, RETRY_BACKOFF_MS);
      return;
    }
    lane.failure = error;
    while (lane.items.length > 0) this.#finish(lane, (one) => one.done(error, -1));
  }

  #finish(lane: Lane, tell: (item: Item) => void): void {
    const item = lane.items.shift();
    if (item === undefined) return;
    this.#bytes -= item.bytes.length;
    tell(item);
    for (const check of [...this.#waiting]) check();
  }

  /** Found before a window goes out, so that its requests leave one after the other. */
  async #way(partition: number): Promise<Way | Error> {
    const { topic } = this.#options;
    try {
      const { node } = await this.#cluster.leader(topic, partition);
      const { id } = await this.#cluster.topic(topic);
      return { node, id };
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** The base offset, or what went wrong. Never rejects: several are awaited one after the other. */
  async #produce(way: Way | Error, partition: number, records: Buffer): Promise<number | Error> {
    if (way instanceof Error) return way;
    const { topic, requestTimeoutMs = 30_000 } = this.#options;
    const { id } = way;
    try {
      const response = await this.#cluster.to(way.node).send(
        Produce,
        {
          transactionalId: null,
          acks: -1,
          timeoutMs: requestTimeoutMs,
          topicData: [{ name: topic, topicId: id, partitionData: [{ index: partition, records }] }],
        },
        { timeoutMs: requestTimeoutMs + 5_000 },
      );
      const answer = response.responses[0]?.partitionResponses[0];
      if (answer === undefined) {
        return new ClientError('bad_response', `no answer for ${topic}-${partition}`);
      }
      if (answer.errorCode === ErrorCode.NONE) return answer.baseOffset;
      if (answer.errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) return -1;
      const name = errorName(answer.errorCode);
      return new KafkaError(name, `${topic}-${partition}: ${answer.errorMessage ?? name}`);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
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

/** Makes a sender, with a producer id of its own unless it goes on with another's. Throws KafkaError. */
export async function openBatchSender(
  cluster: Cluster,
  options: BatchSenderOptions,
): Promise<BatchSender> {
  await cluster.topic(options.topic, { create: false });
  return new BatchSender(cluster, options.identity ?? (await newIdentity(cluster)), options);
}

function newIdentity(cluster: Cluster): Promise<ProducerIdentity> {
  return cluster.retry(async () => {
    const transport = await cluster.any();
    const request = { transactionalId: null, transactionTimeoutMs: 60_000 };
    const response = await transport.send(InitProducerId, request);
    throwIfError(response.errorCode, 'producer id');
    return { producerId: response.producerId, producerEpoch: response.producerEpoch };
  });
}
