import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { EventLoopDelay, waitedNanoseconds } from '../../../src/host/event-loop-delay.ts';

test('a blocked event loop is seen, once', async () => {
  const delay = new EventLoopDelay();
  try {
    // The histogram counts between two looks, and on a busy machine there may be none before the blocking.
    let max = 0;
    for (let tries = 0; tries < 50 && max < 0.04; tries++) {
      await sleep(20);
      const until = performance.now() + 60;
      while (performance.now() < until);
      await sleep(20);
      max = delay.take().max;
    }
    expect(max).toBeGreaterThan(0.04);
    const none = { p50: 0, p99: 0, max: 0 };
    expect(delay.take()).toEqual({ ...none, own: process.platform === 'linux' ? none : null });
  } finally {
    delay.stop();
  }
});

test('a schedstat line that does not tell is no number: a histogram would not take it, and the process would end', () => {
  expect(waitedNanoseconds('190436182 4801723 312\n')).toBe(4_801_723);
  expect(waitedNanoseconds('0 0 0')).toBe(0);
  for (const line of ['', '\n', '190436182', '12 unknown 3'])
    expect(waitedNanoseconds(line)).toBeNull();
});
