import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { EventLoopDelay } from '../../../src/host/event-loop-delay.ts';

test('a blocked event loop is seen, once', async () => {
  const delay = new EventLoopDelay();
  try {
    await sleep(20);
    delay.take();
    // The histogram counts between two looks: the first after a reset has none before it.
    await sleep(20);
    const until = performance.now() + 60;
    while (performance.now() < until);
    await sleep(20);
    expect(delay.take().max).toBeGreaterThan(0.04);
    expect(delay.take()).toEqual({ p50: 0, p99: 0, max: 0 });
  } finally {
    delay.stop();
  }
});
