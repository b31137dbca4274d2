// How fast something goes: over the last few seconds, so that a pause, or a slow start, is soon forgotten.

const WINDOW_MS = 5_000;
/** Marks are as far apart at least. */
const STEP_MS = 100;

export class RecentRate {
  readonly #marks: { readonly atMs: number; readonly count: number }[] = [];

  /** `count` so far; answers how many a second. */
  at(nowMs: number, count: number): number {
    const last = this.#marks.at(-1);
    if (last === undefined || nowMs - last.atMs >= STEP_MS)
      this.#marks.push({ atMs: nowMs, count });
    while ((this.#marks[1]?.atMs ?? nowMs) <= nowMs - WINDOW_MS) this.#marks.shift();
    const [first] = this.#marks;
    if (first === undefined || nowMs <= first.atMs) return 0;
    return (1000 * (count - first.count)) / (nowMs - first.atMs);
  }
}
