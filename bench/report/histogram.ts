// Latencies as [upper bound in milliseconds, count] pairs in ascending order: what the load programs print, and what a
// result keeps.

export type Histogram = readonly (readonly [number, number])[];

/** How finely a result keeps its latencies: so many steps for each factor of ten. */
const STEPS_PER_DECADE = 40;

/** The latencies of several runs together. */
export function mergeHistograms(all: readonly Histogram[]): Histogram {
  const counts = new Map<number, number>();
  for (const histogram of all) {
    for (const [upper, count] of histogram) counts.set(upper, (counts.get(upper) ?? 0) + count);
  }
  return [...counts].sort(([a], [b]) => a - b);
}

/** The same latencies in few buckets, about 6 % wide, for keeping and drawing. */
export function coarsen(histogram: Histogram): Histogram {
  const steps = histogram.map(([upper, count]): readonly [number, number] => {
    if (upper <= 0) return [0, count];
    const step = Math.ceil(Math.log10(upper) * STEPS_PER_DECADE - 1e-9);
    return [Number((10 ** (step / STEPS_PER_DECADE)).toPrecision(4)), count];
  });
  return mergeHistograms([steps]);
}

export function countOf(histogram: Histogram): number {
  return histogram.reduce((sum, [, count]) => sum + count, 0);
}

/** The latency that `share` (0 to 1) of all do not exceed; NaN of none. */
export function quantile(histogram: Histogram, share: number): number {
  const wanted = Math.max(1, Math.ceil(share * countOf(histogram) - 1e-9));
  let seen = 0;
  for (const [upper, count] of histogram) {
    seen += count;
    if (seen >= wanted) return upper;
  }
  return Number.NaN;
}
