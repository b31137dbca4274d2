import { createRequire } from 'node:module';
import { setImmediate as turn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import xxhash from 'xxhash-wasm';
import { usePlainSnappy } from '../../../src/record/codec/snappy.ts';
import { codecMissing, tryLoad } from '../../../src/record/codec/support.ts';
import {
  codecIdOf,
  codecNames,
  codecOf,
  compress,
  decompress,
  isCodecReady,
  prepareCodec,
  RecordError,
} from '../../../src/record/index.ts';

const text = Buffer.from('the quick brown fox jumps over the lazy dog. '.repeat(20_000));
const compressed = ['gzip', 'snappy', 'lz4', 'zstd'] as const;
const MiB = 1024 * 1024;

function codeOf(run: () => unknown): string {
  try {
    run();
    return 'no error';
  } catch (error) {
    return error instanceof RecordError ? error.code : `another error: ${String(error)}`;
  }
}

/** Peak of memory outside the JavaScript heap during `run`, above what was there. */
function grownBytes(run: () => void): number {
  const before = process.memoryUsage();
  run();
  const after = process.memoryUsage();
  return after.external + after.arrayBuffers - before.external - before.arrayBuffers;
}

beforeAll(async () => {
  await prepareCodec('zstd');
});

afterEach(() => usePlainSnappy(false));

test('zstd is not disturbed by others that start its WebAssembly build in this process', async () => {
  const others: { init(): Promise<void> } = createRequire(import.meta.url)('@bokuweb/zstd-wasm');
  for (let time = 0; time < 2; time++) {
    await others.init();
    // It is in place some turns later.
    for (let n = 0; n < 50; n++) await turn();
    expect(decompress('zstd', compress('zstd', text))).toEqual(text);
  }
});

describe('every codec', () => {
  test('has Kafka’s number', () => {
    expect(codecNames.map(codecIdOf)).toEqual([0, 1, 2, 3, 4]);
    expect([0, 1, 2, 3, 4, 5, 7].map(codecOf)).toEqual([...codecNames, null, null]);
    expect(codecNames.map(isCodecReady)).toEqual([true, true, true, true, true]);
  });

  test.each(compressed)('%s expands what it compressed, from one piece or several', (codec) => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('x'), text]) {
      expect(decompress(codec, compress(codec, bytes)).equals(bytes)).toBe(true);
    }
    const parts = [text.subarray(0, 10), text.subarray(10)];
    expect(decompress(codec, compress(codec, parts)).equals(text)).toBe(true);
    expect(compress(codec, text).length).toBeLessThan(text.length / 5);
  });

  test.each(compressed)('%s: the cap allows its own size and nothing more', (codec) => {
    const bytes = compress(codec, text);
    expect(decompress(codec, bytes, text.length).length).toBe(text.length);
    expect(codeOf(() => decompress(codec, bytes, text.length - 1))).toBe('expanded_too_large');
    expect(codeOf(() => decompress(codec, bytes, 0))).toBe('expanded_too_large');
  });

  test.each(compressed)('%s: bytes cut off at any place are refused', (codec) => {
    const bytes = compress(codec, text.subarray(0, 3000));
    for (let end = 1; end < bytes.length; end += 1 + (end >> 4)) {
      // Only xerial framing has whole blocks inside: with its header alone it is an empty stream.
      if (codec === 'snappy' && end === 16) continue;
      expect(
        codeOf(() => decompress(codec, bytes.subarray(0, end))),
        `cut at ${end}`,
      ).toBe('corrupt_record');
    }
  });

  test.each(compressed)('%s reads several members or frames in a row', (codec) => {
    const twice = Buffer.concat([compress(codec, text), compress(codec, Buffer.from('tail'))]);
    expect(decompress(codec, twice).toString()).toBe(`${text.toString()}tail`);
    expect(codeOf(() => decompress(codec, twice, text.length + 3))).toBe('expanded_too_large');
  });
});

describe('bombs stop at the cap, before memory is taken', () => {
  const cap = MiB;

  test('gzip: 64 KB that would become 64 MB', () => {
    const bomb = gzipSync(Buffer.alloc(64 * MiB), { level: 1 });
    expect(bomb.length).toBeLessThan(2 * MiB);
    expect(
      grownBytes(() => {
        expect(codeOf(() => decompress('gzip', bomb, cap))).toBe('expanded_too_large');
      }),
    ).toBeLessThan(16 * MiB);
  });

  test('lz4: a frame of a quarter of a MB that would become 64 MB', () => {
    const bomb = compress('lz4', Buffer.alloc(64 * MiB));
    expect(bomb.length).toBeLessThan(2 * MiB);
    expect(
      grownBytes(() => {
        expect(codeOf(() => decompress('lz4', bomb, cap))).toBe('expanded_too_large');
      }),
    ).toBeLessThan(16 * MiB);
  });

  test('zstd: 3 KB that would become 64 MB, with and without a stated size', () => {
    const bomb = compress('zstd', Buffer.alloc(64 * MiB));
    expect(bomb.length).toBeLessThan(MiB);
    expect(
      grownBytes(() => {
        expect(codeOf(() => decompress('zstd', bomb, cap))).toBe('expanded_too_large');
      }),
    ).toBeLessThan(16 * MiB);
    // RFC 8878 by hand: no content size, window 128 KiB, then RLE blocks of 128 KiB.
    const block = Buffer.from([0x02, 0x00, 0x10, 0x41]);
    const last = Buffer.from([0x03, 0x00, 0x10, 0x41]);
    const frame = (blocks: number): Buffer =>
      Buffer.concat([Buffer.from('28b52ffd0038', 'hex'), ...Array(blocks).fill(block), last]);
    expect(decompress('zstd', frame(1), cap).length).toBe(256 * 1024);
    expect(codeOf(() => decompress('zstd', frame(4000), cap))).toBe('expanded_too_large');
  });

  test.each(['native', 'plain'])('snappy (%s): five bytes that claim 4 GiB', (kind) => {
    usePlainSnappy(kind === 'plain');
    const raw = Buffer.from('ffffffff0f', 'hex');
    expect(codeOf(() => decompress('snappy', raw))).toBe('corrupt_record');
    expect(codeOf(() => decompress('snappy', raw, 2 ** 40))).toBe('corrupt_record');
    const xerial = Buffer.concat([
      compress('snappy', Buffer.alloc(0)),
      Buffer.from('00000005', 'hex'),
      raw,
    ]);
    expect(codeOf(() => decompress('snappy', xerial, 2 ** 40))).toBe('corrupt_record');
    const dense = compress('snappy', Buffer.alloc(8 * MiB));
    expect(codeOf(() => decompress('snappy', dense, cap))).toBe('expanded_too_large');
  });

  test('a zstd frame cannot make room for a size that its blocks cannot fill', () => {
    // Single segment, eight bytes of content size: 2⁴⁰, then one raw block of one byte.
    const lie = Buffer.from('28b52ffde0' + '0000000000010000' + '090000' + '41', 'hex');
    expect(codeOf(() => decompress('zstd', lie, 2 ** 41))).toBe('corrupt_record');
  });

  test('an lz4 frame that lies about its content size takes no memory for it', async () => {
    const { h32Raw } = await xxhash();
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(2n ** 40n);
    const descriptor = Buffer.concat([Buffer.from([0x68, 0x40]), size]);
    const check = (h32Raw(descriptor) >>> 8) & 0xff;
    const plain = compress('lz4', Buffer.from('hello'));
    const lie = Buffer.concat([
      plain.subarray(0, 4),
      descriptor,
      Buffer.from([check]),
      plain.subarray(7),
    ]);
    expect(
      grownBytes(() => {
        expect(codeOf(() => decompress('lz4', lie, MiB))).toBe('corrupt_record');
      }),
    ).toBeLessThan(16 * MiB);
  });
});

describe('a codec whose package is not installed', () => {
  test('is refused with the name of the package', () => {
    const result = tryLoad('no-such-package-for-lz4');
    if (!('error' in result)) throw new Error('it loaded');
    const error = codecMissing('lz4', 'lz4-napi', result.error);
    expect(error.code).toBe('UNSUPPORTED_COMPRESSION_TYPE');
    expect(error.message).toMatch(/npm install lz4-napi/);
    expect(error.cause).toBe(result.error);
  });
});

describe('snappy', () => {
  test.each(['native', 'plain'])('%s reads raw blocks and xerial framing', (kind) => {
    usePlainSnappy(kind === 'plain');
    const xerial = compress('snappy', text.subarray(0, 1000));
    expect(xerial.subarray(0, 8).toString('latin1')).toBe('\x82SNAPPY\x00');
    const raw = xerial.subarray(20);
    expect(decompress('snappy', raw).equals(text.subarray(0, 1000))).toBe(true);
    expect(decompress('snappy', xerial).equals(text.subarray(0, 1000))).toBe(true);
  });

  test('native and plain read each other', () => {
    const native = compress('snappy', text);
    usePlainSnappy(true);
    const plain = compress('snappy', text);
    expect(decompress('snappy', native).equals(text)).toBe(true);
    usePlainSnappy(false);
    expect(decompress('snappy', plain).equals(text)).toBe(true);
  });
});

describe('lz4', () => {
  test('skippable frames, stored blocks and short blocks are read, and counted exactly', () => {
    const frame = compress('lz4', Buffer.from('stored'));
    const skippable = Buffer.from('502a4d1803000000616263', 'hex');
    const both = Buffer.concat([skippable, frame]);
    expect(decompress('lz4', both).toString()).toBe('stored');
    // The block header bounds it by 64 KiB; only counting its sequences shows that it fits.
    const dense = compress('lz4', Buffer.alloc(1000, 'ab'));
    expect(decompress('lz4', dense, 1000).length).toBe(1000);
    expect(codeOf(() => decompress('lz4', dense, 999))).toBe('expanded_too_large');
  });

  test('frames with a dictionary or an unknown version are refused', () => {
    const frame = compress('lz4', text);
    for (const flags of [0x61, 0x20, 0xa0]) {
      const changed = Buffer.from(frame);
      changed[4] = flags;
      expect(codeOf(() => decompress('lz4', changed))).toBe('corrupt_record');
    }
  });
});
