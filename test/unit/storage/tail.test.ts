import { expect, test } from 'vitest';
import { Tail, TailBudget } from '../../../src/storage/tail.ts';
import { Ticket } from '../../../src/storage/ticket.ts';

const BATCH_BYTES = 1000;

function ticketAt(offset: number): Ticket {
  const parts = [Buffer.alloc(BATCH_BYTES, offset)];
  const place = { segment: null as never, position: offset * BATCH_BYTES, released: undefined };
  return new Ticket({
    ...place,
    parts,
    bytes: BATCH_BYTES,
    baseOffset: offset,
    lastOffset: offset,
  });
}

test('a tail that nobody reads is let go, and kept again from the first reader on', () => {
  const tail = new Tail(new TailBudget(1_000_000, 10 * BATCH_BYTES));
  const add = (from: number, to: number): void => {
    for (let offset = from; offset < to; offset++) tail.add([ticketAt(offset)]);
  };
  const bytesFrom = (offset: number): number | undefined =>
    tail.read(offset, Number.MAX_SAFE_INTEGER, 1_000_000, true)?.bytes;
  add(0, 5);
  expect(bytesFrom(0)).toBe(5 * BATCH_BYTES);
  // As much as it may hold, unread: it holds that.
  add(5, 15);
  expect(tail.bytes).toBe(10 * BATCH_BYTES);
  add(15, 17);
  expect(tail.bytes).toBe(0);
  add(17, 100);
  expect(tail.bytes).toBe(0);
  expect(bytesFrom(99)).toBeUndefined();
  add(100, 103);
  expect(bytesFrom(101)).toBe(2 * BATCH_BYTES);
});
