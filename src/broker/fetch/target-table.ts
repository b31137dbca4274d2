// The targets of a set by topic and partition. A fetcher without a session names all of its partitions in each request;
// of a few, comparing names costs less than to make keys and a table each time.

import type { FetchTarget } from './fetch-target.ts';

/** More are found by key. */
const COMPARED_MAX = 16;

export class TargetTable {
  readonly #usesTopicIds: boolean;
  #few: FetchTarget[] = [];
  /** Null while there are few. */
  #many: Map<string, FetchTarget> | null = null;

  /** `usesTopicIds`: whether topics are told by their ids, else by their names. */
  constructor(usesTopicIds: boolean) {
    this.#usesTopicIds = usesTopicIds;
  }

  get size(): number {
    return this.#many === null ? this.#few.length : this.#many.size;
  }

  get(topicOrId: string, index: number): FetchTarget | undefined {
    if (this.#many !== null) return this.#many.get(keyOf(topicOrId, index));
    for (const target of this.#few) {
      if (target.spec.index === index && this.#topicOf(target) === topicOrId) return target;
    }
    return undefined;
  }

  /** Adds a target that is not in. */
  add(target: FetchTarget): void {
    if (this.#many === null && this.#few.length < COMPARED_MAX) {
      this.#few.push(target);
      return;
    }
    if (this.#many === null) {
      const keyed = this.#few.map((each) => [this.#keyOf(each), each] as const);
      this.#many = new Map(keyed);
      this.#few = [];
    }
    this.#many.set(this.#keyOf(target), target);
  }

  delete(target: FetchTarget): void {
    if (this.#many === null) this.#few = this.#few.filter((each) => each !== target);
    else this.#many.delete(this.#keyOf(target));
  }

  clear(): void {
    this.#few = [];
    this.#many = null;
  }

  /** In the order in which they were added. */
  values(): Iterable<FetchTarget> {
    return this.#many === null ? this.#few : this.#many.values();
  }

  #topicOf({ spec }: FetchTarget): string {
    return this.#usesTopicIds ? spec.topicId : spec.topic;
  }

  #keyOf(target: FetchTarget): string {
    return keyOf(this.#topicOf(target), target.spec.index);
  }
}

function keyOf(topicOrId: string, index: number): string {
  return `${topicOrId}/${index}`;
}
