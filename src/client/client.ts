// What programs hold: one way to a cluster, and the producers and consumers made on it.

import { Admin } from './admin.ts';
import type { Cluster } from './cluster.ts';
import { ClientError } from './errors.ts';
import { Producer, type ProducerOptions } from './producer/index.ts';
import type { AnySerde } from './serde.ts';

/** A way to a log: in this process, or a cluster over TCP. What it makes works the same on both. */
export interface Client extends AsyncDisposable {
  /** Sends records. Throws ClientError `invalid_option`, `closed`. */
  producer<V extends AnySerde = 'msgpack', K extends AnySerde = 'string'>(
    options?: ProducerOptions<V, K>,
  ): Producer<V, K>;
  /** Looks after topics, configs, groups and the cluster. */
  admin(): Admin;
  /** Closes what was made here: consumers hand over, producers send what they have. Calling it again waits too. */
  close(): Promise<void>;
}

/** {@link Client} over a cluster that it owns. */
export class ClusterClient implements Client {
  readonly cluster: Cluster;
  readonly #producers = new Set<{ close(): Promise<void> }>();
  #closing: Promise<void> | null = null;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  producer<V extends AnySerde = 'msgpack', K extends AnySerde = 'string'>(
    options: ProducerOptions<V, K> = {},
  ): Producer<V, K> {
    this.#checkOpen();
    const producer: Producer<V, K> = new Producer(this.cluster, options, () => {
      this.#producers.delete(producer);
    });
    this.#producers.add(producer);
    return producer;
  }

  admin(): Admin {
    this.#checkOpen();
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
    await Promise.all([...this.#producers].map((producer) => producer.close()));
    await this.cluster.close();
  }

  #checkOpen(): void {
    if (this.#closing !== null)
      throw new ClientError('closed', 'the client is closed; open another one');
  }
}
