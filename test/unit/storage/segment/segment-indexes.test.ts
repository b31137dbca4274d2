// A segment's indexes: what is in memory and what the files hold never contradict each other.

import { describe, expect, test } from 'vitest';
import { OffsetIndex } from '../../../../src/storage/segment/offset-index.ts';
import { SegmentIndexes } from '../../../../src/storage/segment/segment-indexes.ts';
import { TimeIndex } from '../../../../src/storage/segment/time-index.ts';

const broken = /invariant broken/;
const BASE = 100;

/** So many entries, one for each offset from the base on. */
function entries(count: number) {
  const [offsets, times] = [new OffsetIndex(), new TimeIndex()];
  for (let entry = 0; entry < count; entry++) {
    offsets.append(entry, entry * 10);
    times.append(1000 + entry, entry);
  }
  return { offsets, times };
}

/** Of a segment with so many batches of 10 bytes; each but the first has an entry. */
function indexesOf(batches: number): SegmentIndexes {
  const indexes = new SegmentIndexes(BASE);
  trackAll(indexes, batches);
  return indexes;
}

function trackAll(indexes: SegmentIndexes, batches: number, from = 0): void {
  for (let index = from; index < from + batches; index++) {
    const batch = { lastOffset: BASE + index, bytes: 10, maxTimestamp: 1000 + index };
    indexes.track(batch, index * 10, 0);
  }
}

const newestOf = ({ maxTimestamp, maxTimestampOffset }: SegmentIndexes) => [
  maxTimestamp,
  maxTimestampOffset,
];
const none = { maxTimestamp: -1, maxTimestampOffset: BASE };

describe('indexes in memory', () => {
  test('grow with what is tracked, and know the newest batch', () => {
    const indexes = indexesOf(5);
    expect(indexes.offsets.count).toBe(4);
    expect([indexes.offsets.offsetAt(3), indexes.offsets.positionAt(3)]).toEqual([4, 40]);
    expect(newestOf(indexes)).toEqual([1004, BASE + 4]);
  });

  test('are finished by their newest time', () => {
    const indexes = new SegmentIndexes(BASE);
    indexes.track({ lastOffset: BASE, bytes: 10, maxTimestamp: 1000 }, 0, 4096);
    expect(indexes.times.count).toBe(0);
    indexes.finish();
    expect([indexes.times.count, indexes.times.timestampAt(0)]).toEqual([1, 1000]);
    expect(() => SegmentIndexes.inFiles(BASE, none).finish()).toThrow(broken);
  });

  test('stay finished when they were made anew from what was there before', () => {
    const indexes = indexesOf(5);
    indexes.finish();
    const older = { maxTimestamp: 1002, maxTimestampOffset: BASE + 2 };
    indexes.rebuilt(entries(3), older, BASE + 3);
    const { times } = indexes;
    expect([times.timestampAt(times.count - 1), times.offsetAt(times.count - 1)]).toEqual([
      1004, 4,
    ]);
  });

  test('are not taken from files', () => {
    const indexes = indexesOf(5);
    expect(() => indexes.loaded(entries(2))).toThrow(broken);
    expect(() => indexes.leaveEmpty()).toThrow(broken);
    expect(() => indexes.resumed(entries(2), { offsets: 2, times: 2 }, none)).toThrow(broken);
    expect(indexes.offsets.count).toBe(4);
  });

  test('are kept until the files hold them', () => {
    const indexes = indexesOf(5);
    indexes.drop();
    expect(indexes.inMemory).toBe(true);
    indexes.saved(indexes.unsaved());
    indexes.drop();
    expect([indexes.inMemory, indexes.offsets.count]).toEqual([false, 0]);
  });
});

describe('what is saved', () => {
  test('is what was to be written, and the rest is next', () => {
    const indexes = indexesOf(5);
    const first = indexes.unsaved();
    trackAll(indexes, 2, 5);
    expect(indexes.saved(first)).toBe(true);
    expect(indexes.unsaved()).toMatchObject({ offsetsFrom: 4, offsetsTo: 6 });
    indexes.drop();
    expect(indexes.inMemory).toBe(true);
  });

  test('does not count when the indexes were made anew meanwhile', () => {
    const indexes = indexesOf(5);
    const wrong = indexes.unsaved();
    indexes.rebuilt(entries(3), none, 0);
    expect(indexes.saved(wrong)).toBe(false);
    expect(indexes.unsaved()).toMatchObject({ offsetsFrom: 0, offsetsTo: 3 });
  });

  test('is not taken back', () => {
    const indexes = indexesOf(5);
    const first = indexes.unsaved();
    trackAll(indexes, 2, 5);
    indexes.saved(indexes.unsaved());
    expect(() => indexes.saved(first)).toThrow(broken);
  });

  test('is no more than was read', () => {
    const resumed = (offsets: number, times: number) =>
      new SegmentIndexes(BASE).resumed(entries(2), { offsets, times }, none);
    expect(() => resumed(3, 2)).toThrow(broken);
    expect(() => resumed(2, 3)).toThrow(broken);
    resumed(2, 0);
  });
});

describe('the newest batch', () => {
  test('is adopted from the times of a file where it is not known for sure', () => {
    const found = SegmentIndexes.inFiles(BASE, null);
    found.loaded(entries(3));
    expect(newestOf(found)).toEqual([1002, BASE + 2]);
    expect([found.timesProven, found.timesLoaded]).toEqual([false, true]);
    const known = SegmentIndexes.inFiles(BASE, { maxTimestamp: 5, maxTimestampOffset: BASE });
    known.loaded(entries(3));
    expect(newestOf(known)).toEqual([5, BASE]);
  });

  test('stays where it was appended while the indexes were made anew', () => {
    const indexes = indexesOf(5);
    const older = { maxTimestamp: 1002, maxTimestampOffset: BASE + 2 };
    indexes.rebuilt(entries(3), older, BASE + 3);
    expect(newestOf(indexes)).toEqual([1004, BASE + 4]);
    indexes.rebuilt(entries(3), older, Number.POSITIVE_INFINITY);
    expect(newestOf(indexes)).toEqual([1002, BASE + 2]);
  });
});

test('that something was looked up is told once', () => {
  const indexes = indexesOf(1);
  expect(indexes.takeLookedUp()).toBe(false);
  indexes.lookUp();
  expect([indexes.takeLookedUp(), indexes.takeLookedUp()]).toEqual([true, false]);
});
