// Which topics a consumer means, and how many partitions they have; looks again now and then, and tells of changes.

import { KafkaError } from '../../base/kafka-errors.ts';
import { sleep } from '../../base/pause.ts';
import type { CancelTimer } from '../../base/ports.ts';
import type { TopicPartition } from '../admin-cluster.ts';
import type { Cluster } from '../cluster.ts';

export interface TopicWatchOptions {
  /** Names, or a pattern that some part of a name matches. */
  readonly topics: readonly string[] | RegExp;
  readonly everyMs: number;
  readonly onChange: (what: string) => void;
  readonly onTrouble: (error: unknown) => void;
}

/** Topics that are not there yet are looked for as often as this. */
const MISSING_EVERY_MS = 1_000;

export class TopicWatch {
  readonly #cluster: Cluster;
  readonly #options: TopicWatchOptions;
  /** Partitions of the topics that are followed, 0 for one that is not there. */
  #counts = new Map<string, number>();
  /** Names that the pattern matched last. */
  #matched: readonly string[] = [];
  /** Topics that are asked for so that they are made: one question each goes on until it is answered or given up. */
  readonly #making = new Map<string, Promise<number>>();
  #cancel: CancelTimer | null = null;
  #stopped = false;

  constructor(cluster: Cluster, options: TopicWatchOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** The names that are meant now. Throws KafkaError and ClientError when a pattern cannot be looked up. */
  async topics(): Promise<readonly string[]> {
    const { topics } = this.#options;
    if (!(topics instanceof RegExp)) return topics;
    this.#matched = await this.#matching(topics);
    this.#schedule();
    return this.#matched;
  }

  /**
   * Partitions by topic, of those that exist; they are watched from now on, in place of those before. Throws what
   * asking for metadata throws, but not for topics that are not there.
   */
  async follow(topics: readonly string[]): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    this.#counts = counts;
    for (const topic of topics) counts.set(topic, (await this.#count(topic)) ?? 0);
    if (topics.length > 0) this.#schedule();
    return new Map([...counts].filter(([, count]) => count > 0));
  }

  /** All partitions of the topics that are meant, followed from now on. Throws as {@link topics} and {@link follow}. */
  async partitions(): Promise<TopicPartition[]> {
    const counts = await this.follow(await this.topics());
    return Array.from(counts).flatMap(([topic, count]) =>
      Array.from({ length: count }, (_, partition) => ({ topic, partition })),
    );
  }

  /** Nobody's partitions are watched any more; a pattern still is. */
  unfollow(): void {
    this.#counts = new Map();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  async #matching(pattern: RegExp): Promise<string[]> {
    const all = await this.#cluster.listTopics();
    // A pattern with the flag g or y would remember where it was.
    const fresh = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
    return all
      .filter(({ name, internal }) => !internal && fresh.test(name))
      .map(({ name }) => name);
  }

  /**
   * 0 for a topic that is not there, although the broker was asked to make it if it does such things; null for one of
   * which nothing is told now, which holds up no other.
   */
  async #count(topic: string, fresh = false): Promise<number | null> {
    const cluster = this.#cluster;
    try {
      return (await cluster.topic(topic, { fresh, once: true })).partitions.length;
    } catch (error) {
      if (!(error instanceof KafkaError) || !error.retriable) throw error;
      this.#options.onTrouble(error);
      if (error.code !== 'UNKNOWN_TOPIC_OR_PARTITION') return null;
    }
    const soon = sleep(cluster.clock, MISSING_EVERY_MS).then(() => 0);
    return Promise.race([this.#make(topic), soon]);
  }

  /** Its partitions once it is there; 0 when that takes too long. */
  #make(topic: string): Promise<number> {
    let made = this.#making.get(topic);
    if (made === undefined) {
      made = this.#cluster
        .topic(topic, { create: true })
        .then(({ partitions }) => partitions.length)
        .catch(() => 0)
        .finally(() => this.#making.delete(topic));
      this.#making.set(topic, made);
    }
    return made;
  }

  #schedule(): void {
    this.#cancel?.();
    if (this.#stopped) return;
    const missing = [...this.#counts.values()].includes(0);
    const everyMs = missing
      ? Math.min(MISSING_EVERY_MS, this.#options.everyMs)
      : this.#options.everyMs;
    this.#cancel = this.#cluster.clock.setTimer(everyMs, () => {
      this.#look()
        .catch(this.#options.onTrouble)
        .finally(() => this.#schedule());
    });
  }

  async #look(): Promise<void> {
    const { topics, onChange } = this.#options;
    const counts = this.#counts;
    if (topics instanceof RegExp) {
      const matched = await this.#matching(topics);
      if (matched.join() !== this.#matched.join()) {
        onChange('the topics that match changed');
        return;
      }
    }
    for (const [topic, before] of [...counts]) {
      const now = await this.#count(topic, true);
      if (counts !== this.#counts || this.#stopped) return;
      if (now === null || now === before) continue;
      onChange(`topic '${topic}' has ${now} partitions now`);
      return;
    }
  }
}
