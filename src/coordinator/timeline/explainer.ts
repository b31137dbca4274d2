// From facts to the entries of the timeline, for all groups. Pure: time comes with the facts.

import type { TopicView } from '../ports.ts';
import type { TimelineEntry } from './entry.ts';
import type { GroupFact } from './facts.ts';
import { Story } from './story.ts';

/** Groups remembered at a time; of those forgotten, the next entry knows a little less. */
const STORIES_MAX = 5000;

export class Explainer {
  readonly #topics: TopicView;
  /** Those heard of last are last. */
  readonly #stories = new Map<string, Story>();
  readonly #rebalancing = new Set<string>();

  constructor(topics: TopicView) {
    this.#topics = topics;
  }

  /** Whether {@link waiting} may have something to tell some day. */
  get anyRebalance(): boolean {
    return this.#rebalancing.size > 0;
  }

  /** What one decision came to. */
  decided(facts: readonly GroupFact[], nowMs: number): TimelineEntry[] {
    return facts.flatMap((fact) => this.#tell(fact.groupId, nowMs, (one) => one.take(fact, nowMs)));
  }

  /** A request of a member that the group does not know (any more). */
  heard(groupId: string, memberId: string, nowMs: number): TimelineEntry[] {
    if (!this.#stories.has(groupId)) return [];
    return this.#tell(groupId, nowMs, (one) => one.heard(memberId, nowMs));
  }

  /** Rebalances that are not over after `afterMs`, each once. */
  waiting(nowMs: number, afterMs: number): TimelineEntry[] {
    const told: TimelineEntry[] = [];
    for (const groupId of this.#rebalancing) {
      told.push(...(this.#stories.get(groupId)?.waiting(nowMs, afterMs) ?? []));
    }
    return told;
  }

  #tell(groupId: string, nowMs: number, tell: (story: Story) => TimelineEntry[]): TimelineEntry[] {
    const story = this.#stories.get(groupId) ?? new Story(groupId, this.#topics);
    this.#stories.delete(groupId);
    this.#stories.set(groupId, story);
    const entries = tell(story);
    if (story.rebalanceUnderWay) this.#rebalancing.add(groupId);
    else this.#rebalancing.delete(groupId);
    if (story.isOver(nowMs)) this.#stories.delete(groupId);
    const [oldest] = this.#stories.keys();
    if (this.#stories.size > STORIES_MAX && oldest !== undefined) {
      this.#stories.delete(oldest);
      this.#rebalancing.delete(oldest);
    }
    return entries;
  }
}
