// What a field means in one version; shared by compiler, interpreter and tests.

import { isBufferList, type Payload } from '../../base/payload.ts';
import { ProtocolError } from './error.ts';
import { type Field, type Fields, type Kind, ZERO_UUID } from './field.ts';

/** Which encoding a struct has. */
export interface Layout {
  readonly version: number;
  /** Compact lengths and tagged fields (KIP-482). */
  readonly flexible: boolean;
}

export const emptyBuffer: Buffer = Buffer.alloc(0);

/** Bytes of the kinds that always take the same room. */
export const fixedWidth: { readonly [K in Kind]?: number } = {
  bool: 1,
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  int64: 8,
  float64: 8,
  uuid: 16,
};

export function isPresent(field: Field, version: number): boolean {
  return version >= field.since && version <= field.until;
}

export function isNullable(field: Field, version: number): boolean {
  return version >= field.nullableSince && version <= field.nullableUntil;
}

/**
 * The byte that stands for a null struct; 1 comes before any other. Kafka's generated classes read
 * it as an int8 below zero, but as an unsigned varint of zero where the struct is a tagged field.
 */
export function nullMarker(field: Field): number {
  return field.tag < 0 ? -1 : 0;
}

/** The fields of the fixed part in that version, in wire order. */
export function fixedFields(fields: Fields, version: number): [string, Field][] {
  return Object.entries(fields).filter(([, f]) => f.tag < 0 && isPresent(f, version));
}

/** The tagged fields in that version, by ascending tag, as they must be written. */
export function taggedFields(fields: Fields, version: number): [string, Field][] {
  return Object.entries(fields)
    .filter(([, f]) => f.tag >= 0 && isPresent(f, version))
    .sort(([, a], [, b]) => a.tag - b.tag);
}

/** Fields that the version does not carry. */
export function absentFields(fields: Fields, version: number): [string, Field][] {
  return Object.entries(fields).filter(([, f]) => !isPresent(f, version));
}

/** The fewest bytes a field takes: what bounds a hostile array length. */
export function leastSize(field: Field, layout: Layout): number {
  if (field.kind === 'struct') {
    return isNullable(field, layout.version) ? 1 : leastStructSize(field.of ?? {}, layout);
  }
  return leastKindSize(field.kind, layout);
}

export function leastKindSize(kind: Kind, layout: Layout): number {
  const fixed = fixedWidth[kind];
  if (fixed !== undefined) return fixed;
  if (layout.flexible) return 1;
  return kind === 'string' ? 2 : 4;
}

export function leastStructSize(fields: Fields, layout: Layout): number {
  let total = layout.flexible ? 1 : 0;
  for (const [, f] of fixedFields(fields, layout.version)) total += leastSize(f, layout);
  return total;
}

/** A fresh fallback value of the field. */
export function fallbackOf(field: Field): unknown {
  if (field.fallback !== undefined) return Array.isArray(field.fallback) ? [] : field.fallback;
  switch (field.kind) {
    case 'bool':
      return false;
    case 'uuid':
      return ZERO_UUID;
    case 'string':
      return '';
    case 'bytes':
      return emptyBuffer;
    case 'records':
      return null;
    case 'array':
      return [];
    case 'struct':
      return fallbackStruct(field.of ?? {});
    default:
      return 0;
  }
}

export function fallbackStruct(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, f]) => [name, fallbackOf(f)]));
}

/**
 * Whether a value equals the field's fallback: such a value is not written into tags and harms no
 * version.
 */
export function isFallback(field: Field, value: unknown): boolean {
  if (value === undefined) return true;
  const fallback = field.kind === 'struct' ? field.fallback : fallbackOf(field);
  if (value === null || fallback === null) return value === fallback;
  switch (field.kind) {
    case 'bytes':
      return (value as Buffer).byteLength === 0;
    case 'array':
      return (value as readonly unknown[]).length === 0;
    case 'struct':
      return Object.entries(field.of ?? {}).every(([name, f]) =>
        isFallback(f, (value as Record<string, unknown>)[name]),
      );
    default:
      return value === fallback;
  }
}

/**
 * Records as the other side of an in-process call sees them. Throws `ProtocolError` for a file
 * region: whoever answers in process loads it first.
 */
export function recordsInMemory(value: Payload | null): Buffer | null {
  if (value === null || Buffer.isBuffer(value)) return value;
  if (isBufferList(value)) return Buffer.concat(value);
  throw new ProtocolError('unencodable_value', 'records are still on disk; load them first');
}
