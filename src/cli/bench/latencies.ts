// Latencies counted in buckets, so that millions of them take a fixed amount of memory.

/** Exact to the microsecond up to 2 ms, then 1,024 buckets for each doubling: within 0.1 %. */
const STEPS = 1024;
const DOUBLINGS = 22;

/** Percentiles as reports show them, in milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export class Latencies {
  readonly #buckets = new Float64Array(STEPS * (DOUBLINGS + 1));
  #count = 0;
  #maxMs = 0;

  get count(): number {
    return this.#count;
  }

  add(milliseconds: number): void {
    const ms = Math.max(0, milliseconds);
    let value = Math.floor(ms * 1000);
    let doublings = 0;
    while (value >= 2 * STEPS) {
      value = Math.floor(value / 2);
      doublings += 1;
    }
    const index = Math.min(doublings * STEPS + value, this.#buckets.length - 1);
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.#count += 1;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  /** What `share` (0 to 1) of all do not exceed, in milliseconds; NaN of none. */
  quantile(share: number): number {
    if (this.#count === 0) return Number.NaN;
    const wanted = Math.max(1, Math.ceil(share * this.#count - 1e-9));
    let seen = 0;
    for (const [index, count] of this.#buckets.entries()) {
      seen += count;
      if (seen >= wanted) return Math.min(upperOf(index) / 1000, this.#maxMs);
    }
    return this.#maxMs;
  }

  summary(): LatencySummary {
    return {
      count: this.#count,
      p50Ms: this.quantile(0.5),
      p95Ms: this.quantile(0.95),
      p99Ms: this.quantile(0.99),
      p999Ms: this.quantile(0.999),
      maxMs: this.#maxMs,
    };
  }
}

/** Largest number of microseconds in a bucket. */
function upperOf(index: number): number {
  const doublings = index < 2 * STEPS ? 0 : Math.floor(index / STEPS) - 1;
  return (index - doublings * STEPS + 1) * 2 ** doublings;
}
