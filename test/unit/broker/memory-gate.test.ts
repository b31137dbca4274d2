import { expect, test } from 'vitest';
import { MemoryGate } from '../../../src/broker/memory-gate.ts';

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
