import { expect, test } from 'vitest';
import { PromptSyncs } from '../../../src/host/prompt-syncs.ts';

const KIB = 1024;

/** The pool shows that the disk is quick, or not. */
function pooled(syncs: PromptSyncs, tookMs: number, times: number): void {
  for (let each = 0; each < times; each++) syncs.pooled(KIB, 0, tookMs);
}

test('a disk that is not known is not waited for, nor one that is slow', () => {
  const syncs = new PromptSyncs();
  expect(syncs.allows(KIB, 0)).toBe(false);
  pooled(syncs, 5, 1000);
  expect(syncs.allows(KIB, 0)).toBe(false);
});

test('one that was quick in the pool is, for small syncs', () => {
  const syncs = new PromptSyncs();
  pooled(syncs, 0.2, 10);
  expect(syncs.allows(KIB, 0)).toBe(true);
  expect(syncs.allows(1024 * KIB, 0)).toBe(false);
  for (let at = 0; at < 1000; at++) {
    syncs.done(at, at + 0.1);
    expect(syncs.allows(KIB, at + 0.1)).toBe(true);
  }
});

test('big syncs in the pool tell nothing of small ones', () => {
  const syncs = new PromptSyncs();
  pooled(syncs, 0.2, 10);
  for (let each = 0; each < 100; each++) syncs.pooled(1024 * KIB, 0, 50);
  expect(syncs.allows(KIB, 0)).toBe(true);
});

test('a disk that is quick and slow in turns is slow', () => {
  const syncs = new PromptSyncs();
  for (let each = 0; each < 100; each++) {
    pooled(syncs, 0.2, 1);
    pooled(syncs, 3, 1);
  }
  expect(syncs.allows(KIB, 0)).toBe(false);
});

test.each([
  ['one slow sync', 20, 1],
  ['some that are a little slow', 0.5, 20],
])(
  '%s gives it up, for longer each time in a row, and then the pool is asked anew',
  (_, tookMs, times) => {
    const syncs = new PromptSyncs();
    const pauseAfter = (startedMs: number): number => {
      pooled(syncs, 0.2, 10);
      for (let each = 0; each < times; each++) {
        if (syncs.allows(KIB, startedMs)) syncs.done(startedMs, startedMs + tookMs);
      }
      expect(syncs.allows(KIB, startedMs + 1_000_000)).toBe(false);
      pooled(syncs, 0.2, 10);
      let pause = 0;
      while (!syncs.allows(KIB, startedMs + tookMs + pause)) pause += 1;
      return pause;
    };
    const first = pauseAfter(1000);
    expect(first).toBeGreaterThan(10);
    expect(pauseAfter(2_000_000)).toBeGreaterThanOrEqual(first);
    for (let round = 0; round < 20; round++) pauseAfter(3_000_000 * (round + 1));
    expect(pauseAfter(100_000_000)).toBeLessThanOrEqual(10_001);
  },
);
