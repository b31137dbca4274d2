// Writes the primitive types of the Kafka protocol into a row of chunks. Small values are copied
// into growing buffers; record batches and other large bytes are appended by reference, so a Fetch
// response leaves as one `writev`.

import { type Chunk, isBufferList, isFileRegion, type Payload } from '../../base/payload.ts';
import { STRING_BYTES_MAX } from '../../base/storable.ts';
import { ProtocolError } from './error.ts';
import { ZERO_UUID } from './field.ts';

/** One piece of an encoded message. */
export type { Chunk };

/** Shorter bytes are cheaper to copy than to carry as a chunk of their own. */
const byReferenceMin = 1024;
/**
 * A full buffer with less pending than this is copied into a larger one; beyond it becomes a chunk.
 */
const copyOnGrowthMax = 16 * 1024;
const bufferMax = 256 * 1024;

const base64Codes = new Int8Array(128).fill(-1);
for (const [code, char] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
].entries()) {
  base64Codes[char.charCodeAt(0)] = code;
}

export class Writer {
  private buffer: Buffer;
  private position = 0;
  /** Where the bytes of `buffer` begin that are not in `chunks` yet. */
  private start = 0;
  private readonly chunks: Chunk[] = [];
  private flushedLength = 0;

  /** `sizeHint` is the room taken at first, in bytes. */
  constructor(sizeHint = 512) {
    this.buffer = Buffer.allocUnsafe(sizeHint);
  }

  /** Bytes written so far. */
  get byteLength(): number {
    return this.flushedLength + this.position - this.start;
  }

  /** Makes room for `length` bytes that `put…` methods then write without asking. */
  reserve(length: number): void {
    if (this.position + length > this.buffer.byteLength) this.grow(length);
  }

  private grow(length: number): void {
    const pending = this.position - this.start;
    const carried = pending <= copyOnGrowthMax ? pending : 0;
    const size = Math.max(Math.min(this.buffer.byteLength * 2, bufferMax), carried + length);
    const next = Buffer.allocUnsafe(size);
    if (carried > 0) this.buffer.copy(next, 0, this.start, this.position);
    else this.flush();
    this.buffer = next;
    this.start = 0;
    this.position = carried;
  }

  private flush(): void {
    if (this.position === this.start) return;
    this.chunks.push(this.buffer.subarray(this.start, this.position));
    this.flushedLength += this.position - this.start;
    this.start = this.position;
  }

  putBool(value: boolean): void {
    if (typeof value !== 'boolean') throw unfit('a boolean', value);
    this.buffer[this.position++] = value ? 1 : 0;
  }

  putInt8(value: number): void {
    if ((value << 24) >> 24 !== value) throw unfit('an int8', value);
    this.buffer[this.position++] = value;
  }

  putInt16(value: number): void {
    if ((value << 16) >> 16 !== value) throw unfit('an int16', value);
    this.buffer[this.position++] = value >>> 8;
    this.buffer[this.position++] = value;
  }

  putUint16(value: number): void {
    if ((value & 0xffff) !== value) throw unfit('a uint16', value);
    this.buffer[this.position++] = value >>> 8;
    this.buffer[this.position++] = value;
  }

  putInt32(value: number): void {
    if ((value | 0) !== value) throw unfit('an int32', value);
    this.put32(value);
  }

  private put32(value: number): void {
    const { buffer } = this;
    const p = this.position;
    buffer[p] = value >>> 24;
    buffer[p + 1] = value >>> 16;
    buffer[p + 2] = value >>> 8;
    buffer[p + 3] = value;
    this.position = p + 4;
  }

  putInt64(value: number): void {
    if (!Number.isSafeInteger(value)) throw unfit('a safe integer', value);
    const high = Math.floor(value / 0x1_0000_0000);
    this.put32(high);
    this.put32(value - high * 0x1_0000_0000);
  }

  putFloat64(value: number): void {
    if (typeof value !== 'number') throw unfit('a number', value);
    this.position = this.buffer.writeDoubleBE(value, this.position);
  }

  putUuid(value: string): void {
    if (value === ZERO_UUID) {
      this.buffer.fill(0, this.position, this.position + 16);
      this.position += 16;
      return;
    }
    if (typeof value !== 'string' || value.length !== 22) throw unfit('a UUID', value);
    let bits = 0;
    let held = 0;
    for (let i = 0; i < 22; i++) {
      const code = base64Codes[value.charCodeAt(i)] ?? -1;
      if (code < 0) throw unfit('a UUID', value);
      bits = ((bits << 6) | code) & 0xffff;
      held += 6;
      if (held >= 8) {
        held -= 8;
        this.buffer[this.position++] = bits >>> held;
      }
    }
    // 22 characters hold four bits more than a UUID; two spellings of one id would not compare
    // equal.
    if ((bits & 0x0f) !== 0) throw unfit('a UUID', value);
  }

  unsignedVarint(value: number): void {
    this.reserve(5);
    let left = value;
    while (left > 0x7f) {
      this.buffer[this.position++] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    this.buffer[this.position++] = left;
  }

  string(value: string): void {
    if (typeof value !== 'string') throw unfit('a string', value);
    this.reserve(2 + value.length * 3);
    const at = this.position;
    this.position += 2;
    const length = this.text(value);
    if (length > STRING_BYTES_MAX) throw longText(value);
    this.buffer[at] = length >>> 8;
    this.buffer[at + 1] = length;
  }

  nullableString(value: string | null): void {
    if (value === null) {
      this.reserve(2);
      this.putInt16(-1);
    } else {
      this.string(value);
    }
  }

  compactString(value: string): void {
    if (typeof value !== 'string') throw unfit('a string', value);
    this.reserve(5 + value.length * 3);
    // Up to 42 characters take at most 126 bytes, so their length takes one byte.
    if (value.length > 42) {
      const length = Buffer.byteLength(value);
      if (length > STRING_BYTES_MAX) throw longText(value);
      this.unsignedVarint(length + 1);
      this.text(value);
      return;
    }
    const at = this.position++;
    this.buffer[at] = this.text(value) + 1;
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.unsignedVarint(0);
    else this.compactString(value);
  }

  /** Writes UTF-8 into reserved room and gives the number of bytes. */
  private text(value: string): number {
    const { buffer } = this;
    const at = this.position;
    const { length } = value;
    if (length <= 64) {
      let i = 0;
      for (; i < length; i++) {
        const code = value.charCodeAt(i);
        if (code > 0x7f) break;
        buffer[at + i] = code;
      }
      if (i === length) {
        this.position = at + length;
        return length;
      }
    }
    const written = buffer.write(value, at, 'utf8');
    this.position = at + written;
    return written;
  }

  bytes(value: Buffer): void {
    if (!Buffer.isBuffer(value)) throw unfit('a Buffer', value);
    this.reserve(4);
    this.putInt32(value.byteLength);
    this.raw(value);
  }

  nullableBytes(value: Buffer | null): void {
    if (value === null) {
      this.reserve(4);
      this.putInt32(-1);
    } else {
      this.bytes(value);
    }
  }

  compactBytes(value: Buffer): void {
    if (!Buffer.isBuffer(value)) throw unfit('a Buffer', value);
    this.unsignedVarint(value.byteLength + 1);
    this.raw(value);
  }

  compactNullableBytes(value: Buffer | null): void {
    if (value === null) this.unsignedVarint(0);
    else this.compactBytes(value);
  }

  records(value: Payload | null): void {
    this.reserve(4);
    this.putInt32(recordsLength(value));
    if (value !== null) this.payload(value);
  }

  compactRecords(value: Payload | null): void {
    this.unsignedVarint(recordsLength(value) + 1);
    if (value !== null) this.payload(value);
  }

  private payload(value: Payload): void {
    if (Buffer.isBuffer(value)) this.raw(value);
    else if (isBufferList(value)) for (const part of value) this.raw(part);
    else this.append(value);
  }

  /**
   * Bytes without a length: copied when short, else by reference, so they must not change until
   * they are sent.
   */
  raw(value: Buffer): void {
    if (value.byteLength >= byReferenceMin) {
      this.append(value);
      return;
    }
    this.reserve(value.byteLength);
    value.copy(this.buffer, this.position);
    this.position += value.byteLength;
  }

  private append(value: Chunk): void {
    this.flush();
    this.chunks.push(value);
    this.flushedLength += value.byteLength;
  }

  /** A writer for the value of a tagged field, whose length comes before it; give it to `tag`. */
  nested(): Writer {
    return new Writer(64);
  }

  /** Appends a tagged field. */
  tag(tag: number, value: Writer): void {
    this.unsignedVarint(tag);
    this.unsignedVarint(value.byteLength);
    for (const chunk of value.finish()) {
      if (Buffer.isBuffer(chunk)) this.raw(chunk);
      else this.append(chunk);
    }
  }

  /** What was written. The writer is used up. */
  finish(): Chunk[] {
    // Most messages are one chunk: a row of exactly one is a tenth of the memory that a growing one takes.
    if (this.chunks.length === 0 && this.position > this.start) {
      return [this.buffer.subarray(this.start, this.position)];
    }
    this.flush();
    return this.chunks;
  }

  /** As `finish`, joined; for messages without file regions. */
  toBuffer(): Buffer {
    const parts: Buffer[] = [];
    for (const chunk of this.finish()) {
      if (isFileRegion(chunk)) throw unfit('bytes in memory', 'a file region');
      parts.push(chunk);
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  }
}

function recordsLength(value: Payload | null): number {
  if (value === null) return -1;
  if (Buffer.isBuffer(value)) return value.byteLength;
  if (isBufferList(value)) return value.reduce((total, part) => total + part.byteLength, 0);
  if (typeof value?.byteLength !== 'number') throw unfit('records', value);
  return value.byteLength;
}

function longText(value: string): ProtocolError {
  return unfit(`a string of at most ${STRING_BYTES_MAX} bytes`, `${value.slice(0, 20)}…`);
}

/** The error for a value of ours that its field cannot carry. */
export function unfit(wanted: string, value: unknown): ProtocolError {
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return new ProtocolError('unencodable_value', `not ${wanted}: ${shown.slice(0, 100)}`);
}
