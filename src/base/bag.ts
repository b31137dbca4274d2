// Things that come and go with every request: callbacks, most often. A Set that is filled and emptied again and again
// makes a new table every few times, and V8's old tables lead to the new ones: once one of them is old, all that come
// after it, and what their entries hold, outlive the young generation (a quarter of what was promoted at 1,000
// requests a second).

interface Place<T> {
  readonly value: T;
  index: number;
}

/** Values in no order, each as often as it was added. */
export class Bag<T> {
  readonly #places: Place<T>[] = [];

  /** Adds a value; answers the function that takes it out again, which may be called more than once. */
  add(value: T): () => void {
    const place = { value, index: this.#places.length };
    this.#places.push(place);
    return () => this.#remove(place);
  }

  /**
   * Calls back for each value. Values may be added and taken out meanwhile: one that was there before and stays is
   * visited, perhaps more than once.
   */
  visit(each: (value: T) => void): void {
    for (let index = this.#places.length - 1; index >= 0; index--) {
      const place = this.#places[index];
      if (place !== undefined) each(place.value);
    }
  }

  #remove(place: Place<T>): void {
    const { index } = place;
    if (index < 0) return;
    place.index = -1;
    const last = this.#places.pop() as Place<T>;
    if (last === place) return;
    last.index = index;
    this.#places[index] = last;
  }
}
