import { expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

test('timers fire in order of due time, then of arrival', async () => {
  const clock = new VirtualClock(0);
  const fired: string[] = [];
  clock.setTimer(20, () => fired.push('c'));
  clock.setTimer(10, () => fired.push('a'));
  clock.setTimer(10, () => fired.push('b'));
  clock.setTimer(21, () => fired.push('late'));
  await clock.advance(20);
  expect(fired).toEqual(['a', 'b', 'c']);
  expect(clock.now()).toBe(20);
  expect(clock.pending()).toBe(1);
});

test('a cancelled timer does not fire, and timers set by timers do', async () => {
  const clock = new VirtualClock(0);
  const fired: number[] = [];
  const cancel = clock.setTimer(5, () => fired.push(5));
  clock.setTimer(3, () => {
    cancel();
    clock.setTimer(3, () => fired.push(clock.monotonic()));
  });
  await clock.advance(100);
  expect(fired).toEqual([6]);
});

test('promise chains between events settle before the next event', async () => {
  const clock = new VirtualClock(0);
  const order: string[] = [];
  clock.setTimer(1, () => {
    void Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => order.push('chain of 1'));
  });
  clock.setTimer(1, () => order.push('second event'));
  await clock.advance(1);
  expect(order).toEqual(['chain of 1', 'second event']);
});

test('until() moves only as far as the promise needs, and refuses to hang', async () => {
  const clock = new VirtualClock(0);
  const done = new Promise<string>((resolve) => {
    clock.setTimer(50, () => resolve('done'));
  });
  clock.setTimer(60, () => {});
  expect(await clock.until(done)).toBe('done');
  expect(clock.monotonic()).toBe(50);
  await expect(clock.until(new Promise(() => {}))).rejects.toThrow('did not settle');
});

test('the wall clock may jump without moving timers', async () => {
  const clock = new VirtualClock(1_000);
  clock.jump(-500);
  expect(clock.now()).toBe(500);
  let fired = false;
  clock.setTimer(10, () => {
    fired = true;
  });
  await clock.advance(10);
  expect(fired).toBe(true);
});

test('many random timers leave the heap in order', async () => {
  const random = new SeededRandom(7);
  const clock = new VirtualClock(0);
  const fired: number[] = [];
  for (let i = 0; i < 500; i += 1) {
    const at = random.below(1_000);
    clock.setTimer(at, () => fired.push(at));
  }
  await clock.advance(1_000);
  expect(fired).toHaveLength(500);
  expect(fired).toEqual([...fired].sort((a, b) => a - b));
});

test('the same seed draws the same numbers; forks are independent', () => {
  const one = new SeededRandom(42);
  const two = new SeededRandom(42);
  expect([one.next(), one.below(10), one.bytes(4).toString('hex')]).toEqual([
    two.next(),
    two.below(10),
    two.bytes(4).toString('hex'),
  ]);
  const fork = one.fork();
  const before = two.fork();
  fork.next();
  expect(before.seed).toBe(fork.seed);
  expect(one.next()).toBe(two.next());
});
