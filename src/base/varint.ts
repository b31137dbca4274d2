// Variable-length integers as in Protocol Buffers, the way Kafka's records and flexible messages
// use them: seven bits a byte, lowest first; signed values zigzag-coded (0, -1, 1, -2 … become 0,
// 1, 2, 3 …). Source: org.apache.kafka.common.utils.ByteUtils.

import { TidemarkError } from './errors.ts';

/** A place in a buffer that reading moves forward. */
export interface Cursor {
  position: number;
}

/** Bytes that are no valid variable-length integer; the cursor's place is then unspecified. */
export class VarintError extends TidemarkError<'invalid_varint'> {
  constructor(message: string) {
    super('invalid_varint', message);
  }
}

function truncated(position: number): VarintError {
  return new VarintError(`a variable-length integer is cut off at byte ${position}`);
}

/**
 * Reads an unsigned varint of at most 32 bits, from `cursor` and before `limit` (an index ≤ the
 * buffer's length). Throws {@link VarintError} when it is cut off or too long.
 */
export function readUnsignedVarint(bytes: Uint8Array, cursor: Cursor, limit: number): number {
  let position = cursor.position;
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    if (position >= limit) throw truncated(position);
    const byte = bytes[position++] as number;
    if (shift === 28 && byte > 0x0f) break;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      cursor.position = position;
      return value >>> 0;
    }
  }
  throw new VarintError(`a varint at byte ${cursor.position} is longer than 32 bits`);
}

/** Reads a zigzag varint (int32). Throws {@link VarintError} as {@link readUnsignedVarint} does. */
export function readVarint(bytes: Uint8Array, cursor: Cursor, limit: number): number {
  const position = cursor.position;
  if (position < limit) {
    const byte = bytes[position] as number;
    if (byte < 0x80) {
      cursor.position = position + 1;
      return (byte >>> 1) ^ -(byte & 1);
    }
  }
  const value = readUnsignedVarint(bytes, cursor, limit);
  return (value >>> 1) ^ -(value & 1);
}

/**
 * Reads a zigzag varlong (int64) as a number. Throws {@link VarintError} when it is cut off, longer
 * than ten bytes, or outside the safe integers.
 */
export function readVarlong(bytes: Uint8Array, cursor: Cursor, limit: number): number {
  const start = cursor.position;
  if (start >= limit) throw truncated(start);
  const first = bytes[start] as number;
  // The lowest bit is the sign, so the magnitude alone is summed up: 53 bits, exact in a double.
  let magnitude = (first & 0x7f) >>> 1;
  let byte = first;
  let position = start + 1;
  let scale = 64;
  while (byte >= 0x80) {
    if (position - start >= 10) {
      throw new VarintError(`a varlong at byte ${start} is longer than ten bytes`);
    }
    if (position >= limit) throw truncated(position);
    byte = bytes[position++] as number;
    magnitude += (byte & 0x7f) * scale;
    scale *= 128;
  }
  const value = (first & 1) === 0 ? magnitude : -magnitude - 1;
  if (!Number.isSafeInteger(value)) {
    throw new VarintError(`a varlong at byte ${start} is outside the safe integers`);
  }
  cursor.position = position;
  return value;
}

/** Bytes that {@link writeUnsignedVarint} takes for `value` (0 … 2³²−1). */
export function unsignedVarintSize(value: number): number {
  return value < 0x80 ? 1 : ((38 - Math.clz32(value)) * 0x2493) >>> 16;
}

/** Bytes that {@link writeVarint} takes for `value` (an int32). */
export function varintSize(value: number): number {
  return unsignedVarintSize(((value << 1) ^ (value >> 31)) >>> 0);
}

/** Bytes that {@link writeVarlong} takes for `value` (a safe integer). */
export function varlongSize(value: number): number {
  let magnitude = value >= 0 ? value : -value - 1;
  let size = 1;
  for (magnitude = Math.floor(magnitude / 64); magnitude > 0; size++) {
    magnitude = Math.floor(magnitude / 128);
  }
  return size;
}

/** Writes an unsigned varint (0 … 2³²−1) at `position` and returns the position after it. */
export function writeUnsignedVarint(bytes: Uint8Array, position: number, value: number): number {
  let rest = value;
  let next = position;
  while (rest >>> 0 >= 0x80) {
    bytes[next++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[next++] = rest;
  return next;
}

/** Writes a zigzag varint (an int32) at `position` and returns the position after it. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  return writeUnsignedVarint(bytes, position, ((value << 1) ^ (value >> 31)) >>> 0);
}

/** Writes a zigzag varlong (a safe integer) at `position` and returns the position after it. */
export function writeVarlong(bytes: Uint8Array, position: number, value: number): number {
  if (value === (value | 0)) return writeVarint(bytes, position, value);
  let rest = value >= 0 ? value : -value - 1;
  let byte = (rest % 64) * 2 + (value >= 0 ? 0 : 1);
  let next = position;
  for (rest = Math.floor(rest / 64); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[next++] = byte | 0x80;
    byte = rest % 128;
  }
  bytes[next++] = byte;
  return next;
}
