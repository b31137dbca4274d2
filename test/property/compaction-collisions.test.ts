// Keys built to have one and the same xxhash64: each of its 8-byte lanes goes through a mapping that can be turned
// round, so for any first half of a 16-byte key there is a second half that leads to a hash of our choice.

import { expect, test } from 'vitest';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { loadXxHash64 } from '../../src/base/xxhash.ts';
import { buildBatch, readRecords } from '../../src/record/index.ts';
import { KeyMap } from '../../src/storage/compaction/key-map.ts';
import { type CompactionJob, MemoryDisk, runCompaction } from '../../src/storage/index.ts';

const PRIME1 = 0x9e3779b185ebca87n;
const PRIME2 = 0xc2b2ae3d27d4eb4fn;
const PRIME4 = 0x85ebca77c2b2ae63n;
const PRIME5 = 0x27d4eb2f165667c5n;

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotl = (value: bigint, bits: bigint): bigint =>
  wrap((value << bits) | (wrap(value) >> (64n - bits)));

/** Inverse of an odd number modulo 2^64, by Newton's iteration. */
function inverse(odd: bigint): bigint {
  let found = odd;
  for (let step = 0; step < 6; step++) found = wrap(found * (2n - odd * found));
  return found;
}

const round = (lane: bigint): bigint => wrap(rotl(wrap(lane * PRIME2), 31n) * PRIME1);
const unround = (mixed: bigint): bigint =>
  wrap(rotl(wrap(mixed * inverse(PRIME1)), 33n) * inverse(PRIME2));
const afterLane = (state: bigint, lane: bigint): bigint =>
  wrap(rotl(state ^ round(lane), 27n) * PRIME1 + PRIME4);

/** 16-byte keys, all different, all with the same 64-bit hash. */
function collidingKeys(count: number, random: SeededRandom): Buffer[] {
  const begin = wrap(PRIME5 + 16n);
  const target = random.bytes(8).readBigUInt64LE();
  return Array.from({ length: count }, () => {
    const key = random.bytes(16);
    const state = afterLane(begin, key.readBigUInt64LE(0));
    key.writeBigUInt64LE(unround(state ^ target), 8);
    return key;
  });
}

test('the keys do collide', async () => {
  const { hash } = await loadXxHash64();
  const keys = collidingKeys(1000, new SeededRandom(1));
  expect(new Set(keys.map((key) => hash(key))).size).toBe(1);
  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1000);
});

test('the key map tells colliding keys apart', async () => {
  const { hash } = await loadXxHash64();
  const map = new KeyMap({ bytesMax: 1 << 20, hash: (key) => hash(key) });
  const keys = collidingKeys(1000, new SeededRandom(2));
  const [first, ...others] = keys.slice(0, 500);
  for (const [offset, key] of [first!, ...others].entries()) map.put(key, offset);
  map.put(first!, 10_000);
  expect(map.get(first!)).toBe(10_000);
  for (const [index, key] of others.entries()) expect(map.get(key)).toBe(index + 1);
  for (const key of keys.slice(500)) expect(map.get(key)).toBe(-1);
});

test('a pass over colliding keys drops only what its own key replaced', async () => {
  const random = new SeededRandom(3);
  const keys = collidingKeys(300, random);
  const disk = new MemoryDisk();
  await disk.makeDirectory('t-0');
  const last = new Map<string, number>();
  const parts: Buffer[] = [];
  let offset = 0;
  while (offset < 2000) {
    const records = Array.from({ length: 1 + random.below(20) }, () => {
      const key = random.pick(keys);
      return { timestamp: 1, key, value: Buffer.from(key.toString('hex')) };
    });
    parts.push(buildBatch(records, { baseOffset: offset }));
    for (const { key } of records) {
      last.set(key.toString('hex'), offset);
      offset += 1;
    }
  }
  const file = await disk.open('t-0/00000000000000000000.log', 'create');
  await file.write(parts, 0);
  const bytes = await file.size();
  const times = { indexBytes: 0, firstTimestamp: 1, maxTimestamp: 1 };
  const job: CompactionJob = {
    directory: 't-0',
    segments: [{ baseOffset: 0, nextOffset: offset, bytes, ...times }],
    skip: [],
    firstDirtyOffset: 0,
    endOffset: offset,
    nowMs: 1,
    deleteRetentionMs: 0,
    segmentBytes: 1 << 24,
    segmentIndexBytes: 1 << 20,
    indexIntervalBytes: 4096,
    mapBytesMax: 1 << 20,
    producers: [],
    bytesPerSecondMax: null,
  };
  const result = await runCompaction(disk, job, () => Promise.resolve());
  expect(result.stats.recordsRemoved).toBe(offset - last.size);
  const cleaned = await disk.open('t-0/00000000000000000000.log.cleaned', 'read');
  const log = Buffer.alloc(await cleaned.size());
  await cleaned.read(log, 0);
  const found = new Map<string, number>();
  for (let at = 0; at < log.length; ) {
    const size = log.readInt32BE(at + 8) + 12;
    for (const record of readRecords(log.subarray(at, at + size))) {
      found.set(record.key!.toString('hex'), record.offset);
      expect(String(record.value)).toBe(record.key!.toString('hex'));
    }
    at += size;
  }
  expect(found).toEqual(last);
});
