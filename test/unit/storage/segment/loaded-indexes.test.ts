import { expect, test } from 'vitest';
import { LoadedIndexes } from '../../../../src/storage/segment/loaded-indexes.ts';
import { OffsetIndex } from '../../../../src/storage/segment/offset-index.ts';
import { Segment } from '../../../../src/storage/segment/segment.ts';
import { TimeIndex } from '../../../../src/storage/segment/time-index.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { openStore, testBatch, testConfig } from '../support.ts';

const ENTRIES = 10_000;

/** A finished segment whose files hold its indexes, or, where they were rebuilt, do not. */
function loaded(baseOffset: number, isSaved = true): Segment {
  const segment = Segment.finished('t-0', { baseOffset, bytes: ENTRIES, modifiedMs: 0 }, null);
  const entries = { offsets: new OffsetIndex(), times: new TimeIndex() };
  for (let entry = 0; entry < ENTRIES; entry++) entries.offsets.append(entry, entry);
  const newest = { maxTimestamp: -1, maxTimestampOffset: baseOffset };
  if (isSaved) segment.indexes.loaded(entries);
  else segment.indexes.rebuilt(entries, newest, Number.POSITIVE_INFINITY);
  segment.indexes.lookUp();
  return segment;
}

const isInMemory = (segment: Segment) => segment.indexes.inMemory;

/** For three of {@link loaded}. */
function roomForThree(): LoadedIndexes {
  return new LoadedIndexes(3.5 * loaded(0).indexes.bytes);
}

test('where there is no room for more, the oldest go', () => {
  const indexes = roomForThree();
  const segments = [0, 1, 2, 3, 4].map((base) => loaded(base));
  for (const segment of segments) indexes.add(segment);
  expect(segments.map(isInMemory)).toEqual([false, false, true, true, true]);
  expect(segments.map(({ indexes: { offsets } }) => offsets.count)).toEqual([
    0,
    0,
    ENTRIES,
    ENTRIES,
    ENTRIES,
  ]);
});

test('those stay in which something was looked up since they were considered last', () => {
  const indexes = roomForThree();
  const segments = [0, 1, 2, 3].map((base) => loaded(base));
  for (const segment of segments) indexes.add(segment);
  (segments[1] as Segment).indexes.lookUp();
  indexes.add(loaded(4));
  expect(segments.map(isInMemory)).toEqual([false, true, false, true]);
});

test('what the files do not hold stays, and takes no room from others', () => {
  const indexes = roomForThree();
  const rebuilt = loaded(0, false);
  indexes.add(rebuilt);
  const segments = [1, 2, 3].map((base) => loaded(base));
  for (const segment of segments) indexes.add(segment);
  expect([rebuilt, ...segments].every(isInMemory)).toBe(true);
});

test('a log of which more is read than there is room for loads them again', async () => {
  const disk = new SimulatedDisk({ seed: 1 });
  const open = async () => {
    const store = await openStore(disk, { tailBytesMax: 0, indexBytesMax: 1 });
    const log = await store.openLog({ name: 't-0', topicId: 'id', config: testConfig });
    return { store, log };
  };
  const before = await open();
  for (let index = 0; index < 100; index++) await before.log.append(testBatch(index)).committed;
  await before.store.close();
  const { store, log } = await open();
  const read: number[] = [];
  disk.hook = (operation, path) => {
    if (operation === 'open' && path.endsWith('.index')) read.push(Number(path.slice(4, 24)));
  };
  const limit = log.highWatermark;
  const first = async (offset: number): Promise<number> => {
    const { records } = await log.read({ offset, limit, maxBytes: 1, minOneBatch: true });
    return Number((records as Buffer).readBigInt64BE(0));
  };
  const segments = (await disk.list('t-0')).filter((name) => name.endsWith('.log'));
  const [a, b] = segments.map((name) => Number.parseInt(name, 10)) as [number, number];
  for (const offset of [a + 30, a + 9, b + 30, a + 30]) expect(await first(offset)).toBe(offset);
  expect(read).toEqual([a, b, a]);
  await store.close();
});
