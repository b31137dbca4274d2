// A compacted topic of one partition as a map of JSON values: what tools remember, where any terminal and any Kafka
// client sees it.

import { KafkaError } from '../../src/base/kafka-errors.ts';
import {
  type Cluster,
  createTopics,
  LogReader,
  listOffsets,
  Producer,
  SpecialTime,
} from '../../src/client/index.ts';

/** Reads and writes the last value of each key. */
export class KeyValueTopic {
  readonly #cluster: Cluster;
  readonly #topic: string;
  readonly #known = new Map<string, unknown>();
  #next = 0;

  constructor(cluster: Cluster, topic: string) {
    this.#cluster = cluster;
    this.#topic = topic;
  }

  /** Makes the topic where it is missing. Throws KafkaError. */
  async prepare(): Promise<void> {
    const configs = { 'cleanup.policy': 'compact' };
    const [made] = await createTopics(this.#cluster, [
      { name: this.#topic, partitions: 1, configs },
    ]);
    if (made?.error && made.error.code !== 'TOPIC_ALREADY_EXISTS') throw made.error;
  }

  /** Writes several; resolves when all are safe. Nobody waits for longer than `timeoutMs`, where it is given. */
  async write(
    entries: Iterable<readonly [key: string, value: object]>,
    timeoutMs?: number,
  ): Promise<void> {
    const producer = new Producer(this.#cluster, {
      value: 'json',
      createTopics: false,
      ...(timeoutMs !== undefined && { deliveryTimeoutMs: timeoutMs }),
    });
    const topic = this.#topic;
    const records = [...entries].map(([key, value]) => ({ topic, key, value, partition: 0 }));
    try {
      await producer.sendMany(records);
    } finally {
      await producer.close();
    }
  }

  /** The last value of each key; what is known already is not read again. Empty before the topic exists. */
  async read(): Promise<ReadonlyMap<string, unknown>> {
    const [start, end] = await this.#ends();
    const from = Math.max(start, this.#next);
    if (from >= end) return this.#known;
    const reader = new LogReader(this.#cluster, { topic: this.#topic, maxWaitMs: 1 });
    reader.set(0, from);
    for await (const { records, nextOffset } of reader.read()) {
      for (const { key, value } of records) {
        if (key === null) continue;
        if (value === null) this.#known.delete(key.toString());
        else this.#known.set(key.toString(), JSON.parse(value.toString()) as unknown);
      }
      this.#next = nextOffset;
      if (nextOffset >= end) break;
    }
    return this.#known;
  }

  async #ends(): Promise<readonly [number, number]> {
    try {
      await this.#cluster.topic(this.#topic, { create: false });
    } catch (error) {
      if (error instanceof KafkaError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION') return [0, 0];
      throw error;
    }
    const at = (timestamp: number) =>
      listOffsets(this.#cluster, this.#topic, { partitions: [0], timestamp });
    const [starts, ends] = await Promise.all([at(SpecialTime.earliest), at(SpecialTime.latest)]);
    return [starts.get(0)?.offset ?? 0, ends.get(0)?.offset ?? 0];
  }
}
