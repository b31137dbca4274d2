import { expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { KeyMap } from '../../../../src/storage/compaction/key-map.ts';

const colliding = () => 7n;
const byLength = (key: Buffer) => BigInt(key.length);

test('the last offset of each key is kept', () => {
  const map = new KeyMap({ bytesMax: 1 << 20, hash: byLength });
  expect(map.put(Buffer.from('a'), 1)).toBe(true);
  expect(map.put(Buffer.from('b'), 2)).toBe(true);
  expect(map.put(Buffer.from('a'), 3)).toBe(true);
  expect([map.get(Buffer.from('a')), map.get(Buffer.from('b')), map.get(Buffer.from('c'))]).toEqual(
    [3, 2, -1],
  );
  expect(map.size).toBe(2);
});

test('keys that all collide are still told apart', () => {
  const map = new KeyMap({ bytesMax: 1 << 24, hash: colliding });
  for (let i = 0; i < 500; i += 1) expect(map.put(Buffer.from(`key-${i}`), i)).toBe(true);
  for (let i = 0; i < 500; i += 1) expect(map.get(Buffer.from(`key-${i}`))).toBe(i);
  expect(map.get(Buffer.from('key-500'))).toBe(-1);
});

test('a key over 256 bytes is not mistaken for its own digest, nor for a longer one', () => {
  const map = new KeyMap({ bytesMax: 1 << 20, hash: colliding });
  const long = Buffer.alloc(300, 1);
  const longer = Buffer.alloc(301, 1);
  map.put(long, 1);
  map.put(longer, 2);
  map.put(Buffer.alloc(256, 1), 3);
  map.put(Buffer.alloc(0), 4);
  expect([
    map.get(long),
    map.get(longer),
    map.get(Buffer.alloc(256, 1)),
    map.get(Buffer.alloc(0)),
  ]).toEqual([1, 2, 3, 4]);
});

test('a full map refuses new keys, stays within its bound, and still takes the keys it has', () => {
  const bytesMax = 64 * 1024;
  const map = new KeyMap({ bytesMax, hash: byLength });
  let taken = 0;
  while (map.put(Buffer.from(`some-key-${taken}`), taken)) taken += 1;
  expect(taken).toBeGreaterThan(500);
  expect(map.byteLength).toBeLessThanOrEqual(bytesMax);
  expect(map.get(Buffer.from(`some-key-${taken}`))).toBe(-1);
  expect(map.put(Buffer.from('some-key-0'), 99_999)).toBe(true);
  expect(map.get(Buffer.from('some-key-0'))).toBe(99_999);
});

test('random keys agree with a Map', () => {
  const random = new SeededRandom(11);
  const hash = (key: Buffer) =>
    key.reduce((sum, byte) => (sum * 31n + BigInt(byte)) & 0xffffffffffn, 7n);
  const map = new KeyMap({ bytesMax: 1 << 24, hash });
  const model = new Map<string, number>();
  for (let offset = 0; offset < 20_000; offset += 1) {
    const key = random.bytes(random.below(4));
    map.put(key, offset);
    model.set(key.toString('hex'), offset);
  }
  expect(map.size).toBe(model.size);
  for (const [key, offset] of model) expect(map.get(Buffer.from(key, 'hex'))).toBe(offset);
});
