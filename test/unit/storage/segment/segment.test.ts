// A segment changes by its steps alone, and refuses one that would contradict the rest.

import { describe, expect, test } from 'vitest';
import { Segment } from '../../../../src/storage/segment/segment.ts';

const broken = /invariant broken/;

/** With a file of which so much is given out, written and synced. */
function segmentWith(size: number, written = size, synced = written): Segment {
  const segment = new Segment('t-0', 100, 0);
  segment.made();
  if (size > 0) track(segment, 100, size);
  if (written > 0) segment.wrote(0, written, 0);
  segment.syncedTo(synced);
  return segment;
}

function track(segment: Segment, offset: number, bytes: number, maxTimestamp = 1000): void {
  segment.track({ baseOffset: offset, lastOffset: offset, bytes, maxTimestamp }, 4096);
}

const bytesOf = ({ size, written, synced }: Segment) => [size, written, synced];

describe('bytes', () => {
  test('are given out, written and synced, in this order', () => {
    const segment = new Segment('t-0', 100, 0);
    segment.made();
    track(segment, 100, 50);
    expect(bytesOf(segment)).toEqual([50, 0, 0]);
    segment.wrote(0, 50, 0);
    expect(bytesOf(segment)).toEqual([50, 50, 0]);
    expect([segment.dirty, segment.verified.covers(0, 50)]).toEqual([true, true]);
    segment.syncedTo(50);
    expect(bytesOf(segment)).toEqual([50, 50, 50]);
    expect(segment.dirty).toBe(false);
  });

  test('that were not given out are not written', () => {
    const segment = segmentWith(50, 0);
    expect(() => segment.wrote(0, 51, 0)).toThrow(broken);
    expect(bytesOf(segment)).toEqual([50, 0, 0]);
  });

  test('are written in a row', () => {
    const segment = segmentWith(50, 20);
    expect(() => segment.wrote(30, 50, 0)).toThrow(broken);
    expect(() => segment.wrote(10, 50, 0)).toThrow(broken);
    segment.wrote(20, 50, 0);
  });

  test('that are not written are not synced', () => {
    const segment = segmentWith(50, 20, 0);
    expect(() => segment.syncedTo(21)).toThrow(broken);
    segment.syncedTo(20);
    // An older sync that ends later takes nothing back.
    segment.syncedTo(10);
    expect(bytesOf(segment)).toEqual([50, 20, 20]);
  });

  test('go into a file that is there', () => {
    const segment = new Segment('t-0', 100, 0);
    track(segment, 100, 50);
    expect(() => segment.writeBegins()).toThrow(broken);
    expect(() => segment.wrote(0, 50, 0)).toThrow(broken);
    segment.made();
    expect(() => segment.made()).toThrow(broken);
    segment.writeBegins();
    expect(() => segment.writeBegins()).toThrow(broken);
    segment.writeEnds();
    segment.wrote(0, 50, 0);
  });

  test('that a recovery found count as synced when it says so, damage with them', () => {
    const segment = Segment.scanned('t-0', 100, 0);
    segment.resumeAt(30);
    track(segment, 100, 50);
    segment.pass(20);
    expect(bytesOf(segment)).toEqual([100, 0, 0]);
    segment.settled();
    expect(bytesOf(segment)).toEqual([100, 100, 100]);
    expect(() => segment.settled()).toThrow(broken);
    expect(() => segment.pass(1)).toThrow(broken);
    expect(() => segment.resumeAt(100)).toThrow(broken);
  });
});

describe('a segment is finished', () => {
  test.each([
    ['with bytes to be written', segmentWith(50, 20)],
    ['with bytes to be synced', segmentWith(50, 50, 20)],
    ['without a file', new Segment('t-0', 100, 0)],
  ])('not %s', (_what, segment) => {
    expect(() => segment.seal()).toThrow(broken);
    expect(segment.sealed).toBe(false);
  });

  test('not while it is being written', () => {
    const segment = segmentWith(50);
    segment.writeBegins();
    expect(() => segment.seal()).toThrow(broken);
    segment.writeEnds();
    segment.seal();
  });

  test('once, and is not written any more', () => {
    const segment = segmentWith(50);
    segment.seal();
    expect(() => segment.seal()).toThrow(broken);
    expect(() => segment.writeBegins()).toThrow(broken);
    track(segment, 101, 10);
    expect(() => segment.wrote(50, 60, 0)).toThrow(broken);
  });

  test('before its indexes leave the memory', () => {
    const segment = segmentWith(50);
    segment.dropIndexes();
    expect(segment.indexes.inMemory).toBe(true);
    segment.seal();
    segment.dropIndexes();
    expect(segment.indexes.inMemory).toBe(false);
  });
});

describe('the place in the log', () => {
  test('is before the segment that follows', () => {
    const segment = segmentWith(50);
    expect(() => segment.followedBy(100)).toThrow(broken);
    segment.followedBy(120);
    expect(segment.nextBaseOffset).toBe(120);
  });

  test('is given up once', () => {
    const segment = segmentWith(50);
    segment.remove();
    expect(() => segment.remove()).toThrow(broken);
    expect(() => segment.followedBy(120)).toThrow(broken);
  });

  test('is looked at where something follows, and all is written', () => {
    const last = segmentWith(50);
    expect(() => last.proveEnd()).toThrow(broken);
    const unwritten = segmentWith(50, 20);
    unwritten.followedBy(120);
    expect(() => unwritten.proveEnd()).toThrow(broken);
    unwritten.wrote(20, 50, 0);
    unwritten.proveEnd();
    expect(unwritten.endProven).toBe(true);
  });
});

describe('the first timestamp', () => {
  test('is the first batch’s, and is learnt where that was not tracked', () => {
    const segment = segmentWith(50);
    expect(segment.firstTimestamp).toBe(1000);
    expect(() => segment.learnFirstTimestamp(900)).toThrow(broken);
    const found = Segment.finished('t-0', { baseOffset: 0, bytes: 50, modifiedMs: 0 }, null);
    expect(found.firstTimestamp).toBe(-1);
    found.learnFirstTimestamp(900);
    expect(found.firstTimestamp).toBe(900);
  });
});
