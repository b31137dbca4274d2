// For every message, version and value: the generated code does what the interpreter does, decoding
// undoes encoding, and bytes that are no message end in a ProtocolError or a value, within the
// memory that the frame pays for.

import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type Message, ProtocolError, Reader, Writer } from '../../src/protocol/index.ts';
import type { Codec } from '../../src/protocol/schema/codec.ts';
import { compileCodec, compileComplete } from '../../src/protocol/schema/compile.ts';
import type { Field, Fields } from '../../src/protocol/schema/field.ts';
import { interpretCodec, interpretComplete } from '../../src/protocol/schema/interpret.ts';
import { fallbackOf, isPresent } from '../../src/protocol/schema/layout.ts';
import { amount } from '../support/amount.ts';
import { fc } from '../support/fast-check.ts';
import { messages, structValue, versionsOfMessages } from './protocol-arbitrary.ts';

const codecs = (message: Message, version: number): readonly [Codec, Codec] => {
  const layout = { version, flexible: version >= message.flexible };
  return [
    compileCodec(message.name, message.fields, layout),
    interpretCodec(message.fields, layout),
  ];
};

function encode(codec: Codec, value: unknown): Buffer {
  const writer = new Writer(16);
  codec.write(writer, value);
  return writer.toBuffer();
}

describe('values', () => {
  test.each(versionsOfMessages)('%s v%i comes back as it was', (_, version, message) => {
    const [compiled, interpreted] = codecs(message, version);
    const property = fc.property(structValue(message.fields, version), (value) => {
      const encoded = encode(compiled, value);
      expect(encode(interpreted, value)).toEqual(encoded);
      for (const codec of [compiled, interpreted]) {
        const reader = new Reader(encoded);
        expect(codec.read(reader)).toEqual(value);
        expect(reader.remaining).toBe(0);
      }
    });
    fc.assert(property, { numRuns: amount(2, 5) });
  });

  test.each(messages.map((message) => [message.name, message] as const))(
    '%s: what is left out is the fallback',
    (name, message) => {
      const newest = message.versions[1];
      const [compiled] = codecs(message, newest);
      const complete = [compileComplete(name, message.fields), interpretComplete(message.fields)];
      const leaveOut = fc.uniqueArray(fc.constantFrom('', ...Object.keys(message.fields)));
      const property = fc.property(
        structValue(message.fields, newest),
        leaveOut,
        (value, missing) => {
          const kept = Object.entries(value).filter(([key]) => !missing.includes(key));
          const fallbacks = missing
            .filter((key) => key !== '')
            .map((key) => [key, fallbackOf(message.fields[key]!)]);
          const whole = { ...value, ...Object.fromEntries(fallbacks) };
          for (const fill of complete) {
            expect(fill(Object.fromEntries(kept))).toEqual(whole);
            expect(Object.keys(fill({}) as object)).toEqual(Object.keys(message.fields));
          }
          const partial = encode(compiled, Object.fromEntries(kept));
          expect(partial).toEqual(encode(compiled, whole));
        },
      );
      fc.assert(property, { numRuns: amount(2, 5) });
    },
  );

  test('what a version lacks must not be set, unless it may be ignored', () => {
    let refused = 0;
    for (const [name, version, message] of versionsOfMessages) {
      for (const [key, field] of Object.entries(message.fields)) {
        if (isPresent(field, version)) continue;
        const value = { ...baseOf(message.fields, version), [key]: other(field) };
        for (const codec of codecs(message, version)) {
          if (field.ignorable) {
            encode(codec, value);
          } else {
            refused++;
            expect(() => encode(codec, value), `${name} v${version} ${key}`).toThrow(ProtocolError);
          }
        }
      }
    }
    expect(refused).toBeGreaterThan(100);
  });
});

/** A value of fallbacks, with empty values where the version forbids a fallback of null. */
function baseOf(fields: Fields, version: number): Record<string, unknown> {
  const entries = Object.entries(fields).map(([name, f]) => {
    const fallback = fallbackOf(f);
    const forbidden = fallback === null && f.kind !== 'records' && version < f.nullableSince;
    return [name, forbidden ? other(f) : fallback];
  });
  return Object.fromEntries(entries);
}

/** A value that is not the fallback. */
function other(field: Field): unknown {
  switch (field.kind) {
    case 'bool':
      return !field.fallback;
    case 'string':
      return 'other';
    case 'uuid':
      return 'AAAAAAAAAAAAAAAAAAAAAQ';
    case 'bytes':
    case 'records':
      return Buffer.from('other');
    case 'array':
      return [field.item === undefined ? baseOf(field.of!, 0) : 1];
    case 'struct': {
      const [[name, inner]] = Object.entries(field.of!) as [[string, Field]];
      return { ...baseOf(field.of!, 0), [name]: other(inner) };
    }
    default:
      return 77;
  }
}

/** Elements in all arrays together. */
function elements(value: unknown): number {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return 0;
  const inner = Object.values(value).reduce((total: number, item) => total + elements(item), 0);
  return inner + (Array.isArray(value) ? value.length : 0);
}

/** What both codecs make of hostile bytes: the same value, or a ProtocolError. */
function readHostile(pair: readonly [Codec, Codec], hostile: Buffer): void {
  const [compiled, interpreted] = pair.map((codec) => {
    try {
      return { value: codec.read(new Reader(hostile)) };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { code: error.code, error: error.message };
    }
  });
  const code = compiled?.error === undefined ? undefined : 'malformed_message';
  // Vitest's own comparison takes most of the time of this test: it is asked where there is something to show.
  if (compiled?.code !== code || !isDeepStrictEqual(interpreted, compiled)) {
    expect(compiled?.code).toBe(code);
    expect(interpreted).toEqual(compiled);
  }
  if (elements(compiled?.value) > hostile.byteLength) throw new Error('more elements than bytes');
}

describe('hostile bytes', () => {
  test.each(versionsOfMessages)('%s v%i survives them', (_, version, message) => {
    const pair = codecs(message, version);
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    const property = fc.property(
      structValue(message.fields, version),
      fc.array(flips, { minLength: 4, maxLength: 4 }),
      fc.nat(),
      fc.constantFrom(0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x00ff_ffff, 0xffff_ff0f),
      (value, rounds, at, length) => {
        const encoded = encode(pair[0], value);
        if (encoded.byteLength === 0) return;
        const step = Math.max(1, Math.floor(encoded.byteLength / 40));
        for (let end = 0; end < encoded.byteLength; end += step) {
          readHostile(pair, encoded.subarray(0, end));
        }
        for (const round of rounds) {
          const flipped = Buffer.from(encoded);
          for (const [offset, bits] of round) {
            flipped[offset % flipped.byteLength]! ^= bits;
          }
          readHostile(pair, flipped);
        }
        const replaced = Buffer.from(encoded);
        const lengthBytes = Buffer.alloc(4);
        lengthBytes.writeUInt32BE(length);
        lengthBytes.copy(replaced, at % replaced.byteLength);
        readHostile(pair, replaced);
      },
    );
    fc.assert(property, { numRuns: amount(1, 2) });
  });

  test('an announced length is not allocated', () => {
    const message = messages.find(({ name }) => name === 'MetadataRequest')!;
    for (const codec of codecs(message, 1)) {
      const hostile = Buffer.from('7fffffff0001', 'hex');
      expect(() => codec.read(new Reader(hostile))).toThrow(/are left/);
    }
    for (const codec of codecs(message, 9)) {
      const hostile = Buffer.from('ffffffff0f0001', 'hex');
      expect(() => codec.read(new Reader(hostile))).toThrow(/are left/);
    }
  });
});
