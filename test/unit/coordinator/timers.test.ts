import { expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { TimerQueue } from '../../../src/coordinator/timers.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

test('a timer set again fires once, at the later time', async () => {
  const clock = new VirtualClock(0);
  const fired: [string, number][] = [];
  const timers = new TimerQueue<string>(clock, (event) => fired.push([event, clock.monotonic()]));
  timers.schedule('a', 10, 'first');
  await clock.advance(9);
  timers.schedule('a', 10, 'second');
  await clock.advance(100);
  expect(fired).toEqual([['second', 19]]);
  expect(timers.size).toBe(0);
});

test('a timer set to an earlier time fires then, and only then', async () => {
  const clock = new VirtualClock(0);
  const fired: number[] = [];
  const timers = new TimerQueue<null>(clock, () => fired.push(clock.monotonic()));
  timers.schedule('a', 100, null);
  timers.schedule('a', 5, null);
  await clock.advance(200);
  expect(fired).toEqual([5]);
});

test('cancelled and cleared timers do not fire, and nothing is left on the clock', async () => {
  const clock = new VirtualClock(0);
  const fired: string[] = [];
  const timers = new TimerQueue<string>(clock, (event) => fired.push(event));
  timers.schedule('a', 1, 'a');
  timers.schedule('b', 2, 'b');
  timers.cancel('a');
  await clock.advance(1);
  timers.clear();
  await clock.advance(100);
  expect(fired).toEqual([]);
  expect(clock.pending()).toBe(0);
});

test('after the process stood still, what was sent meanwhile is heard before timers fire', async () => {
  const clock = new VirtualClock(0);
  let stoodStillMs = 0;
  const fired: [string, number][] = [];
  const now = (): number => clock.monotonic() + stoodStillMs;
  const timers = new TimerQueue<string>(
    {
      now,
      monotonic: now,
      setTimer: (delayMs, fire) => clock.setTimer(delayMs, fire),
      defer: (fire) => clock.defer(fire),
    },
    (event) => fired.push([event, now()]),
  );
  timers.schedule('heard', 6000, 'heard');
  timers.schedule('silent', 6000, 'silent');
  await clock.advance(5999);
  stoodStillMs = 7000;
  await clock.advance(1);
  expect(fired).toEqual([]);
  timers.schedule('heard', 6000, 'heard');
  await clock.advance(1000);
  expect(fired).toEqual([['silent', 14_000]]);
  await clock.advance(10_000);
  expect(fired).toEqual([
    ['silent', 14_000],
    ['heard', 19_000],
  ]);
  expect(clock.pending()).toBe(0);
});

test('thousands of heartbeats do not pile up timers', async () => {
  const clock = new VirtualClock(0);
  const timers = new TimerQueue<null>(clock, () => {});
  for (let beat = 0; beat < 10_000; beat++) timers.schedule('member', 10_000, null);
  expect(clock.pending()).toBe(1);
  expect(timers.size).toBe(1);
});

test.each([1, 2, 3, 4, 5])('agrees with a plain table (seed %i)', async (seed) => {
  const clock = new VirtualClock(0);
  const random = new SeededRandom(seed);
  const model = new Map<string, number>();
  const timers = new TimerQueue<string>(clock, (key) => {
    expect(model.get(key), `${key} of seed ${seed}`).toBe(clock.monotonic());
    model.delete(key);
  });
  for (let round = 0; round < 2_000; round++) {
    const key = `timer ${random.below(20)}`;
    const draw = random.next();
    if (draw < 0.6) {
      const delayMs = random.below(50);
      timers.schedule(key, delayMs, key);
      model.set(key, clock.monotonic() + delayMs);
    } else if (draw < 0.75) {
      timers.cancel(key);
      model.delete(key);
    } else {
      await clock.advance(random.below(10));
      for (const [name, dueMs] of model) expect(dueMs, name).toBeGreaterThan(clock.monotonic() - 1);
    }
  }
  await clock.advance(100);
  expect([...model]).toEqual([]);
});
