// Learns topics for a producer: one question at a time for each, again after a while when it fails.

import { type Cluster, isRetriableError } from '../cluster.ts';
import type { TopicInfo } from '../topic-cache.ts';
import type { ProducerSettings } from './options.ts';
import type { TopicQueue } from './topic-queue.ts';

export interface LocatorEvents {
  /** The topic's partitions are known. */
  found(topic: TopicQueue): void;
  /** Waiting is of no use: everything for the topic is to be given up. */
  failed(topic: TopicQueue, error: Error): void;
  /** Worth another look now. */
  wake(): void;
}

export class Locator {
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #events: LocatorEvents;

  constructor(cluster: Cluster, settings: ProducerSettings, events: LocatorEvents) {
    this.#cluster = cluster;
    this.#settings = settings;
    this.#events = events;
  }

  /** Asks for a topic's partitions and leaders, unless it is being done. */
  locate(topic: TopicQueue): void {
    if (topic.locating) return;
    topic.locating = true;
    const { clock } = this.#cluster;
    const waitMs = topic.locateNotBeforeMs - clock.monotonic();
    if (waitMs > 0) clock.setTimer(waitMs, () => void this.#ask(topic));
    else void this.#ask(topic);
  }

  async #ask(topic: TopicQueue): Promise<void> {
    const { clock } = this.#cluster;
    // What is known and fresh, but without a leader for some partition, or without the partition, is no answer.
    const known = this.#cluster.knownTopic(topic.name);
    if (!this.#hasLeaders(topic, known)) this.#cluster.forget(topic.name);
    let failure: Error | null = null;
    try {
      const info = await this.#cluster.topic(topic.name, { create: this.#settings.createTopics });
      topic.learn(info);
      if (this.#hasLeaders(topic, info)) topic.locateNotBeforeMs = 0;
      else topic.locateNotBeforeMs = clock.monotonic() + this.#settings.retryBackoffMs;
    } catch (error) {
      failure = error as Error;
      topic.lastError = failure;
      topic.locateNotBeforeMs = clock.monotonic() + this.#settings.retryBackoffMs;
    }
    topic.locating = false;
    if (failure === null) this.#events.found(topic);
    else if (!topic.isKnown || !isRetriableError(failure)) this.#events.failed(topic, failure);
    this.#events.wake();
  }

  /** Of all partitions that the topic has. */
  #hasLeaders(topic: TopicQueue, info: TopicInfo | null): boolean {
    if (info === null || info.partitions.length < topic.count) return false;
    return info.partitions.every((one) => this.#cluster.node(one.leaderId) !== null);
  }
}
