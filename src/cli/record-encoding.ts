// Keys and values between bytes and what is typed or printed.

import { usageError } from './exit-codes.ts';

export const encodings = ['text', 'hex', 'base64', 'json', 'msgpack'] as const;
export type Encoding = (typeof encodings)[number];

/** Whether the name is one of {@link encodings}. */
export function isEncoding(name: string): name is Encoding {
  return (encodings as readonly string[]).includes(name);
}

interface Msgpack {
  pack(value: unknown): Buffer;
  unpack(bytes: Uint8Array): unknown;
}

let msgpack: Msgpack | null = null;

/** Loads what an encoding needs; call it once before {@link decodeBytes} and {@link encodeText}. */
export async function prepareEncoding(encoding: Encoding): Promise<void> {
  if (encoding === 'msgpack') msgpack ??= await import('msgpackr/pack');
}

function loadedMsgpack(): Msgpack {
  if (msgpack === null)
    throw usageError('msgpack is not loaded here; name it with --value-encoding');
  return msgpack;
}

/** The bytes as text of that encoding. Bytes that do not fit it are shown as `base64:…`. */
export function decodeBytes(bytes: Buffer, encoding: Encoding): string {
  switch (encoding) {
    case 'text':
      return bytes.toString('utf8');
    case 'hex':
    case 'base64':
      return bytes.toString(encoding);
    case 'json':
    case 'msgpack':
      try {
        return JSON.stringify(decodeStructured(bytes, encoding), plainBigints);
      } catch {
        return `base64:${bytes.toString('base64')}`;
      }
  }
}

/** The value inside; throws when the bytes are not of that encoding. */
function decodeStructured(bytes: Buffer, encoding: 'json' | 'msgpack'): unknown {
  if (encoding === 'msgpack') return loadedMsgpack().unpack(bytes);
  return JSON.parse(bytes.toString('utf8'));
}

function plainBigints(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** What was typed, as bytes. Throws a usage error for text that is not of the encoding. */
export function encodeText(text: string, encoding: Encoding): Buffer {
  switch (encoding) {
    case 'text':
      return Buffer.from(text);
    case 'hex':
      if (!/^([0-9a-f]{2})*$/i.test(text)) throw notOf(text, encoding);
      return Buffer.from(text, 'hex');
    case 'base64':
      if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) throw notOf(text, encoding);
      return Buffer.from(text, 'base64');
    case 'json':
      return Buffer.from(JSON.stringify(parseJson(text, encoding)));
    case 'msgpack':
      return loadedMsgpack().pack(parseJson(text, encoding));
  }
}

function parseJson(text: string, encoding: Encoding): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notOf(text, encoding, cause);
  }
}

function notOf(text: string, encoding: Encoding, cause?: unknown): Error {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  const wanted = encoding === 'msgpack' ? 'JSON (to be packed as msgpack)' : encoding;
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return usageError(`'${shown}' is not ${wanted}${why}`);
}

/** A field of a JSON record, with the name of its encoding where text alone would not bring the bytes back. */
export interface JsonField {
  readonly value: unknown;
  readonly encoding?: 'base64' | 'hex' | 'json' | 'msgpack';
}

/**
 * A key or value for a JSON document: text when the bytes are UTF-8, else base64. With `json` or `msgpack` the value
 * itself, when the bytes hold one.
 */
export function toJsonField(bytes: Buffer | null, encoding: Encoding): JsonField {
  if (bytes === null) return { value: null };
  if (encoding === 'hex') return { value: bytes.toString('hex'), encoding: 'hex' };
  if (encoding === 'json' || encoding === 'msgpack') {
    try {
      const value = decodeStructured(bytes, encoding);
      // MessagePack has values that JSON would silently leave out.
      if (value !== undefined) return { value, encoding };
      return { value: bytes.toString('base64'), encoding: 'base64' };
    } catch {
      return { value: bytes.toString('base64'), encoding: 'base64' };
    }
  }
  if (encoding === 'text') {
    const text = bytes.toString('utf8');
    if (Buffer.from(text).equals(bytes)) return { value: text };
  }
  return { value: bytes.toString('base64'), encoding: 'base64' };
}

/** The bytes of a field that {@link toJsonField} made, or that somebody wrote by hand. */
export function fromJsonField(value: unknown, encoding: Encoding | undefined): Buffer | null {
  if (value === null || value === undefined) return null;
  if (encoding === 'json') return Buffer.from(JSON.stringify(value));
  if (encoding === 'msgpack') return loadedMsgpack().pack(value);
  if (typeof value === 'string') return encodeText(value, encoding ?? 'text');
  return Buffer.from(JSON.stringify(value));
}
