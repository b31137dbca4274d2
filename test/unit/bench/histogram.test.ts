// Latencies of benchmark runs: quantiles are what a sorted list of all latencies would say.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  coarsen,
  countOf,
  type Histogram,
  mergeHistograms,
  quantile,
} from '../../../bench/report/histogram.ts';

const histogramOf = (values: readonly number[]): Histogram =>
  mergeHistograms([values.map((value): readonly [number, number] => [value, 1])]);

const latencies = fc.array(
  fc.integer({ min: 0, max: 5_000_000 }).map((us) => us / 1e3),
  {
    minLength: 1,
    maxLength: 300,
  },
);
const shares = fc.constantFrom(0.5, 0.95, 0.99, 0.999, 1);

describe('histograms', () => {
  test('a quantile is the smallest value that so many do not exceed', () => {
    fc.assert(
      fc.property(latencies, shares, (values, share) => {
        const sorted = [...values].sort((a, b) => a - b);
        const at = Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1);
        expect(quantile(histogramOf(values), share)).toBe(sorted[at]);
      }),
    );
  });

  test('merging loses no latency, and coarsening moves none by more than 7 %', () => {
    fc.assert(
      fc.property(latencies, latencies, shares, (one, other, share) => {
        const merged = mergeHistograms([histogramOf(one), histogramOf(other)]);
        expect(countOf(merged)).toBe(one.length + other.length);
        const coarse = coarsen(merged);
        expect(countOf(coarse)).toBe(countOf(merged));
        const exact = quantile(merged, share);
        const kept = quantile(coarse, share);
        expect(kept).toBeGreaterThanOrEqual(exact * 0.999);
        expect(kept).toBeLessThanOrEqual(exact * 1.07);
      }),
    );
  });

  test('none has no quantile', () => {
    expect(quantile([], 0.5)).toBeNaN();
  });
});
