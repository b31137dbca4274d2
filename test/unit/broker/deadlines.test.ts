import { expect, test } from 'vitest';
import type { Clock } from '../../../src/base/ports.ts';
import { Deadlines, type Waiter } from '../../../src/broker/fetch/deadlines.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { fc } from '../../support/fast-check.ts';

function waiter(timeUp: () => void): Waiter {
  return { timeUp, untilMs: 0, row: null, before: null, after: null };
}

/** A clock that counts the timers that were set. */
function countingClock() {
  const virtual = new VirtualClock();
  const counted = { timers: 0 };
  const clock: Clock = {
    now: () => virtual.now(),
    monotonic: () => virtual.monotonic(),
    defer: (fire) => virtual.defer(fire),
    setTimer(delayMs, fire) {
      counted.timers++;
      return virtual.setTimer(delayMs, fire);
    },
  };
  return { virtual, clock, counted };
}

test('each who stays is told when its own time is up, and nobody else', async () => {
  const step = fc.record({
    kind: fc.constantFrom('add', 'remove', 'advance'),
    which: fc.nat(15),
    ms: fc.constantFrom(1, 10, 25, 100),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step), async (steps) => {
      const clock = new VirtualClock();
      const deadlines = new Deadlines(clock);
      const told = new Map<Waiter, number>();
      const due = new Map<Waiter, number>();
      const all: Waiter[] = [];
      for (const { kind, which, ms } of steps) {
        const known = all[which];
        if (kind === 'advance') await clock.advance(ms);
        else if (kind === 'remove' && known !== undefined) {
          deadlines.remove(known);
          if (!told.has(known)) due.delete(known);
        } else if (kind === 'add') {
          const one = waiter(() => told.set(one, clock.monotonic()));
          all.push(one);
          due.set(one, clock.monotonic() + ms);
          deadlines.add(one, ms);
        }
      }
      await clock.advance(1000);
      expect(told).toEqual(due);
    }),
  );
});

test('waiting anew again and again sets one timer each time that the first one fires', async () => {
  const { virtual, clock, counted } = countingClock();
  const deadlines = new Deadlines(clock);
  let told = 0;
  for (let round = 0; round < 1000; round++) {
    const one = waiter(() => told++);
    deadlines.add(one, 500);
    await virtual.advance(1);
    deadlines.remove(one);
  }
  expect(told).toBe(0);
  expect(counted.timers).toBeLessThanOrEqual(3);
});

test('lengths that nobody waits any more leave few timers behind, and those who wait are told', async () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);
  let told = 0;
  const stays = waiter(() => told++);
  deadlines.add(stays, 100_000);
  for (let round = 0; round < 1000; round++) {
    const one = waiter(() => told++);
    deadlines.add(one, 1_000_000 + round);
    deadlines.remove(one);
  }
  expect(clock.pending()).toBeLessThan(100);
  await clock.advance(100_000);
  expect(told).toBe(1);
});

test('after the close nobody is told', async () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);
  let told = 0;
  deadlines.add(
    waiter(() => told++),
    10,
  );
  deadlines.close();
  await clock.advance(100);
  expect(told).toBe(0);
});
