import { describe, expect, test } from 'vitest';
import { SegmentList } from '../../../../src/storage/log/segment-list.ts';
import { CleanedSegments } from '../../../../src/storage/metadata/cleaned-segments.ts';
import { Segment } from '../../../../src/storage/segment/segment.ts';

/** A segment of 100 bytes, all written. */
function segmentAt(baseOffset: number): Segment {
  return Segment.finished('t-0', { baseOffset, bytes: 100, modifiedMs: 0 }, null);
}

function listOf(...bases: number[]): SegmentList {
  return new SegmentList({ segments: bases.map(segmentAt), damaged: [], cleaned: null });
}

function damageIn(segmentBaseOffset: number) {
  return { firstOffset: segmentBaseOffset, lastOffset: segmentBaseOffset, segmentBaseOffset };
}

const bases = (list: SegmentList) => list.all.map(({ baseOffset }) => baseOffset);
/** What readers may see of each segment. */
const readable = (list: SegmentList) => list.all.map((one) => list.readable(one, one.written));
const broken = /invariant broken/;

describe('segments', () => {
  test('are in order, and there is one', () => {
    expect(() => listOf()).toThrow(broken);
    expect(() => listOf(10, 10)).toThrow(broken);
    expect(() => listOf(20, 10)).toThrow(broken);
    expect(() => listOf(0, 10).roll(segmentAt(10))).toThrow(broken);
  });

  test('know where the next one begins, also when they are gone', () => {
    const list = listOf(0, 10);
    const [first, second] = list.all as [Segment, Segment];
    expect([first.nextBaseOffset, second.nextBaseOffset]).toEqual([10, -1]);
    list.roll(segmentAt(20));
    list.dropOldest(2);
    expect([first.nextBaseOffset, second.nextBaseOffset]).toEqual([10, 20]);
  });

  test('are held until they are dropped, exchanged or others are installed', () => {
    const list = listOf(0, 10, 20);
    const [first, second, third] = list.all as [Segment, Segment, Segment];
    list.dropOldest(1);
    expect([list.holds(first), first.removed]).toEqual([false, true]);
    list.exchange([{ baseOffset: 10, bytes: 100, replaces: [10] }], [segmentAt(10)]);
    expect([list.holds(second), second.removed]).toEqual([false, true]);
    expect(list.holds(third)).toBe(true);
    list.install({ segments: [segmentAt(20)], damaged: [], cleaned: null });
    expect(list.holds(third)).toBe(false);
  });

  test('are found by an offset', () => {
    const list = listOf(10, 20, 30);
    expect([5, 10, 19, 20, 99].map((offset) => list.indexFor(offset))).toEqual([0, 0, 0, 1, 2]);
  });
});

describe('the high watermark', () => {
  test('is where the last one ends that was found', () => {
    expect(readable(listOf(0, 10))).toEqual([100, 100]);
  });

  test('lets readers see what is before it', () => {
    const list = listOf(0, 10, 20);
    list.moveWatermark(list.all[1] as Segment, 40);
    expect(readable(list)).toEqual([100, 40, 0]);
  });

  test('lies in a segment of the log, within what is written', () => {
    const list = listOf(0, 10);
    expect(() => list.moveWatermark(segmentAt(10), 0)).toThrow(broken);
    expect(() => list.moveWatermark(list.active, 101)).toThrow(broken);
  });

  test('goes on in the segment behind those that were dropped', () => {
    const list = listOf(0, 10);
    const rolled = segmentAt(20);
    list.roll(rolled);
    list.dropOldest(2);
    expect(readable(list)).toEqual([0]);
    list.moveWatermark(rolled, 60);
    expect(readable(list)).toEqual([60]);
  });

  test('stays in a segment behind the dropped ones', () => {
    const list = listOf(0, 10, 20);
    list.moveWatermark(list.all[1] as Segment, 40);
    list.dropOldest(1);
    expect(readable(list)).toEqual([40, 0]);
  });

  test('goes on in the segment behind those that were exchanged', () => {
    const list = listOf(0, 10, 20);
    list.moveWatermark(list.all[1] as Segment, 100);
    list.exchange([{ baseOffset: 0, bytes: 100, replaces: [0, 10] }], [segmentAt(0)]);
    expect(bases(list)).toEqual([0, 20]);
    expect(readable(list)).toEqual([100, 0]);
  });
});

describe('what goes by the segments', () => {
  test('goes with those that are dropped', () => {
    const list = listOf(0, 10, 20);
    for (const base of [0, 10]) list.addDamage({ ...damageIn(base), position: 0, bytes: 10 });
    expect(bases(list)).toEqual([0, 10, 20]);
    list.dropOldest(1);
    expect(list.damaged).toMatchObject([damageIn(10)]);
  });

  test('goes with those that are exchanged, and what compaction left is noted', () => {
    const list = listOf(0, 10, 20, 30);
    for (const base of [0, 10, 20]) list.addDamage({ ...damageIn(base), position: 0, bytes: 10 });
    const swapped = [
      { baseOffset: 0, bytes: 100, replaces: [0] },
      { baseOffset: 10, bytes: -1, replaces: [10] },
    ];
    list.exchange(swapped, [segmentAt(0)]);
    expect(bases(list)).toEqual([0, 20, 30]);
    expect(list.damaged).toMatchObject([damageIn(20)]);
    expect(list.cleaned).toBeInstanceOf(CleanedSegments);
    // Nothing is missing behind the first: what compaction left of the second ends where the third begins.
    expect(list.cleaned?.accountsTo({ baseOffset: 0, bytes: 100 }, 5)).toBe(20);
  });
});

describe('the last segment stays', () => {
  test('when old ones are dropped', () => {
    const list = listOf(0, 10);
    expect(() => list.dropOldest(2)).toThrow(broken);
    expect(bases(list)).toEqual([0, 10]);
  });

  test('when others are exchanged', () => {
    const list = listOf(0, 10);
    const swapped = [{ baseOffset: 0, bytes: 100, replaces: [0, 10] }];
    expect(() => list.exchange(swapped, [segmentAt(0)])).toThrow(broken);
    expect(bases(list)).toEqual([0, 10]);
    expect(list.all.some(({ removed }) => removed)).toBe(false);
  });
});
