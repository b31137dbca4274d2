// Which records of a partition were handed out and not yet dealt with. What may be committed is everything before the
// first of them, in whatever order they are done.

/** One stretch of reading, from an offset on; after a seek there is another. */
export class Progress {
  /** Offsets handed out, in order; those before `#head` are done. */
  readonly #open: number[] = [];
  #head = 0;
  /** Done, but behind one that is not. */
  readonly #done = new Set<number>();
  #next: number;
  #epoch: number;
  #over = false;
  #whenIdle: (() => void)[] = [];

  /** `epoch`: leader epoch of the record before, -1 when unknown. */
  constructor(offset: number, epoch: number) {
    this.#next = offset;
    this.#epoch = epoch;
  }

  /** Everything before it is dealt with. */
  get position(): number {
    return this.#open[this.#head] ?? this.#next;
  }

  /** Everything before it was handed out. */
  get next(): number {
    return this.#next;
  }

  /** Leader epoch of the batch handed out last, -1 when unknown. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Whether nothing of it counts any more. */
  get isOver(): boolean {
    return this.#over;
  }

  get isIdle(): boolean {
    return this.#open.length === 0;
  }

  /** A record is handed out. */
  begin(offset: number, epoch: number): void {
    this.#open.push(offset);
    this.#next = offset + 1;
    this.#epoch = epoch;
  }

  /** It is dealt with. */
  end(offset: number): void {
    const open = this.#open;
    if (open[this.#head] !== offset) {
      this.#done.add(offset);
      return;
    }
    this.#head += 1;
    while (this.#done.size > 0 && this.#done.delete(open[this.#head] ?? -1)) this.#head += 1;
    if (this.#head === open.length) {
      open.length = 0;
      this.#head = 0;
      this.#idle();
    } else if (this.#head >= 1024) {
      open.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** Nothing before `offset` is left to be handed out: it lay behind the last record. */
  pass(offset: number): void {
    if (offset > this.#next) this.#next = offset;
  }

  /**
   * Another stretch took its place, or the partition is others': nothing of it counts any more, so nobody needs to wait
   * for it.
   */
  abandon(): void {
    this.#over = true;
    this.#open.length = 0;
    this.#head = 0;
    this.#done.clear();
    this.#idle();
  }

  /** Resolves when nothing is at work. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve);
    });
  }

  #idle(): void {
    if (this.#whenIdle.length === 0) return;
    const waiting = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of waiting) resolve();
  }
}
