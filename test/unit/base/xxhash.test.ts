import { expect, test } from 'vitest';
import { loadXxHash64 } from '../../../src/base/xxhash.ts';

// Known answers of XXH64, seed 0 (xxHash's own sanity table).
test('xxHash64 gives the published answers', async () => {
  const { hash } = await loadXxHash64();
  expect(hash(Buffer.alloc(0))).toBe(0xef46db3751d8e999n);
  expect(hash(Buffer.from('a'))).toBe(0xd24ec4f1a98c6e5bn);
  expect(hash(Buffer.from('abc'))).toBe(0x44bc2cf5ad770999n);
  expect(hash(Buffer.from('abc'), 1n)).not.toBe(0x44bc2cf5ad770999n);
});
