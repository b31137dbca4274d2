// The obvious codec: closures over the schema, one per field. It stands in where generated code is
// forbidden (`--disallow-code-generation-from-strings`), and is what the property tests compare
// `compile.ts` with.

import type { Codec, Complete } from './codec.ts';
import { itemLeastSize } from './compile.ts';
import { ProtocolError } from './error.ts';
import type { Field, Fields, ScalarKind } from './field.ts';
import {
  absentFields,
  fallbackOf,
  fixedFields,
  fixedWidth,
  isFallback,
  isNullable,
  type Layout,
  nullMarker,
  recordsInMemory,
  taggedFields,
} from './layout.ts';
import type { Reader } from './reader.ts';
import { unfit, type Writer } from './writer.ts';

type Values = Record<string, unknown>;
type Read = (reader: Reader) => unknown;
type Write = (writer: Writer, value: unknown) => void;

export function interpretCodec(fields: Fields, layout: Layout): Codec {
  return { read: structRead(fields, layout), write: structWrite(fields, layout) };
}

export function interpretComplete(fields: Fields): Complete {
  const entries = Object.entries(fields);
  return (value) => {
    const given = value as Values;
    return Object.fromEntries(entries.map(([name, f]) => [name, completed(f, given[name])]));
  };
}

function completed(field: Field, value: unknown): unknown {
  if (value === undefined) return fallbackOf(field);
  if (field.kind === 'records') return recordsInMemory(value as Buffer | null);
  if (value === null || field.of === undefined) return value;
  const complete = interpretComplete(field.of);
  return field.kind === 'array' ? (value as unknown[]).map(complete) : complete(value);
}

function structRead(fields: Fields, layout: Layout): Read {
  // In schema order, which is wire order for the fixed part; a tagged field may replace its
  // fallback below.
  const fixed = new Set(fixedFields(fields, layout.version).map(([name]) => name));
  const entries = Object.entries(fields).map(
    ([name, f]) => [name, fixed.has(name) ? fieldRead(f, layout) : () => fallbackOf(f)] as const,
  );
  const tags = new Map(
    taggedFields(fields, layout.version).map(([name, f]) => [
      f.tag,
      [name, fieldRead(f, layout)] as const,
    ]),
  );
  return (reader) => {
    const value: Values = {};
    for (const [name, read] of entries) value[name] = read(reader);
    for (let left = layout.flexible ? reader.tagCount() : 0; left > 0; left--) {
      const tag = reader.unsignedVarint();
      const size = reader.unsignedVarint();
      const known = tags.get(tag);
      if (known === undefined) {
        reader.skip(size);
      } else {
        const outer = reader.enterTag(size);
        value[known[0]] = known[1](reader);
        reader.leaveTag(outer);
      }
    }
    return value;
  };
}

function fieldRead(field: Field, layout: Layout): Read {
  const nullable = isNullable(field, layout.version);
  const compact = layout.flexible && !field.plainLength;
  switch (field.kind) {
    case 'string':
      if (compact) return nullable ? (r) => r.compactNullableString() : (r) => r.compactString();
      return nullable ? (r) => r.nullableString() : (r) => r.string();
    case 'bytes':
    case 'records':
      if (compact) return nullable ? (r) => r.compactNullableBytes() : (r) => r.compactBytes();
      return nullable ? (r) => r.nullableBytes() : (r) => r.bytes();
    case 'array':
      return arrayRead(field, layout);
    case 'struct': {
      const read = structRead(field.of ?? {}, layout);
      if (!nullable) return read;
      if (field.tag < 0) return (r) => (r.int8() < 0 ? null : read(r));
      return (r) => (r.unsignedVarint() === 0 ? null : read(r));
    }
    default:
      return scalarRead(field.kind, layout);
  }
}

function scalarRead(kind: ScalarKind, layout: Layout): Read {
  if (kind === 'string') return (r) => (layout.flexible ? r.compactString() : r.string());
  if (kind === 'bytes') return (r) => (layout.flexible ? r.compactBytes() : r.bytes());
  return (r) => r[kind]();
}

function arrayRead(field: Field, layout: Layout): Read {
  const least = itemLeastSize(field, layout);
  const read =
    field.item === undefined ? structRead(field.of ?? {}, layout) : scalarRead(field.item, layout);
  return (r) => {
    const length = layout.flexible ? r.compactArrayLength(least) : r.arrayLength(least);
    if (length < 0) {
      if (isNullable(field, layout.version)) return null;
      throw r.nullForbidden();
    }
    const items: unknown[] = [];
    for (let i = 0; i < length; i++) items.push(read(r));
    return items;
  };
}

function structWrite(fields: Fields, layout: Layout): Write {
  const { version } = layout;
  const forbidden = absentFields(fields, version).filter(([, f]) => !f.ignorable);
  const writers = (entries: [string, Field][]) =>
    entries.map(([name, f]) => ({ name, field: f, write: fieldWrite(f, layout) }));
  const fixed = writers(fixedFields(fields, version));
  const tags = writers(taggedFields(fields, version));
  return (writer, given) => {
    const value = given as Values;
    for (const [name, f] of forbidden) {
      if (!isFallback(f, value[name])) {
        throw new ProtocolError(
          'unencodable_value',
          `version ${version} has no field ${name}, yet it is set`,
        );
      }
    }
    for (const { name, field, write } of fixed) {
      write(writer, value[name] === undefined ? fallbackOf(field) : value[name]);
    }
    if (!layout.flexible) return;
    const set = tags.filter(({ name, field }) => !isFallback(field, value[name]));
    writer.unsignedVarint(set.length);
    for (const { name, field, write } of set) {
      const nested = writer.nested();
      write(nested, value[name]);
      writer.tag(field.tag, nested);
    }
  };
}

function fieldWrite(field: Field, layout: Layout): Write {
  const nullable = isNullable(field, layout.version);
  const write = valueWrite(field, layout);
  return (w, value) => {
    if (value === null && !nullable) throw unfit('a value of this version', null);
    write(w, value);
  };
}

function valueWrite(field: Field, layout: Layout): Write {
  const compact = layout.flexible && !field.plainLength;
  switch (field.kind) {
    case 'string':
      if (compact) return (w, v) => w.compactNullableString(v as string | null);
      return (w, v) => w.nullableString(v as string | null);
    case 'bytes':
      if (compact) return (w, v) => w.compactNullableBytes(v as Buffer | null);
      return (w, v) => w.nullableBytes(v as Buffer | null);
    case 'records':
      return (w, v) =>
        compact ? w.compactRecords(v as Buffer | null) : w.records(v as Buffer | null);
    case 'array':
      return arrayWrite(field, layout);
    case 'struct': {
      const write = structWrite(field.of ?? {}, layout);
      if (!isNullable(field, layout.version)) return write;
      return (w, v) => {
        w.reserve(1);
        w.putInt8(v === null ? nullMarker(field) : 1);
        if (v !== null) write(w, v);
      };
    }
    default:
      return scalarWrite(field.kind, layout);
  }
}

function scalarWrite(kind: ScalarKind, layout: Layout): Write {
  if (kind === 'string') {
    return (w, v) => (layout.flexible ? w.compactString(v as string) : w.string(v as string));
  }
  if (kind === 'bytes') {
    return (w, v) => (layout.flexible ? w.compactBytes(v as Buffer) : w.bytes(v as Buffer));
  }
  const width = fixedWidth[kind] ?? 0;
  const put = puts[kind];
  return (w, v) => {
    w.reserve(width);
    put(w, v);
  };
}

const puts: { readonly [K in Exclude<ScalarKind, 'string' | 'bytes'>]: Write } = {
  bool: (w, v) => w.putBool(v as boolean),
  int8: (w, v) => w.putInt8(v as number),
  int16: (w, v) => w.putInt16(v as number),
  uint16: (w, v) => w.putUint16(v as number),
  int32: (w, v) => w.putInt32(v as number),
  int64: (w, v) => w.putInt64(v as number),
  float64: (w, v) => w.putFloat64(v as number),
  uuid: (w, v) => w.putUuid(v as string),
};

function arrayWrite(field: Field, layout: Layout): Write {
  const write =
    field.item === undefined
      ? structWrite(field.of ?? {}, layout)
      : scalarWrite(field.item, layout);
  return (w, value) => {
    if (value !== null && !Array.isArray(value)) throw unfit('an array', value);
    const length = value === null ? -1 : value.length;
    if (layout.flexible) {
      w.unsignedVarint(length + 1);
    } else {
      w.reserve(4);
      w.putInt32(length);
    }
    for (const item of value ?? []) write(w, item);
  };
}
