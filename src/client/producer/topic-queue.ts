// What a producer knows of one topic: its partitions, which of them keyless records go to now, and records that wait.

import { KafkaError } from '../../base/kafka-errors.ts';
import type { Random } from '../../base/ports.ts';
import { ZERO_UUID } from '../../protocol/index.ts';
import type { NewRecord } from '../../record/index.ts';
import type { TopicInfo } from '../topic-cache.ts';
import type { OnFailed, OnLanded } from './batch.ts';
import type { ProducerSettings } from './options.ts';
import { PartitionQueue, type QueuePorts } from './partition-queue.ts';

/** A record that has no place yet, or a mark that is told when all before it have one. */
export type Waiting =
  | {
      readonly record: NewRecord;
      readonly partition: number | undefined;
      readonly sinceMs: number;
      /** So often was asked for a partition that was missing from what was known. */
      readonly asked: number;
      readonly landed: OnLanded | null;
      readonly failed: OnFailed | null;
    }
  | { readonly reached: () => void };

/** So often is asked for a partition that brokers do not name: they hear of changes by and by. */
export const PARTITION_ASKS_MAX = 5;
/** Kafka's `batch.size`: what one partition gets before keyless records move on (KIP-794). */
const STICKY_BYTES = 16 * 1024;

export class TopicQueue {
  readonly name: string;
  /** Queues of all partitions that it ever had, with their places in the order of sequences. */
  readonly partitions: PartitionQueue[] = [];
  readonly waiting: Waiting[] = [];
  /** Metadata are being asked for. */
  locating = false;
  /** Metadata are not asked for before. */
  locateNotBeforeMs = 0;
  /** Batches that have no answer yet. */
  underWay = 0;
  /** Of the last try to get metadata. */
  lastError: Error | null = null;
  readonly #settings: ProducerSettings;
  readonly #ports: QueuePorts & { readonly random: Random };
  #info: TopicInfo | null = null;
  #count = 0;
  /** Of the topic that `#count` is about. */
  #id = ZERO_UUID;
  /** Answers in a row that had fewer partitions. */
  #fewer = 0;
  #available: readonly number[] = [];
  #sticky = 0;
  #stickyBytes = 0;

  constructor(
    name: string,
    settings: ProducerSettings,
    ports: QueuePorts & { readonly random: Random },
  ) {
    this.name = name;
    this.#settings = settings;
    this.#ports = ports;
  }

  get isKnown(): boolean {
    return this.#count > 0;
  }

  /** How many partitions it has. */
  get count(): number {
    return this.#count;
  }

  /** Throws KafkaError `UNKNOWN_TOPIC_OR_PARTITION`. */
  queue(partition: number): PartitionQueue {
    const queue = partition < this.#count ? this.partitions[partition] : undefined;
    if (queue === undefined) throw this.#hasNo(partition);
    return queue;
  }

  /** Queues of partitions that it does not have any more, each with the error for what is in it. */
  gone(): { readonly queue: PartitionQueue; readonly error: KafkaError }[] {
    const gone = this.partitions.slice(this.#count);
    return gone.map((queue) => ({ queue, error: this.#hasNo(queue.partition) }));
  }

  #hasNo(partition: number): KafkaError {
    const text = `topic '${this.name}' has no partition ${partition}, only 0 to ${this.#count - 1}`;
    return new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', text);
  }

  /** Takes what metadata say. */
  learn(info: TopicInfo): void {
    if (info === this.#info) return;
    this.#info = info;
    const first = !this.isKnown;
    this.#resize(info);
    const led = info.partitions.filter((one) => one.leaderId >= 0).map((one) => one.partition);
    this.#available = led.length > 0 ? led : info.partitions.map((one) => one.partition);
    if (first || this.#sticky >= this.#count) this.#moveOn();
  }

  /**
   * A topic never loses partitions: a broker that names fewer lags behind, unless the topic was made anew. Its id
   * tells; where topics have none, fewer are believed after a few times.
   */
  #resize({ id, partitions: { length } }: TopicInfo): void {
    const isSame = id === this.#id && (id !== ZERO_UUID || this.#fewer < PARTITION_ASKS_MAX);
    if (length < this.#count && isSame) {
      this.#fewer += 1;
      return;
    }
    this.#id = id;
    this.#count = length;
    this.#fewer = 0;
    for (let index = this.partitions.length; index < length; index++) {
      this.partitions.push(new PartitionQueue(this.name, index, this.#settings, this.#ports));
    }
  }

  /** Where the next record without a key goes. */
  get sticky(): number {
    return this.#sticky;
  }

  /** A keyless record of so many bytes went to the sticky partition; after a whole batch the next has its turn. */
  stuck(bytes: number): void {
    this.#stickyBytes += bytes;
    if (this.#stickyBytes >= this.#settings.batchBytes) this.#moveOn();
  }

  /**
   * A batch left for `partition`: keyless records move on when it had its share, or when nothing else is under way, so
   * that a trickle is spread evenly.
   */
  left(partition: number): void {
    if (partition !== this.#sticky || this.#count === 1) return;
    if (this.underWay === 0 || this.#stickyBytes >= STICKY_BYTES) this.#moveOn();
  }

  /** Of two others by chance the one with less to do. */
  #moveOn(): void {
    this.#stickyBytes = 0;
    const [one, other] = [this.#pick(), this.#pick()];
    const backlog = (index: number): number => this.partitions[index]?.batches.length ?? 0;
    this.#sticky = backlog(other) < backlog(one) ? other : one;
  }

  #pick(): number {
    const { length } = this.#available;
    let index = Math.floor(this.#ports.random.next() * length);
    if (this.#available[index] === this.#sticky) index = (index + 1) % length;
    return this.#available[index] ?? this.#sticky;
  }
}
