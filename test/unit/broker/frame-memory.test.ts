import { expect, test } from 'vitest';
import { MemoryLease } from '../../../src/base/memory-pool.ts';
import { FrameMemory } from '../../../src/broker/frame-memory.ts';
import { fc } from '../../support/fast-check.ts';

const PRODUCE = 0;
const FETCH = 1;

test('a frame that was given back is used again for one of about its size', () => {
  const memory = new FrameMemory(PRODUCE);
  const first = memory.take(100_000, PRODUCE);
  expect(first.byteLength).toBe(100_000);
  memory.give(first);
  const second = memory.take(120_000, PRODUCE);
  expect(second.byteLength).toBe(120_000);
  expect(second.buffer).toBe(first.buffer);
});

test('frames that are out never share memory', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 300_000 }), keep: fc.nat(3) })),
      (steps) => {
        const memory = new FrameMemory(PRODUCE);
        let out: Buffer[] = [];
        for (const { bytes, keep } of steps) {
          const frame = memory.take(bytes, PRODUCE);
          expect(frame.byteLength).toBe(bytes);
          const [from, to] = [frame.byteOffset, frame.byteOffset + bytes];
          for (const other of out) {
            if (other.buffer !== frame.buffer) continue;
            const apart = other.byteOffset >= to || other.byteOffset + other.byteLength <= from;
            expect(apart).toBe(true);
          }
          out.push(frame);
          for (const gone of out.slice(keep)) memory.give(gone);
          out = out.slice(0, keep);
        }
      },
    ),
  );
});

test('a frame given back twice is lent once', () => {
  const memory = new FrameMemory(PRODUCE);
  const frame = memory.take(10_000, PRODUCE);
  memory.give(frame);
  memory.give(frame);
  const [one, other] = [memory.take(10_000, PRODUCE), memory.take(10_000, PRODUCE)];
  expect(one.buffer).not.toBe(other.buffer);
});

test("frames of other kinds, small ones and strangers' memory are not kept", () => {
  const memory = new FrameMemory(PRODUCE);
  memory.give(memory.take(100_000, FETCH));
  memory.give(memory.take(100_000, -1));
  memory.give(memory.take(100, PRODUCE));
  memory.give(memory.take(64 * 1024 * 1024, PRODUCE));
  memory.give(Buffer.alloc(1024 * 1024 + 1024));
  expect(memory.keptBytes).toBe(0);
});

test('what lies unused is bounded, and let go when it is not needed', () => {
  const memory = new FrameMemory(PRODUCE);
  const frames = Array.from({ length: 100 }, () => memory.take(1024 * 1024, PRODUCE));
  for (const frame of frames) memory.give(frame);
  const most = memory.keptBytes;
  expect(most).toBeGreaterThan(16 * 1024 * 1024);
  expect(most).toBeLessThanOrEqual(32 * 1024 * 1024);
  memory.trim();
  // One at a time was needed since.
  memory.give(memory.take(1024 * 1024, PRODUCE));
  memory.trim();
  expect(memory.keptBytes).toBe(1024 * 1024 + 1024);
  memory.trim();
  expect(memory.keptBytes).toBe(0);
});

test('a lease gives its frame back with the last user', () => {
  const given: Buffer[] = [];
  const source = {
    take: (bytes: number) => Buffer.alloc(bytes),
    give: (frame: Buffer) => given.push(frame),
  };
  const frame = Buffer.alloc(5);
  const lease = new MemoryLease(source, frame);
  lease.hold();
  lease.drop();
  expect(given).toEqual([]);
  lease.drop();
  expect(given).toEqual([frame]);
});

test('small frames share memory that is used again once all of them are back', () => {
  const memory = new FrameMemory(PRODUCE);
  const [one, other] = [memory.take(1000, PRODUCE), memory.take(1000, PRODUCE)];
  expect(other.buffer).toBe(one.buffer);
  expect(other.byteOffset).toBe(one.byteOffset + 1000);
  memory.give(one);
  // One is still out: nothing before its end is lent.
  expect(memory.take(10, PRODUCE).byteOffset).toBe(2000);
  const kept = new Set<ArrayBufferLike>();
  for (let round = 0; round < 1000; round++) {
    const frames = Array.from({ length: 100 }, () => memory.take(1000, PRODUCE));
    for (const frame of frames) kept.add(frame.buffer);
    for (const frame of frames) memory.give(frame);
  }
  expect(kept.size).toBeLessThan(6);
});
