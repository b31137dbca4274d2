// Commits of one consumer: one after the other, so that an older one never overtakes a newer, and again after a
// rebalance that changed nothing for the partition. A member that was put out of its group and has joined again is
// believed by the broker, though others have gone on from there meanwhile: what it lost it does not commit any more.

import { KafkaError, type KafkaErrorName } from '../../base/kafka-errors.ts';
import { Mutex } from '../../base/mutex.ts';
import { sleep } from '../../base/pause.ts';
import type { Cluster } from '../cluster.ts';
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
}

export interface CommitOptions {
  /** The partitions are on their way out, and the rebalance waits for this. */
  readonly final: boolean;
  /** Whether the partition was taken from us since this was asked for. */
  readonly isLost: (offset: GroupOffset) => boolean;
  /** Hears of each that is committed, also where others are not. */
  readonly committed: (offset: GroupOffset) => void;
}

export function isTooLate(error: unknown): boolean {
  return error instanceof KafkaError && TOO_LATE.has(error.code);
}

export class Committer {
  readonly #cluster: Cluster;
  readonly #host: CommitHost;
  readonly #inOrder = new Mutex();

  constructor(cluster: Cluster, host: CommitHost) {
    this.#cluster = cluster;
    this.#host = host;
  }

  /** Commits after all commits before. Throws KafkaError, see {@link isTooLate}. */
  commit(offsets: readonly GroupOffset[], options: CommitOptions): Promise<void> {
    return this.#inOrder.run(() => this.#try(offsets, options));
  }

  async #try(offsets: readonly GroupOffset[], options: CommitOptions): Promise<void> {
    const { final, isLost } = options;
    const { clock } = this.#cluster;
    const startMs = clock.monotonic();
    const done = new Set<GroupOffset>();
    const committed = (one: GroupOffset): void => {
      done.add(one);
      options.committed(one);
    };
    for (let left = offsets; left.length > 0; ) {
      let who = this.#host.identity();
      const attempt = left;
      try {
        await commitGroupOffsets(
          this.#cluster,
          () => {
            if (attempt.some(isLost)) throw lostMeanwhile(who.group);
            who = this.#host.identity();
            return who;
          },
          attempt,
          committed,
        );
        return;
      } catch (error) {
        if (!(error instanceof KafkaError) || !BEHIND.has(error.code)) throw error;
        left = attempt.filter((one) => !done.has(one) && !isLost(one));
        if (left.length === 0) throw error;
        if (left.length < attempt.length) continue;
        const now = this.#host.identity();
        const moved = now.memberId === who.memberId && now.epoch > who.epoch;
        if (!moved && (final || !this.#host.isJoining())) throw error;
        if (clock.monotonic() - startMs >= PATIENCE_MS) throw error;
        await sleep(clock, AGAIN_MS);
      }
    }
  }
}

function lostMeanwhile(group: string): KafkaError {
  const message = `group '${group}': the partitions were given to others before this was committed`;
  return new KafkaError('ILLEGAL_GENERATION', message);
}
