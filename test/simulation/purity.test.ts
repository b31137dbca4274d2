// A simulated broker takes time and randomness from its ports alone: while seeds run, the machine's own clocks, timers
// and randomness are watched, and product code that touches one is named. (test/tidy.test.ts reads the sources for the
// same; this sees what a package or a new name for an old function would hide from it.)

import { randomBytes } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { runSimulation } from '../support/simulation-run.ts';

const undo: (() => void)[] = [];

afterEach(() => {
  for (const restore of undo.splice(0)) restore();
});

/** Frames of product code below a call; the virtual clock itself moves on by `setImmediate`. */
function productFrames(): string[] {
  Error.stackTraceLimit = 30;
  const lines = (new Error().stack ?? '').split('\n').slice(3);
  return lines.filter((line) => /[\\/]src[\\/]/.test(line) && !line.includes('virtual-clock'));
}

function watch<T extends object, K extends keyof T & string>(owner: T, name: K, caught: string[]) {
  const original = owner[name];
  const watched = function (this: unknown, ...args: unknown[]): unknown {
    const [frame] = productFrames();
    if (frame !== undefined) caught.push(`${name} ${frame.trim()}`);
    return (original as (...given: unknown[]) => unknown).apply(this, args);
  };
  owner[name] = watched as T[K];
  undo.push(() => {
    owner[name] = original;
  });
}

test('nothing but the ports gives time or randomness', async () => {
  const caught: string[] = [];
  watch(Date, 'now', caught);
  watch(Math, 'random', caught);
  watch(performance, 'now', caught);
  watch(process, 'hrtime', caught);
  watch(process, 'nextTick', caught);
  watch(globalThis, 'setTimeout', caught);
  watch(globalThis, 'setInterval', caught);
  watch(globalThis, 'setImmediate', caught);
  watch(crypto, 'getRandomValues', caught);
  for (let seed = 1; seed <= 3; seed++) await runSimulation({ seed });
  expect([...new Set(caught)]).toEqual([]);
});

test('the watch sees what it is to see', () => {
  const caught: string[] = [];
  watch(Math, 'random', caught);
  const source = '/somewhere/src/engine/engine.ts';
  const guilty = new Function(
    `return function draw() { return Math.random(); }\n//# sourceURL=${source}`,
  );
  (guilty() as () => number)();
  expect(caught).toHaveLength(1);
  expect(randomBytes(1)).toHaveLength(1);
});
