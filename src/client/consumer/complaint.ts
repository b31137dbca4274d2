// A consumer that waits, for a topic that there is not, say, or for a broker, goes on trying for ever. Where nobody
// listens for its trouble, the process is warned, so that a misspelt name is not met with silence.

import { textOfError } from '../../base/errors.ts';
import type { TopicPartition } from '../admin-cluster.ts';
import type { Cluster } from '../cluster.ts';

/** Trouble that lasts so long is told, in ms. */
const PATIENCE_MS = 5_000;
/** Without any for so long, the next is another one, in ms. */
const CALM_MS = 10_000;

interface Whose {
  /** Hears of everything, and then nobody else does. */
  readonly onTrouble: ((error: unknown) => void) | undefined;
  readonly topics: readonly string[] | RegExp | undefined;
  readonly assign: readonly TopicPartition[] | undefined;
  readonly group: string | undefined;
}

export class Complaint {
  readonly #cluster: Cluster;
  readonly #whose: Whose;
  #sinceMs = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  #told = false;

  /** `cluster`: the client's, whose listener hears what the consumer's own does not. */
  constructor(cluster: Cluster, whose: Whose) {
    this.#cluster = cluster;
    this.#whose = whose;
  }

  /** Something failed that is tried again for so long (ms); Infinity: until the consumer is closed. */
  hear(error: unknown, leftMs = Number.POSITIVE_INFINITY): void {
    const cluster = this.#cluster;
    const { onTrouble } = this.#whose;
    if (onTrouble !== undefined) {
      onTrouble(error);
      return;
    }
    if (cluster.isHeard) {
      cluster.hearTrouble(error, leftMs);
      return;
    }
    const now = cluster.clock.monotonic();
    if (now - this.#lastMs > CALM_MS) {
      this.#sinceMs = now;
      this.#told = false;
    }
    this.#lastMs = now;
    if (this.#told || now - this.#sinceMs < PATIENCE_MS) return;
    this.#told = true;
    const waited = Math.round((now - this.#sinceMs) / 1000);
    const why = textOfError(error);
    cluster.warn(
      `${this.#name()} has waited for ${waited} s and goes on: ${why}. ` +
        'Give the consumer, or the client, onTrouble to hear of it instead',
    );
  }

  #name(): string {
    const { topics, assign = [], group } = this.#whose;
    const names = topics ?? assign.map(({ topic, partition }) => `${topic}-${partition}`);
    const what = names instanceof RegExp ? String(names) : names.join();
    return `a consumer of ${what}${group === undefined ? '' : ` in group '${group}'`}`;
  }
}
