import { describe, expect, test } from 'vitest';
import { LogOffsets } from '../../../../src/storage/log/log-offsets.ts';

/** Ten offsets placed, of which six are written. */
function atWork(): LogOffsets {
  const offsets = new LogOffsets({ startOffset: 0, endOffset: 0 });
  offsets.placed(9);
  offsets.written(6);
  return offsets;
}

function seen({ startOffset, highWatermark, durableEnd, writtenEnd, endOffset }: LogOffsets) {
  return { startOffset, highWatermark, durableEnd, writtenEnd, endOffset };
}

describe('a batch on its way', () => {
  test('is placed, written, durable, committed and falls below the start', () => {
    const offsets = atWork();
    offsets.durable(6);
    expect(offsets.commit(6)).toBe(true);
    expect(offsets.raiseStart(3)).toBe(true);
    expect(seen(offsets)).toEqual({
      startOffset: 3,
      highWatermark: 6,
      durableEnd: 6,
      writtenEnd: 6,
      endOffset: 10,
    });
  });

  test('with the os policy is committed before it is durable', () => {
    const offsets = atWork();
    offsets.commit(6);
    expect(offsets.durableEnd).toBe(0);
  });

  test('what was so before changes nothing', () => {
    const offsets = atWork();
    offsets.durable(6);
    offsets.commit(6);
    offsets.raiseStart(3);
    const before = seen(offsets);
    offsets.durable(3);
    expect(offsets.commit(6)).toBe(false);
    expect(offsets.raiseStart(2)).toBe(false);
    expect(seen(offsets)).toEqual(before);
  });
});

describe('out of order', () => {
  const broken = /invariant broken/;

  test('a log cannot begin', () => {
    expect(() => new LogOffsets({ startOffset: 5, endOffset: 4 })).toThrow(broken);
  });

  test('nothing is written that was not placed, nor twice', () => {
    expect(() => atWork().written(11)).toThrow(broken);
    expect(() => atWork().written(6)).toThrow(broken);
  });

  test('nothing is durable or committed that is not written', () => {
    expect(() => atWork().durable(7)).toThrow(broken);
    expect(() => atWork().commit(7)).toThrow(broken);
  });

  test('nothing is taken away that readers were not offered', () => {
    const offsets = atWork();
    offsets.commit(3);
    expect(() => offsets.raiseStart(4)).toThrow(broken);
  });

  test('is told with all offsets, and changes nothing', () => {
    const offsets = atWork();
    const before = seen(offsets);
    expect(() => offsets.durable(7)).toThrow(
      'durable up to 7, with start 0, high watermark 0, durable end 0, written end 6 and end 10',
    );
    expect(seen(offsets)).toEqual(before);
  });
});

describe('after a failure', () => {
  test('what was found is written and durable, and what readers did not see yet is to be committed', () => {
    const offsets = atWork();
    offsets.commit(3);
    offsets.restart({ startOffset: 0, endOffset: 5 });
    expect(seen(offsets)).toEqual({
      startOffset: 0,
      highWatermark: 3,
      durableEnd: 5,
      writtenEnd: 5,
      endOffset: 5,
    });
  });

  test('readers see no more than was found, and the start stays where it was raised to', () => {
    const offsets = atWork();
    offsets.commit(6);
    offsets.raiseStart(2);
    offsets.restart({ startOffset: 0, endOffset: 4 });
    expect(offsets.startOffset).toBe(2);
    expect(offsets.highWatermark).toBe(4);
  });

  test('a log does not end below its start', () => {
    const offsets = atWork();
    offsets.commit(6);
    offsets.raiseStart(5);
    expect(() => offsets.restart({ startOffset: 0, endOffset: 4 })).toThrow('invariant broken');
  });

  test('a view for readers leaves the ends that a restart goes by', () => {
    const offsets = atWork();
    offsets.durable(4);
    offsets.commit(6);
    offsets.show({ startOffset: 1, endOffset: 4 });
    expect(seen(offsets)).toEqual({
      startOffset: 1,
      highWatermark: 4,
      durableEnd: 4,
      writtenEnd: 6,
      endOffset: 10,
    });
  });
});
