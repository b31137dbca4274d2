// The partitions that one fetcher follows: those of a fetch session (KIP-227), which live from
// request to request, or those of a single request without a session.
//
// A set keeps the targets that may have something to tell in `ready`. A target that is read up to
// the end leaves `ready` and comes back when its partition commits or fails, when the request changes
// it, or when its topic changes. So an answer costs what has changed, not what is followed: one fetch may
// wait on thousands of partitions.

import type { Bagged } from '../../base/bag.ts';
import { FetchTarget, type FetchTargetSpec, type TargetOwner } from './fetch-target.ts';
import { ReadyRow } from './ready-row.ts';
import { TargetTable } from './target-table.ts';

export class FetchSet implements TargetOwner, Bagged {
  /** Session id; 0: no session. */
  id = 0;
  /** Epoch that the next request must name. */
  epoch = 0;
  createdMs = 0;
  lastUsedMs = 0;
  /** Among the sets of requests under way. */
  place = -1;
  readonly usesTopicIds: boolean;
  readonly targets: TargetTable;
  /** In the order in which they are served: what has just been served goes to the end. */
  readonly ready = new ReadyRow();
  #onReady: (() => void) | null = null;

  constructor(usesTopicIds: boolean) {
    this.usesTopicIds = usesTopicIds;
    this.targets = new TargetTable(usesTopicIds);
  }

  /** Adds a target, or changes what is asked of one that is there. */
  put(spec: FetchTargetSpec): void {
    let target = this.targets.get(this.usesTopicIds ? spec.topicId : spec.topic, spec.index);
    if (target === undefined) {
      target = new FetchTarget(this, spec);
      this.targets.add(target);
    } else target.spec = spec;
    this.ready.add(target);
  }

  /** The request follows this partition no longer. */
  forget(topicOrId: string, index: number): void {
    const target = this.targets.get(topicOrId, index);
    if (target === undefined) return;
    target.unwatch();
    this.targets.delete(target);
    this.ready.delete(target);
  }

  markReady(target: FetchTarget): void {
    this.ready.add(target);
    this.#onReady?.();
  }

  /** The topic was created, deleted, recreated or grown: look its partitions up anew. */
  topicChanged(topic: string): void {
    for (const target of this.targets.values()) {
      if (target.spec.topic !== topic && target.spec.topic !== '') continue;
      target.unwatch();
      target.partition = undefined;
      this.markReady(target);
    }
  }

  /**
   * Sets who is called when a target becomes ready, or the set is given up. A caller set before is
   * called a last time: of two requests that (wrongly) use one session at once, the first looks once
   * more and then waits for its time to be up.
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
      target.unwatch();
      this.ready.delete(target);
    }
    this.targets.clear();
  }
}
