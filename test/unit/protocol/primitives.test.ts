import { describe, expect, test } from 'vitest';
import { ProtocolError, Reader, Writer, ZERO_UUID } from '../../../src/protocol/index.ts';

const written = (write: (writer: Writer) => void): string => {
  const writer = new Writer(1);
  write(writer);
  return writer.toBuffer().toString('hex');
};
const reader = (hex: string) => new Reader(Buffer.from(hex, 'hex'));

describe('int64', () => {
  test.each([
    [0, '0000000000000000'],
    [-1, 'ffffffffffffffff'],
    [4294967296, '0000000100000000'],
    [-4294967297, 'fffffffeffffffff'],
    [Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
    [Number.MIN_SAFE_INTEGER, 'ffe0000000000001'],
  ])('%i is %s', (value, hex) => {
    expect(reader(hex).int64()).toBe(value);
    expect(
      written((w) => {
        w.reserve(8);
        w.putInt64(value);
      }),
    ).toBe(hex);
  });

  test.each([
    ['7fffffffffffffff', Number.MAX_SAFE_INTEGER],
    ['0020000000000000', Number.MAX_SAFE_INTEGER],
    ['8000000000000000', Number.MIN_SAFE_INTEGER],
    ['ffe0000000000000', Number.MIN_SAFE_INTEGER],
  ])('%s is brought into the safe range', (hex, value) => {
    expect(reader(hex).int64()).toBe(value);
  });

  test.each([0.5, Number.NaN, 2 ** 53])('%d cannot be written', (value) => {
    const writer = new Writer(8);
    expect(() => writer.putInt64(value)).toThrow(ProtocolError);
  });
});

describe('whole numbers out of range cannot be written', () => {
  test.each([
    ['putInt8', 128],
    ['putInt16', -32769],
    ['putUint16', 65536],
    ['putInt32', 2 ** 31],
    ['putInt32', 1.5],
  ] as const)('%s(%d)', (method, value) => {
    const writer = new Writer(16);
    expect(() => writer[method](value)).toThrow(ProtocolError);
  });
});

describe('unsigned varint', () => {
  test.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [0xffff_ffff, 'ffffffff0f'],
  ])('%i is %s', (value, hex) => {
    expect(written((w) => w.unsignedVarint(value))).toBe(hex);
    expect(reader(hex).unsignedVarint()).toBe(value);
  });

  test.each(['ffffffff1f', 'ffffffffff01', '80'])('%s is refused', (hex) => {
    expect(() => reader(hex).unsignedVarint()).toThrow(ProtocolError);
  });
});

describe('uuid', () => {
  const hex = '0123456789abcdeffedcba9876543210';
  const text = Buffer.from(hex, 'hex').toString('base64url');

  test('is 22 characters of base64url', () => {
    expect(reader(hex).uuid()).toBe(text);
    expect(reader('00'.repeat(16)).uuid()).toBe(ZERO_UUID);
    const writeUuid = (value: string) =>
      written((w) => {
        w.reserve(16);
        w.putUuid(value);
      });
    expect(writeUuid(text)).toBe(hex);
    expect(writeUuid(ZERO_UUID)).toBe('00'.repeat(16));
  });

  test.each(['', 'short', `${text}A`, text.replace('A', '!'), text.replace(/.$/, 'B')])(
    '%j cannot be written',
    (value) => {
      const writer = new Writer(16);
      expect(() => writer.putUuid(value)).toThrow(ProtocolError);
    },
  );

  test('many of them are told apart, although some share a place in the cache', () => {
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 2000; i++) {
        const bytes = Buffer.alloc(16);
        bytes.writeUInt32BE(i, 12);
        bytes.writeUInt32BE(i * 7, 0);
        const expected = i === 0 ? ZERO_UUID : bytes.toString('base64url');
        expect(new Reader(bytes).uuid()).toBe(expected);
      }
    }
  });
});

describe('string', () => {
  const encode = (value: string) => {
    const writer = new Writer(1);
    writer.string(value);
    writer.compactString(value);
    return writer.toBuffer();
  };

  test.each(['', 'orders', 'ünïcödé', '日本語', '🙂'.repeat(30), 'x'.repeat(32_767), '\u0000'])(
    'comes back as it was: %s',
    (value) => {
      const encoded = encode(value);
      for (let round = 0; round < 2; round++) {
        const r = new Reader(encoded);
        expect(r.string()).toBe(value);
        expect(r.compactString()).toBe(value);
        expect(r.remaining).toBe(0);
      }
    },
  );

  test('names of the same length, ends and middle are told apart', () => {
    const names = Array.from(
      { length: 500 },
      (_, i) => `topic-${String(i).padStart(4, '0')}-m-log`,
    );
    for (const name of [...names, ...names]) {
      expect(new Reader(encode(name)).string()).toBe(name);
    }
  });

  test('bytes that are no UTF-8 read as replacement characters, also the second time', () => {
    const broken = reader('0002ff41');
    expect(broken.string()).toBe('\ufffdA');
    expect(reader('0002ff41').string()).toBe('\ufffdA');
    expect(reader('0002c3bd').string()).toBe('ý');
  });

  test('of more than 32767 bytes is none, whatever its length is written in', () => {
    const text = 'é'.repeat(16_384);
    expect(() => new Writer(1).string(text)).toThrow(ProtocolError);
    expect(() => new Writer(1).compactString(text)).toThrow(ProtocolError);
    expect(() => new Writer(1).compactNullableString(text)).toThrow(ProtocolError);
    const bytes = new Writer(1);
    bytes.compactBytes(Buffer.from(text));
    const encoded = bytes.toBuffer();
    expect(() => new Reader(encoded).compactString()).toThrow(ProtocolError);
    expect(() => new Reader(encoded).compactNullableString()).toThrow(ProtocolError);
    expect(new Reader(encoded).compactBytes()).toHaveLength(32_768);
  });

  test('null is refused where it is not allowed', () => {
    expect(() => reader('ffff').string()).toThrow(ProtocolError);
    expect(() => reader('00').compactString()).toThrow(ProtocolError);
    expect(reader('ffff').nullableString()).toBeNull();
    expect(reader('00').compactNullableString()).toBeNull();
  });
});

describe('Writer', () => {
  test('keeps its bytes through growth and chunks by reference', () => {
    const parts: Buffer[] = [];
    const writer = new Writer(8);
    for (let i = 0; i < 200; i++) {
      const part = Buffer.alloc(i * 37, i);
      parts.push(part);
      writer.raw(part);
    }
    const expected = Buffer.concat(parts);
    expect(writer.byteLength).toBe(expected.byteLength);
    const chunks = writer.finish();
    expect(chunks).toContain(parts[100]);
    expect(Buffer.concat(chunks as Buffer[])).toEqual(expected);
  });

  test('small writes without large bytes make few chunks', () => {
    const writer = new Writer(16);
    for (let i = 0; i < 50_000; i++) writer.string(`name-${i}`);
    expect(writer.finish().length).toBeLessThan(12);
  });
});

describe('Reader', () => {
  test('a tag cannot reach beyond its size, nor fall short of it', () => {
    const r = reader('0102');
    expect(() => r.enterTag(3)).toThrow(ProtocolError);
    const outer = r.enterTag(1);
    expect(() => r.int16()).toThrow(ProtocolError);
    expect(() => r.leaveTag(outer)).toThrow(ProtocolError);
    r.int8();
    r.leaveTag(outer);
    expect(r.int8()).toBe(2);
  });

  test('unknown tags are skipped', () => {
    const r = reader('02' + '05' + '02' + 'aaaa' + '07' + '00' + '09');
    r.skipTags();
    expect(r.int8()).toBe(9);
  });
});
