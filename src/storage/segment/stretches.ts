// Which bytes of a file something is known of: sorted stretches that neither overlap nor touch.

export class Stretches {
  /** from, to, from, to, … */
  #bounds: number[] = [];

  /** Takes in the bytes from `from` up to, not including, `to`. */
  add(from: number, to: number): void {
    if (to <= from) return;
    const bounds = this.#bounds;
    const last = bounds.length - 1;
    // The common case: what was written last goes on where the last stretch ends.
    if (last > 0 && from === bounds[last]) {
      bounds[last] = to;
      return;
    }
    let first = 0;
    while (first < bounds.length && (bounds[first + 1] as number) < from) first += 2;
    let behind = first;
    let low = from;
    let high = to;
    while (behind < bounds.length && (bounds[behind] as number) <= to) {
      low = Math.min(low, bounds[behind] as number);
      high = Math.max(high, bounds[behind + 1] as number);
      behind += 2;
    }
    bounds.splice(first, behind - first, low, high);
  }

  /** Where the stretch ends that holds the byte at `position`; `position` when none does. */
  endOf(position: number): number {
    const bounds = this.#bounds;
    let low = 0;
    let high = bounds.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((bounds[middle * 2 + 1] as number) <= position) low = middle + 1;
      else high = middle;
    }
    const from = bounds[low * 2];
    if (from === undefined || from > position) return position;
    return bounds[low * 2 + 1] as number;
  }

  covers(from: number, to: number): boolean {
    return to <= from || this.endOf(from) >= to;
  }
}
