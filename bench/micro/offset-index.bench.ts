// Looking an offset up in a segment's index: pairs in one Int32Array (what we do), against an array of objects and
// against file bytes read with readInt32BE. Run: node dist/bench/micro/offset-index.bench.js

import { Bench } from 'tinybench';
import { OffsetIndex } from '../../src/storage/index.ts';

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

let sum = 0;
const bench = new Bench({ time: 500, warmupTime: 100 });
bench.add(`typed array, ${LOOKUPS} lookups`, () => {
  for (const offset of wanted) sum += index.floor(offset);
});
bench.add(`objects, ${LOOKUPS} lookups`, () => {
  for (const offset of wanted) sum += floorOfObjects(offset);
});
bench.add(`file bytes, ${LOOKUPS} lookups`, () => {
  for (const offset of wanted) sum += floorOfBytes(offset);
});
bench.add('decode a whole index file', () => {
  sum += OffsetIndex.decode(bytes, 0x7fff_ffff).index.count;
});
await bench.run();
const rows = bench.tasks.map(({ name, result }) => {
  const micros = 'latency' in result ? result.latency.mean * 1000 : Number.NaN;
  return `${name.padEnd(36)} ${micros.toFixed(1).padStart(9)} µs\n`;
});
process.stdout.write(`${rows.join('')}(checksum ${sum})\n`);
