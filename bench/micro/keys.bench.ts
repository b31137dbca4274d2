// Keys: which partition one goes to, and the map of them that a compaction pass fills and asks.

import { createHash } from 'node:crypto';
import { Bench } from 'tinybench';
import { partitionForKey } from '../../src/base/murmur2.ts';
import { loadXxHash64 } from '../../src/base/xxhash.ts';
import { KeyMap } from '../../src/storage/compaction/key-map.ts';
import { sink, type Timing } from './timing.ts';

const KEYS = 1000;
const MAP_BYTES = 64 * 1024 * 1024;
const FILLED = 200_000;

const keysOf = (count: number, bytes: number): Buffer[] =>
  Array.from({ length: count }, (_, index) =>
    createHash('sha512').update(String(index)).digest().subarray(0, bytes),
  );

/** An operation is 1,000 keys. */
export async function keysSuite(timing: Timing): Promise<Bench> {
  const { hash } = await loadXxHash64();
  const bench = new Bench(timing);
  for (const bytes of [8, 16, 64]) {
    const keys = keysOf(KEYS, bytes);
    bench.add(`partition for 1,000 keys of ${bytes} B`, () => {
      for (const key of keys) sink.value += partitionForKey(key, 12);
    });
    bench.add(`put 1,000 new keys of ${bytes} B into an empty key map`, () => {
      const map = new KeyMap({ bytesMax: MAP_BYTES, hash: (key) => hash(key) });
      for (const [offset, key] of keys.entries()) map.put(key, offset);
      sink.value += map.size;
    });
  }
  const map = new KeyMap({ bytesMax: MAP_BYTES, hash: (key) => hash(key) });
  const many = keysOf(FILLED, 16);
  for (const [offset, key] of many.entries()) map.put(key, offset);
  const asked = many.filter((_, index) => index % (FILLED / KEYS) === 0);
  bench.add(`look 1,000 keys up among ${FILLED}`, () => {
    for (const key of asked) sink.value += map.get(key);
  });
  bench.add(`put 1,000 known keys among ${FILLED}`, () => {
    for (const key of asked) map.put(key, FILLED + sink.value);
  });
  return bench;
}
