// Commits of one consumer: one after the other, so that an older one never overtakes a newer, and again after a
// rebalance that changed nothing for the partition.

import { KafkaError, type KafkaErrorName } from '../../base/kafka-errors.ts';
import { sleep } from '../../base/pause.ts';
import type { Cluster } from '../cluster.ts';
import { nameOf } from '../fetch-reading.ts';
import { commitGroupOffsets, type GroupIdentity, type GroupOffset } from '../group-offsets.ts';

/** Said to a member that is behind. */
const BEHIND: ReadonlySet<KafkaErrorName> = new Set<KafkaErrorName>([
  'ILLEGAL_GENERATION',
  'REBALANCE_IN_PROGRESS',
  'STALE_MEMBER_EPOCH',
]);
/** Said to somebody whose partitions are others' by now. */
const TOO_LATE: ReadonlySet<KafkaErrorName> = new Set<KafkaErrorName>([
  ...BEHIND,
  'UNKNOWN_MEMBER_ID',
  'FENCED_MEMBER_EPOCH',
  'FENCED_INSTANCE_ID',
]);
const AGAIN_MS = 50;
const PATIENCE_MS = 60_000;

export interface CommitHost {
  identity(): GroupIdentity;
  /** Whether a rebalance is under way. */
  isJoining(): boolean;
  /** Whether the partition is still read here. */
  owns(name: string): boolean;
}

export function isTooLate(error: unknown): boolean {
  return error instanceof KafkaError && TOO_LATE.has(error.code);
}

export class Committer {
  readonly #cluster: Cluster;
  readonly #host: CommitHost;
  #last: Promise<void> = Promise.resolve();

  constructor(cluster: Cluster, host: CommitHost) {
    this.#cluster = cluster;
    this.#host = host;
  }

  /**
   * Commits after all commits before. `final`: the partitions are on their way out, and the rebalance waits for this.
   * Throws KafkaError, see {@link isTooLate}.
   */
  commit(offsets: readonly GroupOffset[], final = false): Promise<void> {
    const done = this.#last.then(() => this.#try(offsets, final));
    this.#last = done.catch(() => {});
    return done;
  }

  async #try(offsets: readonly GroupOffset[], final: boolean): Promise<void> {
    const { clock } = this.#cluster;
    const startMs = clock.monotonic();
    for (let left = offsets; left.length > 0; ) {
      let who = this.#host.identity();
      try {
        await commitGroupOffsets(
          this.#cluster,
          () => {
            who = this.#host.identity();
            return who;
          },
          left,
        );
        return;
      } catch (error) {
        if (!(error instanceof KafkaError) || !BEHIND.has(error.code)) throw error;
        const now = this.#host.identity();
        const moved = now.memberId === who.memberId && now.epoch > who.epoch;
        if (!moved && (final || !this.#host.isJoining())) throw error;
        if (clock.monotonic() - startMs >= PATIENCE_MS) throw error;
        await sleep(clock, AGAIN_MS);
        left = left.filter((one) => this.#host.owns(nameOf(one)));
        if (left.length === 0) throw error;
      }
    }
  }
}
