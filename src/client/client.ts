// What programs hold: one way to a cluster, and the producers and consumers made on it.

import { Admin } from './admin.ts';
import type { Cluster } from './cluster.ts';
import { Consumer } from './consumer/consumer.ts';
import type { ConsumerOptions } from './consumer/options.ts';
import { ClientError } from './errors.ts';
import { Producer, type ProducerOptions } from './producer/index.ts';
import type { AnySerde } from './serde.ts';

/** A way to a log: in this process, or a cluster over TCP. What it makes works the same on both. */
export interface Client extends AsyncDisposable {
  /** Sends records. Throws ClientError `invalid_option`, `closed`. */
  producer<K extends AnySerde = 'string', V extends AnySerde = 'msgpack'>(
    options?: ProducerOptions<K, V>,
  ): Producer<K, V>;
  /**
   * Reads records: of topics, shared with the other members of a group, or of partitions of its own. Nothing is asked
   * before the first record is. Throws ClientError `invalid_option`, `closed`.
   */
  consumer<K extends AnySerde = 'string', V extends AnySerde = 'msgpack'>(
    options: ConsumerOptions<K, V>,
  ): Consumer<K, V>;
  /** Looks after topics, configs, groups and the cluster. */
  admin(): Admin;
  /** Closes what was made here: consumers hand over, producers send what they have. Calling it again waits too. */
  close(): Promise<void>;
}

/** {@link Client} over a cluster that it owns. */
export class ClusterClient implements Client {
  readonly cluster: Cluster;
  readonly #producers = new Set<{ close(): Promise<void> }>();
  readonly #consumers = new Set<{ close(): Promise<void> }>();
  #closing: Promise<void> | null = null;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  producer<K extends AnySerde = 'string', V extends AnySerde = 'msgpack'>(
    options: ProducerOptions<K, V> = {},
  ): Producer<K, V> {
    this.checkOpen();
    // A signal that is aborted already ends it before it is here.
    let ended = false;
    const made: Producer<K, V>[] = [];
    const producer = new Producer<K, V>(this.cluster, options, () => {
      ended = true;
      for (const one of made) this.#producers.delete(one);
    });
    made.push(producer);
    if (!ended) this.#producers.add(producer);
    return producer;
  }

  consumer<K extends AnySerde = 'string', V extends AnySerde = 'msgpack'>(
    options: ConsumerOptions<K, V>,
  ): Consumer<K, V> {
    this.checkOpen();
    // Nothing at all may come from plain JavaScript: then that topics are missing is told.
    const wanted = (options as ConsumerOptions<K, V> | undefined) ?? {};
    const consumer: Consumer<K, V> = new Consumer(this.cluster, wanted, () => {
      this.#consumers.delete(consumer);
    });
    this.#consumers.add(consumer);
    return consumer;
  }

  admin(): Admin {
    this.checkOpen();
    return new Admin(this.cluster);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    // Handlers of consumers may still send; so producers come after them.
    const consumers = await Promise.allSettled([...this.#consumers].map((one) => one.close()));
    await Promise.all([...this.#producers].map((producer) => producer.close()));
    await this.cluster.close();
    for (const { reason } of consumers.filter((one) => one.status === 'rejected')) throw reason;
  }

  /** Throws ClientError `closed`. */
  protected checkOpen(): void {
    if (this.#closing !== null)
      throw new ClientError('closed', 'the client is closed; open another one');
  }
}
