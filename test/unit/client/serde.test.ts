// Serdes: what goes in comes out, what cannot be written or read says so, and types flow.

import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  bufferSerde,
  jsonSerde,
  msgpackSerde,
  type Serde,
  type SerdeInput,
  type SerdeName,
  type SerdeValue,
  serdeOf,
  stringSerde,
} from '../../../src/client/index.ts';

interface Order {
  readonly id: number;
  readonly items: readonly string[];
}

/** A serde of a user's own. */
const orderSerde: Serde<Order> = {
  encode: ({ id, items }) => Buffer.from([id, ...items].join(',')),
  decode: (bytes) => {
    const [id = '', ...items] = bytes.toString().split(',');
    return { id: Number(id), items };
  },
};

function roundTrip<T, Input>(serde: Serde<T, Input>, value: Input): T {
  return serde.decode(Buffer.from(serde.encode(value)));
}

describe('what goes in comes out', () => {
  test('text', () => {
    for (const text of ['', 'plain', 'Grüße 🌊', 'a\u0000b']) {
      expect(roundTrip(stringSerde, text)).toBe(text);
    }
  });

  test('bytes, without a copy', () => {
    const bytes = Buffer.from([0, 255, 1]);
    expect(bufferSerde.encode(bytes)).toBe(bytes);
    expect(bufferSerde.decode(bytes)).toBe(bytes);
    expect(roundTrip(bufferSerde, new Uint8Array([7]))).toEqual(Buffer.from([7]));
  });

  test('JSON', () => {
    for (const value of [null, 0, 'x', [1, { a: null }], { id: 1, items: ['a'] }]) {
      expect(roundTrip(jsonSerde(), value)).toEqual(value);
    }
  });

  test('MessagePack: also dates, bytes and large integers', () => {
    const value = {
      at: new Date(1_700_000_000_123),
      bytes: Buffer.from([1, 2]),
      safe: Number.MAX_SAFE_INTEGER,
      large: 2n ** 60n,
      none: null,
      list: [1.5, 'x', true],
    };
    expect(roundTrip(msgpackSerde(), value)).toEqual(value);
  });

  test('one encoded value is not changed by the next', () => {
    const serde = msgpackSerde<Order>();
    const first = serde.encode({ id: 1, items: ['a'] });
    for (let id = 0; id < 1000; id++) serde.encode({ id, items: ['other', 'things'] });
    expect(serde.decode(Buffer.from(first))).toEqual({ id: 1, items: ['a'] });
  });

  test("a user's own", () => {
    expect(serdeOf(orderSerde)).toBe(orderSerde);
    expect(roundTrip(orderSerde, { id: 3, items: ['x', 'y'] })).toEqual({
      id: 3,
      items: ['x', 'y'],
    });
  });
});

describe('what cannot be written or read says so', () => {
  test.each(['string', 'buffer', 'json', 'msgpack'] as const)('%s: undefined', (name) => {
    const serde: Serde<unknown, unknown> = serdeOf(name) as Serde<unknown, unknown>;
    expect(() => serde.encode(undefined)).toThrowError(
      expect.objectContaining({ code: 'invalid_record', message: expect.stringContaining(name) }),
    );
  });

  test('another type than the serde has', () => {
    expect(() => stringSerde.encode(1 as never)).toThrowError(/string serde.*number/);
    expect(() => bufferSerde.encode('text' as never)).toThrowError(/buffer serde.*string/);
  });

  test('bytes of something else', () => {
    expect(() => jsonSerde().decode(Buffer.from('{"a":'))).toThrowError();
    expect(() => msgpackSerde().decode(Buffer.from([0x93, 1]))).toThrowError();
    expect(() => msgpackSerde().decode(Buffer.from([1, 2]))).toThrowError();
    expect(() => msgpackSerde().decode(Buffer.alloc(0))).toThrowError();
  });

  test('a name that there is not', () => {
    expect(() => serdeOf('avro' as SerdeName)).toThrowError(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringContaining('string, buffer, json, msgpack'),
      }),
    );
  });
});

test('what JSON cannot say is told as any record that cannot be written', () => {
  const circle: Record<string, unknown> = {};
  circle['itself'] = circle;
  for (const value of [{ big: 5n }, circle]) {
    expect(() => serdeOf('json').encode(value)).toThrowError(
      expect.objectContaining({ code: 'invalid_record', cause: expect.any(TypeError) }),
    );
  }
});

test('MessagePack as every language reads it, whatever JavaScript has in its objects', () => {
  const bytes = msgpackSerde().encode({ a: undefined, b: [undefined, 1] });
  expect(msgpackSerde().decode(Buffer.from(bytes))).toEqual({ a: null, b: [null, 1] });
  const circle: Record<string, unknown> = {};
  circle['itself'] = circle;
  for (const value of [circle, Symbol('s'), 2n ** 70n, () => 1]) {
    expect(() => msgpackSerde().encode(value)).toThrowError(
      expect.objectContaining({ code: 'invalid_record' }),
    );
  }
  expect(roundTrip(msgpackSerde(), { still: 'well' })).toEqual({ still: 'well' });
});

test('int64 as other languages write it', () => {
  const int64 = (value: bigint): Buffer => {
    const bytes = Buffer.from([0xd3, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.writeBigInt64BE(value, 1);
    return bytes;
  };
  expect(msgpackSerde().decode(int64(7n))).toBe(7);
  expect(msgpackSerde().decode(int64(2n ** 60n))).toBe(2n ** 60n);
});

test('types flow', () => {
  expectTypeOf(serdeOf('string')).toEqualTypeOf<Serde<string>>();
  expectTypeOf(serdeOf('buffer')).toEqualTypeOf<Serde<Buffer, Uint8Array>>();
  expectTypeOf(serdeOf('json')).toEqualTypeOf<Serde<unknown>>();
  expectTypeOf(serdeOf(orderSerde)).toEqualTypeOf<Serde<Order>>();
  expectTypeOf<SerdeValue<'msgpack'>>().toEqualTypeOf<unknown>();
  expectTypeOf<SerdeValue<Serde<Order>>>().toEqualTypeOf<Order>();
  expectTypeOf<SerdeInput<'buffer'>>().toEqualTypeOf<Uint8Array>();
  expectTypeOf<SerdeInput<Serde<Order>>>().toEqualTypeOf<Order>();
  expectTypeOf(msgpackSerde<Order>()).toEqualTypeOf<Serde<Order>>();
});
