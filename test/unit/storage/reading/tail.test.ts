// The newest batches in memory: what is read is what was added, whatever way it is kept.

import { expect, test } from 'vitest';
import type { LogRead } from '../../../../src/storage/contract.ts';
import { Ticket } from '../../../../src/storage/log/ticket.ts';
import { Tail, TailBudget } from '../../../../src/storage/reading/tail.ts';
import { Segment } from '../../../../src/storage/segment/segment.ts';

const KIB = 1024;
const segment = new Segment('topic-0', 0, 0);

/** A batch of one record at `offset`; `lent`: its memory is somebody else's afterwards. */
function batch(offset: number, bytes: number, lent: boolean): Ticket {
  const half = Math.floor(bytes / 2);
  const whole = Buffer.allocUnsafeSlow(bytes).fill(offset % 251);
  const placed = {
    segment,
    position: 0,
    parts: [whole.subarray(0, half), whole.subarray(half)],
    bytes,
    baseOffset: offset,
    lastOffset: offset,
    released: lent ? () => whole.fill(0xff) : undefined,
  };
  return new Ticket(placed, (error) => {
    throw error;
  });
}

function add(tail: Tail, ...tickets: Ticket[]): void {
  tail.add(tickets);
  for (const ticket of tickets) ticket.markCommitted();
}

const read = (tail: Tail, offset: number, limit: number, maxBytes = 10 * KIB * KIB) =>
  tail.read(offset, limit, maxBytes, true);

const bytesOf = (found: LogRead | null): Buffer => Buffer.concat(found?.records as Buffer[]);

test('lent batches are copied, and those in a row are read as one part', () => {
  const tail = new Tail(new TailBudget(KIB * KIB, KIB * KIB));
  for (let offset = 0; offset < 20; offset++) add(tail, batch(offset, 100, true));
  const found = read(tail, 3, 8);
  expect(found?.byteLength).toBe(500);
  expect(found?.records).toHaveLength(1);
  const expected = [3, 4, 5, 6, 7].map((offset) => Buffer.alloc(100, offset));
  expect(bytesOf(found).equals(Buffer.concat(expected))).toBe(true);
});

test('what is read is what was added, across pieces and in the memory that it came in', () => {
  const tail = new Tail(new TailBudget(KIB * KIB, KIB * KIB));
  const sizes = [1500, 900, 7000, 20_000, 300, 8000, 3000, 60_000, 10];
  sizes.forEach((bytes, offset) => {
    add(tail, batch(offset, bytes, bytes <= 8 * KIB && offset % 2 === 0));
  });
  for (let from = 0; from < sizes.length; from++) {
    for (let to = from + 1; to <= sizes.length; to++) {
      const expected = sizes.slice(from, to).map((bytes, at) => Buffer.alloc(bytes, from + at));
      const found = read(tail, from, to);
      expect(bytesOf(found).equals(Buffer.concat(expected))).toBe(true);
      expect(found?.byteLength).toBe(Buffer.concat(expected).length);
    }
  }
});

test('the first batch is given though it is too long, the others as far as they fit', () => {
  const tail = new Tail(new TailBudget(KIB * KIB, KIB * KIB));
  for (let offset = 0; offset < 4; offset++) add(tail, batch(offset, 100, true));
  expect(read(tail, 0, 4, 50)?.byteLength).toBe(100);
  expect(read(tail, 0, 4, 250)?.byteLength).toBe(200);
  expect(tail.read(0, 4, 50, false)?.byteLength).toBe(0);
});

test('the oldest batches go when a log holds too much, and their memory counts no more', () => {
  const tail = new Tail(new TailBudget(KIB * KIB, 256 * KIB));
  for (let offset = 0; offset < 2000; offset++) {
    add(tail, batch(offset, KIB, true));
    read(tail, offset, offset + 1);
  }
  expect(tail.bytes).toBeLessThanOrEqual(256 * KIB);
  expect(read(tail, 1000, 2000)).toBeNull();
  expect(read(tail, 1999, 2000)?.byteLength).toBe(KIB);
  expect(read(tail, 1850, 2000)?.byteLength).toBe(150 * KIB);
});

test('a quiet log holds little, and the one that was used longest ago gives up first', () => {
  const budget = new TailBudget(20 * KIB, 64 * KIB);
  const tails = Array.from({ length: 12 }, () => new Tail(budget));
  for (const tail of tails) add(tail, batch(0, 100, true));
  expect(tails.map((tail) => tail.bytes)).toEqual([0, 0, ...Array(10).fill(2 * KIB)]);
});

test('a batch that is neither copied nor ours ends what is kept; so does a gap', () => {
  const tail = new Tail(new TailBudget(KIB * KIB, KIB * KIB));
  add(tail, batch(0, 100, true), batch(1, 9 * KIB, true));
  expect(read(tail, 0, 2)).toBeNull();
  expect(tail.bytes).toBe(0);
  add(tail, batch(2, 100, true), batch(4, 100, true));
  expect(read(tail, 2, 5)).toBeNull();
  expect(read(tail, 4, 5)?.byteLength).toBe(100);
  tail.clear();
  expect(tail.bytes).toBe(0);
  expect(read(tail, 4, 5)).toBeNull();
});

test('a tail that nobody reads is let go, and kept again from the first reader on', () => {
  const tail = new Tail(new TailBudget(KIB * KIB, 10 * KIB));
  const addAll = (from: number, to: number): void => {
    for (let offset = from; offset < to; offset++) add(tail, batch(offset, KIB, false));
  };
  const bytesFrom = (offset: number): number | undefined => read(tail, offset, 1000)?.byteLength;
  addAll(0, 5);
  expect(bytesFrom(0)).toBe(5 * KIB);
  // As much as it may hold, unread: it holds that.
  addAll(5, 15);
  expect(tail.bytes).toBe(10 * KIB);
  addAll(15, 17);
  expect(tail.bytes).toBe(0);
  addAll(17, 100);
  expect(tail.bytes).toBe(0);
  expect(bytesFrom(99)).toBeUndefined();
  addAll(100, 103);
  expect(bytesFrom(101)).toBe(2 * KIB);
});
