import { expect, test } from 'vitest';
import { PromptWrites } from '../../../src/host/prompt-writes.ts';

test('short writes are taken while they are quick', () => {
  const prompt = new PromptWrites();
  expect(prompt.allows(1024, 0)).toBe(true);
  prompt.done(0, 1);
  expect(prompt.allows(1024 * 1024, 1)).toBe(true);
  expect(prompt.allows(64 * 1024 * 1024, 1)).toBe(false);
});

test('a slow one sends the next to the pool, for longer each time, until one is quick again', () => {
  const prompt = new PromptWrites();
  const pauseAfter = (startedMs: number, tookMs: number): number => {
    const endedMs = startedMs + tookMs;
    prompt.done(startedMs, endedMs);
    let pause = 0;
    while (!prompt.allows(1, endedMs + pause)) pause += 1;
    return pause;
  };
  const first = pauseAfter(1000, 50);
  expect(first).toBeGreaterThan(10);
  expect(pauseAfter(2000, 50)).toBe(first * 2);
  expect(pauseAfter(3000, 50)).toBe(first * 4);
  expect(pauseAfter(5000, 1)).toBe(0);
  expect(pauseAfter(6000, 50)).toBe(first);
  for (let round = 0; round < 20; round++) pauseAfter(100_000 * (round + 1), 50);
  expect(pauseAfter(10_000_000, 50)).toBeLessThanOrEqual(10_000);
});
