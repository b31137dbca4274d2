// Keys and values between the bytes of the log and what programs work with.

import { Packr } from 'msgpackr/pack';
import { textOfError } from '../base/errors.ts';
import { shown } from '../base/option-kinds.ts';
import { ClientError } from './errors.ts';

/**
 * Turns values into bytes and back; `Input` is what may be written, where that is wider than what is read. Null never
 * reaches it: a null key or a tombstone is null on both sides.
 */
export interface Serde<T, Input = T> {
  /** Throws when the value cannot be written. The bytes are copied before the caller goes on. */
  encode(value: Input): Uint8Array;
  /** Throws when the bytes are something else. They belong to the value: nobody changes them later. */
  decode(bytes: Buffer): T;
}

/** UTF-8 text. Bytes that are no UTF-8 read as U+FFFD, as `Buffer.toString` does. */
export const stringSerde: Serde<string> = {
  encode: (value) => {
    if (typeof value !== 'string') throw notWritable('string', value);
    return Buffer.from(value);
  },
  decode: (bytes) => bytes.toString(),
};

/** The bytes themselves. */
export const bufferSerde: Serde<Buffer, Uint8Array> = {
  encode: (value) => {
    if (!(value instanceof Uint8Array)) throw notWritable('buffer', value);
    return value;
  },
  decode: (bytes) => bytes,
};

/** JSON as UTF-8. `T` is believed, not checked. */
export function jsonSerde<T = unknown>(): Serde<T> {
  return json as Serde<T>;
}

/**
 * MessagePack without extensions of our own, so that every language reads it: smaller than JSON, faster to read, and
 * with dates and bytes. Integers beyond 2^53 read as bigint. `T` is believed, not checked.
 */
export function msgpackSerde<T = unknown>(): Serde<T> {
  return msgpack as Serde<T>;
}

const json: Serde<unknown> = {
  encode: (value) => {
    // `undefined` is no JSON, although the type of stringify does not say so.
    const text = jsonText(value);
    if (text === undefined) throw notWritable('json', value);
    return Buffer.from(text);
  },
  decode: (bytes) => JSON.parse(bytes.toString()) as unknown,
};

/** Throws ClientError `invalid_record` for what JSON cannot say: a bigint, a circle. */
function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value) as string | undefined;
  } catch (cause) {
    throw unwritable('json', cause);
  }
}

const packr = new Packr({
  useRecords: false,
  // Else it would be an extension that only msgpackr knows.
  encodeUndefinedAsNil: true,
  // 'auto', number or bigint by size, is missing from msgpackr's types.
  int64AsType: 'auto' as 'number',
});

const msgpack: Serde<unknown> = {
  encode: (value) => {
    if (value === undefined || typeof value === 'function') throw notWritable('msgpack', value);
    try {
      return packr.pack(value);
    } catch (cause) {
      throw unwritable('msgpack', cause);
    }
  },
  decode: (bytes) => packr.unpack(bytes) as unknown,
};

/** The serdes that have a name, for options. */
export interface NamedSerdes {
  readonly string: typeof stringSerde;
  readonly buffer: typeof bufferSerde;
  readonly json: Serde<unknown>;
  readonly msgpack: Serde<unknown>;
}

export type SerdeName = keyof NamedSerdes;

/** What options take: a serde, or the name of one of ours. */
export type AnySerde = SerdeName | Serde<unknown, never>;

type Named<S> = S extends SerdeName ? NamedSerdes[S] : S;

/** What reading with a serde of the options gives. */
export type SerdeValue<S> = Named<S> extends Serde<infer T, never> ? T : never;

/** What may be written with a serde of the options. */
export type SerdeInput<S> = Named<S> extends Serde<unknown, infer Input> ? Input : never;

const named: NamedSerdes = { string: stringSerde, buffer: bufferSerde, json, msgpack };

/** The serde that an option means. Throws ClientError `invalid_option` for a name that there is not. */
export function serdeOf<S extends AnySerde>(given: S): Serde<SerdeValue<S>, SerdeInput<S>> {
  const found: Serde<unknown, never> | undefined =
    typeof given === 'string' ? named[given as SerdeName] : given;
  if (found === undefined) {
    const names = Object.keys(named).join(', ');
    throw new ClientError('invalid_option', `there is no serde '${given}': ${names}, or your own`);
  }
  return found as Serde<SerdeValue<S>, SerdeInput<S>>;
}

/**
 * What writes with a serde. One of the caller's may give anything: text would become as many zeros as it has letters.
 */
export function encoderOf(serde: Serde<unknown, never>): (value: unknown) => Uint8Array {
  const encode = serde.encode.bind(serde) as (value: unknown) => Uint8Array;
  if (Object.values(named).includes(serde)) return encode;
  return (value) => {
    const bytes: unknown = encode(value);
    if (bytes instanceof Uint8Array) return bytes;
    const message = `encode of the serde gave ${shown(bytes)}: give bytes, a Buffer or Uint8Array, and no promise`;
    throw new ClientError('invalid_record', message);
  };
}

function unwritable(name: SerdeName, cause: unknown): ClientError {
  const why = textOfError(cause);
  const message = `the ${name} serde cannot write this value: ${why}`;
  return new ClientError('invalid_record', message, { cause });
}

function notWritable(name: SerdeName, value: unknown): ClientError {
  const kind = value === undefined ? 'undefined' : `a value of type ${typeof value}`;
  const message = `the ${name} serde cannot write ${kind}; give null for no key or a tombstone, or another serde`;
  return new ClientError('invalid_record', message);
}
