// What a producer knows of one topic: its partitions, which of them keyless records go to now, and records that wait.

import type { Random } from '../../base/ports.ts';
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

/** Kafka's `batch.size`: what one partition gets before keyless records move on (KIP-794). */
const STICKY_BYTES = 16 * 1024;

export class TopicQueue {
  readonly name: string;
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
    return this.partitions.length > 0;
  }

  /** Takes what metadata say. Partitions are never taken away. */
  learn(info: TopicInfo): void {
    if (info === this.#info) return;
    this.#info = info;
    const first = this.partitions.length === 0;
    for (let index = this.partitions.length; index < info.partitions.length; index++) {
      this.partitions.push(new PartitionQueue(this.name, index, this.#settings, this.#ports));
    }
    const led = info.partitions.filter((one) => one.leaderId >= 0).map((one) => one.partition);
    this.#available = led.length > 0 ? led : info.partitions.map((one) => one.partition);
    if (first) this.#moveOn();
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
    if (partition !== this.#sticky || this.partitions.length === 1) return;
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
