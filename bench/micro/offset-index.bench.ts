// Looking an offset up in a segment's index: pairs in one Int32Array (what we do), against an array of objects and
// against file bytes read with readInt32BE.

import { Bench } from 'tinybench';
import { OffsetIndex } from '../../src/storage/index.ts';
import { sink, type Timing } from './timing.ts';

/** A full index of a 1 GiB segment: one entry for each 4 KiB. */
const ENTRIES = 262_144;
const LOOKUPS = 1000;

const index = new OffsetIndex();
const objects: { readonly offset: number; readonly position: number }[] = [];
for (let entry = 0; entry < ENTRIES; entry++) {
  index.append(entry * 5 + 4, entry * 4096);
  objects.push({ offset: entry * 5 + 4, position: entry * 4096 });
}
const bytes = index.encode();
const wanted = Array.from({ length: LOOKUPS }, (_, i) => (i * 7_919_993) % (ENTRIES * 5));

function floorOfObjects(offset: number): number {
  let low = 0;
  let high = objects.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((objects[middle]?.offset ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function floorOfBytes(offset: number): number {
  let low = 0;
  let high = bytes.length / 8;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bytes.readInt32BE(middle * 8) <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** An operation is 1,000 look-ups, or decoding a whole file. */
export function offsetIndexSuite(timing: Timing): Bench {
  const bench = new Bench(timing);
  bench.add(`typed array, ${LOOKUPS} look-ups`, () => {
    for (const offset of wanted) sink.value += index.floor(offset);
  });
  bench.add(`objects, ${LOOKUPS} look-ups`, () => {
    for (const offset of wanted) sink.value += floorOfObjects(offset);
  });
  bench.add(`file bytes, ${LOOKUPS} look-ups`, () => {
    for (const offset of wanted) sink.value += floorOfBytes(offset);
  });
  bench.add('decode a whole index file', () => {
    sink.value += OffsetIndex.decode(bytes, 0x7fff_ffff).index.count;
  });
  return bench;
}
