// Things in the order of their coming that leave from anywhere in it. Each holds its neighbours: coming and going
// leaves no garbage, where a Set would make new tables (see bag.ts).

/** What a {@link Row} can hold; a thing is in one row at a time. Both are owned by the row. */
export interface Linked<T> {
  before: T | null;
  after: T | null;
}

export class Row<T extends Linked<T>> {
  #first: T | null = null;
  #last: T | null = null;

  get first(): T | null {
    return this.#first;
  }

  /** Adds a thing that is in no row at the end. */
  add(thing: T): void {
    thing.before = this.#last;
    if (this.#last === null) this.#first = thing;
    else this.#last.after = thing;
    this.#last = thing;
  }

  /** Takes a thing out that is in this row. */
  remove(thing: T): void {
    const { before, after } = thing;
    if (before === null) this.#first = after;
    else before.after = after;
    if (after === null) this.#last = before;
    else after.before = before;
    thing.before = null;
    thing.after = null;
  }
}
