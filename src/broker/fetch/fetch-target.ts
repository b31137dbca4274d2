// A partition that a fetcher follows: where it is to be read, and what the fetcher was last told of it.

import type { Linked } from '../../base/row.ts';
import type { Partition, PartitionWatcher } from '../../engine/index.ts';

/** Where and how a partition is to be read, as the request says. */
export interface FetchTargetSpec {
  /** Empty when the request names the topic by id and no topic has this id. */
  readonly topic: string;
  /** Empty when the request names the topic by name (below v13). */
  readonly topicId: string;
  readonly index: number;
  readonly fetchOffset: number;
  readonly maxBytes: number;
  /** -1: not checked. */
  readonly currentLeaderEpoch: number;
  /** Epoch of the last record that the fetcher has; -1: unknown. */
  readonly lastFetchedEpoch: number;
}

/** Who hears that a target may have something to tell. */
export interface TargetOwner {
  markReady(target: FetchTarget): void;
}

export class FetchTarget implements PartitionWatcher, Linked<FetchTarget> {
  readonly #owner: TargetOwner;
  spec: FetchTargetSpec;
  /** Undefined until looked up, and again after the topic has changed. */
  partition: Partition | undefined = undefined;
  /** Last told; -1: not told yet, or told an error. */
  toldHighWatermark = -1;
  toldStartOffset = -1;
  /** Among those who watch the partition. */
  place = -1;
  /** Whether it is in the row of those that are ready (ready-row.ts), and its neighbours there. */
  ready = false;
  before: FetchTarget | null = null;
  after: FetchTarget | null = null;
  /** Where its result is among those of the last request (read-targets.ts). */
  slot = 0;

  constructor(owner: TargetOwner, spec: FetchTargetSpec) {
    this.#owner = owner;
    this.spec = spec;
  }

  get watching(): boolean {
    return this.place >= 0;
  }

  /** From now on it becomes ready by itself when its partition changes. */
  watch(): void {
    if (!this.watching) this.partition?.watch(this);
  }

  unwatch(): void {
    this.partition?.unwatch(this);
  }

  changed(): void {
    this.#owner.markReady(this);
  }
}
