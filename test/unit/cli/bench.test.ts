// Parts of `tidemark bench`: latencies in buckets, and what the figures say is the limit.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FixedRate } from '../../../src/cli/bench/fixed-rate.ts';
import { Latencies } from '../../../src/cli/bench/latencies.ts';
import { type LoadFlags, planOf } from '../../../src/cli/bench/plan.ts';
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

describe('the fixed rate', () => {
  const slow = (): FixedRate => new FixedRate({ partitions: 2, perSecond: 10, seconds: 1 }, 1000);

  test('what was not read counts with the time that it waited, the last of each partition', () => {
    const rate = slow();
    for (const index of [0, 2, 4, 1, 6, 8]) rate.arrived(index % 2, rate.dueMs(index), 2000);
    expect(rate.latencies.count).toBe(6);
    expect(rate.giveUp(9000)).toBe(4);
    expect(rate.latencies.summary()).toMatchObject({ count: 10, maxMs: 7700 });
  });

  test('a cluster that is far away reaches the rate, one that falls behind does not', () => {
    const far = slow();
    for (let index = 0; index < 10; index += 1) {
      far.arrived(index % 2, far.dueMs(index), far.dueMs(index) + 700);
    }
    expect(far.perSecond()).toBeCloseTo(10, 2);
    const behind = slow();
    for (let index = 0; index < 10; index += 1) {
      behind.arrived(index % 2, behind.dueMs(index), 1000 + index * 200);
    }
    expect(behind.perSecond()).toBeLessThan(6);
    expect(slow().perSecond()).toBe(0);
  });
});

describe('the plan', () => {
  const flags: LoadFlags = {
    partitions: '6',
    size: '1KiB',
    seconds: '5',
    rate: '1000',
    maxBytes: '1GiB',
  };
  const plan = (more: Partial<LoadFlags>, properties: Record<string, string> = {}) =>
    planOf({ ...flags, ...more }, new Map(Object.entries(properties)));

  test.each([
    [{ size: '4' }, 'at least 8 bytes'],
    [{ size: '1GiB' }, 'at most 64MiB'],
    [{ maxBytes: '1000' }, 'at least one record'],
    [{ maxBytes: '0' }, 'at least one record'],
    [{ seconds: '99999999999' }, 'from 1 to 3600'],
    [{ rate: '0' }, 'from 1'],
  ])('%o is refused', (more, words) => {
    expect(() => plan(more)).toThrow(words);
  });

  test('options come before properties, and these are not ignored', () => {
    const properties = { acks: '1', 'compression.type': 'lz4', 'linger.ms': '7' };
    expect(plan({}, properties).producer).toMatchObject({
      acks: 1,
      compression: 'lz4',
      lingerMs: 7,
    });
    expect(plan({ acks: 'all' }, properties).producer.acks).toBe(-1);
    expect(() => plan({}, { acks: '2' })).toThrow('write all, 1 or 0');
  });
});

describe('the verdict', () => {
  const calm = {
    roundTripMs: 0.2,
    oneRecordAcks1Ms: 0.4,
    oneRecordAcksAllMs: 0.9,
    acks: -1,
    compressed: false,
    produce: { busy: 0.4, mbPerSecond: 117 },
    consume: { busy: 0.4, mbPerSecond: 118 },
    tail: { p50Ms: 1, p99Ms: 3, lateP99Ms: 1, busy: 0.2, reached: 999, asked: 1000 },
    local: false,
  } satisfies Findings;
  const limits = (found: Partial<Findings>): string[] =>
    verdictsOf({ ...calm, ...found }).map(({ phase, limit }) => `${phase} ${limit}`);
  const tail = (found: object): string | undefined =>
    limits({ tail: { ...calm.tail, ...found } })[2];

  test('a broker on this machine that leaves the client waiting is the limit', () => {
    expect(limits({ local: true })).toEqual(['produce broker', 'consume broker', 'tail none']);
  });

  test('elsewhere it cannot be told from a full link: the rate is told to compare', () => {
    const both = ['produce broker-or-network', 'consume broker-or-network', 'tail none'];
    expect(limits({})).toEqual(both);
    const [plain] = verdictsOf(calm);
    expect(plain?.words).toContain('117.0 MB/s (0.94 Gbit/s)');
    const [packed] = verdictsOf({ ...calm, compressed: true });
    expect(packed?.words).toContain('before compression');
  });

  test('a client whose thread is busy is the limit, whatever else is slow', () => {
    const at = { busy: 0.95, mbPerSecond: 1 };
    const busy = { produce: at, consume: at, roundTripMs: 30, oneRecordAcksAllMs: 90 };
    expect(limits(busy).slice(0, 2)).toEqual(['produce client', 'consume client']);
    const [near] = verdictsOf({ ...calm, ...busy, local: true });
    expect(near?.words).toContain('shares this machine');
  });

  test('what acks=all adds is the disk or the replicas, a long round trip the network', () => {
    expect(limits({ oneRecordAcksAllMs: 6 })[0]).toBe('produce durability');
    const far = { roundTripMs: 20, oneRecordAcks1Ms: 21, oneRecordAcksAllMs: 22 };
    expect(limits(far)[0]).toBe('produce network');
  });

  test('what acks=all would wait for is no limit of a run that did not ask for it', () => {
    expect(limits({ acks: 1, oneRecordAcksAllMs: 6 })[0]).toBe('produce broker-or-network');
    const far = { roundTripMs: 20, oneRecordAcks1Ms: 21, oneRecordAcksAllMs: 90 };
    expect(limits({ ...far, acks: 1 })[0]).toBe('produce network');
    expect(limits({ ...far, acks: 0 })[0]).toBe('produce broker-or-network');
  });

  test('a long tail is told, and the client when it was late itself', () => {
    expect(tail({ p50Ms: 1, p99Ms: 40 })).toBe('tail pauses');
    expect(tail({ p50Ms: 30, p99Ms: 40, lateP99Ms: 35 })).toBe('tail client');
    expect(tail({ p50Ms: 30, p99Ms: 40 })).toBe('tail none');
  });

  test('a rate that was not reached is told, however even the latencies are', () => {
    expect(tail({ p50Ms: 1600, p99Ms: 2700, lateP99Ms: 2600, reached: 500 })).toBe('tail rate');
    expect(tail({ reached: 500, busy: 0.9 })).toBe('tail client');
  });

  test('a phase without figures has no verdict', () => {
    expect(limits({ consume: null, tail: null })).toEqual(['produce broker-or-network']);
  });
});
