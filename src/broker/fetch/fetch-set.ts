// The partitions that one fetcher follows: those of a fetch session (KIP-227), which live from
// request to request, or those of a single request without a session.
//
// A set keeps the targets that may have something to tell in `ready`. A target that is read up to
// the end leaves `ready` and comes back when its partition commits or fails, when the request changes
// it, or when its topic changes. So an answer costs what has changed, not what is followed: one fetch may
// wait on thousands of partitions.

import type { Partition } from '../../engine/index.ts';

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

/** A partition in a set, with what its fetcher was last told. */
export interface FetchTarget {
  readonly key: string;
  spec: FetchTargetSpec;
  /** Undefined until looked up, and again after the topic has changed. */
  partition: Partition | undefined;
  /** Last told; -1: not told yet, or told an error. */
  toldHighWatermark: number;
  toldStartOffset: number;
  unsubscribe: (() => void) | undefined;
}

/** Key of a target within its set. */
export function targetKey(topicOrId: string, index: number): string {
  return `${topicOrId}/${index}`;
}

export class FetchSet {
  /** Session id; 0: no session. */
  id = 0;
  /** Epoch that the next request must name. */
  epoch = 0;
  createdMs = 0;
  lastUsedMs = 0;
  readonly usesTopicIds: boolean;
  readonly targets = new Map<string, FetchTarget>();
  /** In the order in which they are served: what has just been served goes to the end. */
  readonly ready = new Set<FetchTarget>();
  #onReady: (() => void) | null = null;

  constructor(usesTopicIds: boolean) {
    this.usesTopicIds = usesTopicIds;
  }

  /** Adds a target, or changes what is asked of one that is there. */
  put(spec: FetchTargetSpec): void {
    const key = targetKey(this.usesTopicIds ? spec.topicId : spec.topic, spec.index);
    const known = this.targets.get(key);
    if (known !== undefined) {
      known.spec = spec;
      this.ready.add(known);
      return;
    }
    const target: FetchTarget = {
      key,
      spec,
      partition: undefined,
      toldHighWatermark: -1,
      toldStartOffset: -1,
      unsubscribe: undefined,
    };
    this.targets.set(key, target);
    this.ready.add(target);
  }

  /** The request follows this partition no longer. */
  forget(topicOrId: string, index: number): void {
    const target = this.targets.get(targetKey(topicOrId, index));
    if (target === undefined) return;
    target.unsubscribe?.();
    this.targets.delete(target.key);
    this.ready.delete(target);
  }

  /** From now on the target becomes ready by itself when its partition commits or fails. */
  subscribe(target: FetchTarget): void {
    if (target.unsubscribe !== undefined || target.partition === undefined) return;
    target.unsubscribe = target.partition.onChange(() => this.markReady(target));
  }

  markReady(target: FetchTarget): void {
    this.ready.add(target);
    this.#onReady?.();
  }

  /** The topic was created, deleted, recreated or grown: look its partitions up anew. */
  topicChanged(topic: string): void {
    for (const target of this.targets.values()) {
      if (target.spec.topic !== topic && target.spec.topic !== '') continue;
      target.unsubscribe?.();
      target.unsubscribe = undefined;
      target.partition = undefined;
      this.markReady(target);
    }
  }

  /**
   * Sets who is called when a target becomes ready, or the set is given up. A caller set before is
   * called a last time: of two requests that (wrongly) use one session at once, the first then
   * answers.
   */
  whenReady(callback: () => void): void {
    this.#onReady?.();
    this.#onReady = callback;
  }

  /** Calls `callback` no more. */
  stopWaiting(callback: () => void): void {
    if (this.#onReady === callback) this.#onReady = null;
  }

  /** Lets go of everything; a request that waits on the set answers with what it has. */
  dispose(): void {
    this.#onReady?.();
    this.#onReady = null;
    for (const target of this.targets.values()) {
      target.unsubscribe?.();
      target.unsubscribe = undefined;
    }
    this.targets.clear();
    this.ready.clear();
  }
}
