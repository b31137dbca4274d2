import { expect, test } from 'vitest';
import { AnswerBudget, MemoryGate } from '../../../src/broker/memory-gate.ts';

test('lets in one too many, and nobody more until there is room', () => {
  const gate = new MemoryGate(100);
  gate.take(99);
  expect(gate.open).toBe(true);
  gate.take(1000);
  expect(gate.open).toBe(false);
  expect(gate.freeBytes).toBe(0);
  const woken: string[] = [];
  gate.wait(() => {
    woken.push('first');
    gate.take(150);
  });
  gate.wait(() => woken.push('second'));
  gate.give(500);
  expect(woken).toEqual([]);
  gate.give(599);
  expect(woken).toEqual(['first']);
  gate.give(150);
  expect(woken).toEqual(['first', 'second']);
  expect(gate.usedBytes).toBe(0);
});

test('forgets who waits no longer', () => {
  const gate = new MemoryGate(1);
  gate.take(1);
  let woken = 0;
  const resume = () => {
    woken++;
  };
  gate.wait(resume);
  gate.stopWaiting(resume);
  gate.give(1);
  expect(woken).toBe(0);
});

test('a lease offers half of what is left, a little always, and gives everything back', () => {
  const gate = new MemoryGate(1_000_000);
  const [first, second] = [new AnswerBudget(gate), new AnswerBudget(gate)];
  expect(first.affordableBytes).toBe(500_000);
  first.take(500_000);
  expect(second.affordableBytes).toBe(250_000);
  second.take(480_000);
  expect(gate.open).toBe(true);
  expect(first.affordableBytes).toBe(65_536);
  second.give(80_000);
  expect(gate.usedBytes).toBe(900_000);
  second.end();
  second.end();
  expect(gate.usedBytes).toBe(500_000);
});

test('beyond the limit one frame at a time is finished, in the order of asking', () => {
  const gate = new MemoryGate(100);
  const woken: string[] = [];
  const [first, second, third] = ['first', 'second', 'third'].map((name) => () => {
    woken.push(name);
  }) as [() => void, () => void, () => void];
  expect(gate.mayFinish(first)).toBe(true);
  gate.take(100);
  expect([first, second, third].map((each) => gate.mayFinish(each))).toEqual([true, false, false]);
  expect(gate.mayFinish(first)).toBe(true);
  gate.finished(first);
  expect(woken).toEqual(['second']);
  expect(gate.mayFinish(second)).toBe(true);
  gate.stopWaiting(second);
  expect(woken).toEqual(['second', 'third']);
  gate.give(100);
  expect(gate.mayFinish(first)).toBe(true);
});
