import { expect, test } from 'vitest';
import { groupSegments, planCompaction } from '../../../../src/storage/compaction/plan.ts';

const config = {
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  deleteRetentionMs: 0,
};

function segments(...bytes: number[]) {
  return bytes.map((size, index) => ({
    baseOffset: index * 10,
    nextOffset: index * 10 + 10,
    bytes: size,
    indexBytes: 8,
    firstTimestamp: index * 1_000,
    maxTimestamp: index * 1_000 + 500,
  }));
}

const state = {
  segments: segments(100, 100, 100),
  firstDirtyOffset: 0,
  stableOffset: 30,
  nowMs: 5_000,
};

test('a log is compacted when enough of it is dirty', () => {
  expect(planCompaction(state, config)).toMatchObject({
    dirtyRatio: 1,
    endOffset: 30,
    reason: 'dirty-ratio',
  });
  expect(planCompaction({ ...state, firstDirtyOffset: 20 }, config)).toBeNull();
  expect(planCompaction({ ...state, firstDirtyOffset: 30 }, config)).toBeNull();
  expect(planCompaction({ ...state, segments: [] }, config)).toBeNull();
});

test('segments above the stable offset or younger than the lag are left alone', () => {
  expect(planCompaction({ ...state, stableOffset: 25 }, config)?.endOffset).toBe(20);
  const lag = { ...config, minCompactionLagMs: 4_500 };
  expect(planCompaction(state, lag)?.endOffset).toBe(10);
  expect(planCompaction({ ...state, stableOffset: 5 }, config)).toBeNull();
});

test('max.compaction.lag.ms compacts a log that is hardly dirty', () => {
  const dirty = { ...state, firstDirtyOffset: 20 };
  expect(planCompaction(dirty, { ...config, maxCompactionLagMs: 2_999 })?.reason).toBe('max-lag');
  expect(planCompaction(dirty, { ...config, maxCompactionLagMs: 3_000 })).toBeNull();
});

test('neighbours are grouped up to the size of a segment, its index and its offsets', () => {
  const limits = { segmentBytes: 250, segmentIndexBytes: 100 };
  const sizes = groupSegments(segments(100, 100, 100, 300, 10), limits).map(
    (group) => group.length,
  );
  expect(sizes).toEqual([2, 1, 1, 1]);
  const index = groupSegments(segments(1, 1, 1), { segmentBytes: 250, segmentIndexBytes: 16 });
  expect(index.map((group) => group.length)).toEqual([2, 1]);
  const far = segments(1, 1).map((segment, i) => ({
    ...segment,
    nextOffset: i === 0 ? 10 : 2 ** 31 + 1,
  }));
  expect(groupSegments(far, limits)).toHaveLength(2);
});
