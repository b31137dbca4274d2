// A queue that keeps its room. An array that is emptied gives its room back and takes it anew with the next push, which
// for the queue of a connection that has one request at a time is more memory than everything else about the request.

/** Room at first; a power of two, as every later room. */
const ROOM_FIRST = 4;

/** First in, first out. */
export class Fifo<T> {
  #items = new Array<T | undefined>(ROOM_FIRST).fill(undefined);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The one that comes out next. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  get last(): T | undefined {
    return this.#items[(this.#head + this.#length - 1) & (this.#items.length - 1)];
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow();
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item;
    this.#length += 1;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.#length -= 1;
    return item;
  }

  *[Symbol.iterator](): Generator<T> {
    const mask = this.#items.length - 1;
    for (let i = 0; i < this.#length; i++) yield this.#items[(this.#head + i) & mask] as T;
  }

  #grow(): void {
    const items = new Array<T | undefined>(this.#items.length * 2).fill(undefined);
    let at = 0;
    for (const item of this) items[at++] = item;
    this.#items = items;
    this.#head = 0;
  }
}
