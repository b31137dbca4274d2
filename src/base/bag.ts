// Things that come and go with every request: who listens, most often. A Set that is filled and emptied again and again
// makes a new table every few times, and V8's old tables lead to the new ones: once one of them is old, all that come
// after it, and what their entries hold, outlive the young generation (a quarter of what was promoted at 1,000
// requests a second). Each thing knows its own place, so that coming and going leaves no garbage.

/** What a {@link Bag} can hold; a thing is in one bag at a time. */
export interface Bagged {
  /** Its place, owned by the bag; -1 while it is in none. */
  place: number;
}

/** Things in no order. */
export class Bag<T extends Bagged> {
  readonly #things: T[] = [];

  /** Adds a thing that is in no bag. */
  add(thing: T): void {
    thing.place = this.#things.length;
    this.#things.push(thing);
  }

  /** Takes a thing out, if it is in. */
  remove(thing: T): void {
    const { place } = thing;
    if (place < 0) return;
    thing.place = -1;
    const last = this.#things.pop() as T;
    if (last === thing) return;
    last.place = place;
    this.#things[place] = last;
  }

  /**
   * Calls back for each thing. Things may be added and taken out meanwhile: one that was there before and stays is
   * visited, perhaps more than once.
   */
  visit(each: (thing: T) => void): void {
    for (let place = this.#things.length - 1; place >= 0; place--) {
      const thing = this.#things[place];
      if (thing !== undefined) each(thing);
    }
  }
}
