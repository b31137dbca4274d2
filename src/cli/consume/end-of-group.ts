// When a member of a group has read what there was in a topic: all of its own partitions, or, as long as it has none,
// when the others have committed that they read theirs.

import type { Consumer, Isolation } from '../../client/index.ts';
import type { Session } from '../session.ts';

/** How often our own positions are looked at, and how often the others' commits are asked for, in ms. */
const LOOK_EVERY_MS = 100;
const ASK_EVERY_MS = 1_000;

interface Place {
  readonly topic: string;
  readonly group: string;
  readonly isolation: Isolation;
}

export class EndOfGroup {
  readonly #session: Session;
  readonly #place: Place;
  readonly #ends: ReadonlyMap<number, number>;
  #timer: NodeJS.Timeout | null = null;
  #askAtMs = 0;
  #stopped = false;

  private constructor(session: Session, place: Place, ends: ReadonlyMap<number, number>) {
    this.#session = session;
    this.#place = place;
    this.#ends = ends;
  }

  /** The end of every partition that is not empty. Throws KafkaError. */
  static async asOfNow(session: Session, place: Place): Promise<EndOfGroup> {
    const { client, cluster } = session;
    const { topic, isolation } = place;
    const partitions = (await cluster.topic(topic)).partitions.map((one) => one.partition);
    const { earliest, latest } = client.SpecialTime;
    const ask = { partitions, isolation };
    const [begins, ends] = await Promise.all([
      client.listOffsets(cluster, topic, { ...ask, timestamp: earliest }),
      client.listOffsets(cluster, topic, { ...ask, timestamp: latest }),
    ]);
    const left = partitions
      .map((partition) => [partition, ends.get(partition)?.offset ?? 0] as const)
      .filter(([partition, end]) => end > (begins.get(partition)?.offset ?? 0));
    return new EndOfGroup(session, place, new Map(left));
  }

  /** Calls `reached` once it is so. */
  watch(consumer: Consumer<'buffer', 'buffer'>, reached: () => void): void {
    this.#timer = setTimeout(() => {
      void this.#look(consumer)
        // Asked again a little later; the consumer itself tells of trouble that stays.
        .catch(() => false)
        .then((isReached) => {
          if (this.#stopped) return;
          if (isReached) reached();
          else this.watch(consumer, reached);
        });
    }, LOOK_EVERY_MS);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #look(consumer: Consumer<'buffer', 'buffer'>): Promise<boolean> {
    if (this.#ends.size === 0) return true;
    const mine = consumer.assignment();
    if (mine.length > 0) {
      return mine.every((one) => consumer.position(one) >= (this.#ends.get(one.partition) ?? 0));
    }
    if (performance.now() < this.#askAtMs) return false;
    this.#askAtMs = performance.now() + ASK_EVERY_MS;
    const { client, cluster } = this.#session;
    const { group, topic } = this.#place;
    const partitions = [...this.#ends.keys()];
    const committed = await client.committedOffsets(cluster, group, topic, partitions);
    return partitions.every((one) => (committed.get(one) ?? -1) >= (this.#ends.get(one) ?? 0));
  }
}
