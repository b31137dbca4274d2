// Parts of `tidemark bench`: latencies in buckets, and what the figures say is the limit.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Latencies } from '../../../src/cli/bench/latencies.ts';
import { type Findings, verdictsOf } from '../../../src/cli/bench/verdict.ts';

describe('latencies', () => {
  test('quantiles are those of the sorted values, within a thousandth and a microsecond', () => {
    const values = fc.array(fc.double({ min: 0, max: 3_000_000, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.constantFrom(0.5, 0.95, 0.99, 0.999, 1), (all, share) => {
        const latencies = new Latencies();
        for (const value of all) latencies.add(value);
        const sorted = [...all].sort((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(share * all.length - 1e-9) - 1)] ?? 0;
        const told = latencies.quantile(share);
        expect(told).toBeGreaterThanOrEqual(exact * 0.999 - 0.001);
        expect(told).toBeLessThanOrEqual(exact * 1.001 + 0.0011);
      }),
    );
  });

  test('the longest is told exactly, a clock that went back counts as none', () => {
    const latencies = new Latencies();
    for (const value of [1, 1234.5678, -5]) latencies.add(value);
    expect(latencies.summary()).toMatchObject({ count: 3, maxMs: 1234.5678 });
    expect(latencies.quantile(0.01)).toBeLessThan(0.01);
    expect(new Latencies().quantile(0.5)).toBeNaN();
  });
});

describe('the verdict', () => {
  const calm: Findings = {
    roundTripMs: 0.2,
    oneRecordAcks1Ms: 0.4,
    oneRecordAcksAllMs: 0.9,
    produceBusy: 0.4,
    consumeBusy: 0.4,
    tail: { p50Ms: 1, p99Ms: 3, lateP99Ms: 1 },
    local: false,
  };
  const limits = (found: Partial<Findings>): string[] =>
    verdictsOf({ ...calm, ...found }).map(({ phase, limit }) => `${phase} ${limit}`);

  test('a broker that leaves the client waiting is the limit', () => {
    expect(limits({})).toEqual(['produce broker', 'consume broker', 'tail none']);
  });

  test('a client whose thread is busy is the limit, whatever else is slow', () => {
    const busy = { produceBusy: 0.95, consumeBusy: 0.9, roundTripMs: 30, oneRecordAcksAllMs: 90 };
    expect(limits(busy).slice(0, 2)).toEqual(['produce client', 'consume client']);
    const [near] = verdictsOf({ ...calm, ...busy, local: true });
    expect(near?.words).toContain('shares this machine');
  });

  test('what acks=all adds is the disk or the replicas, a long round trip the network', () => {
    expect(limits({ oneRecordAcksAllMs: 6 })[0]).toBe('produce durability');
    const far = { roundTripMs: 20, oneRecordAcks1Ms: 21, oneRecordAcksAllMs: 22 };
    expect(limits(far)).toEqual(['produce network', 'consume network', 'tail none']);
  });

  test('a long tail is told, and the client when it was late itself', () => {
    expect(limits({ tail: { p50Ms: 1, p99Ms: 40, lateP99Ms: 1 } })[2]).toBe('tail pauses');
    expect(limits({ tail: { p50Ms: 30, p99Ms: 40, lateP99Ms: 35 } })[2]).toBe('tail client');
    expect(limits({ tail: { p50Ms: 30, p99Ms: 40, lateP99Ms: 1 } })[2]).toBe('tail none');
  });
});
