// Reads the primitive types of the Kafka protocol from one frame. Every length is compared with
// what the frame still holds before anything is allocated, and every failure is a ProtocolError.

import { STRING_BYTES_MAX } from '../../base/storable.ts';
import { ProtocolError } from './error.ts';
import { ZERO_UUID } from './field.ts';
import { emptyBuffer } from './layout.ts';

// Topic names, group ids and topic ids recur in nearly every request. Small direct-mapped caches
// give back the string made last time instead of a new one; a collision only costs the decoding
// that would have happened anyway.
const cachedTextMax = 64;
const textCache: string[] = new Array<string>(512).fill('');
const uuidWords = new Int32Array(256 * 4);
const uuidCache: string[] = new Array<string>(256).fill(ZERO_UUID);

/**
 * Reads without asking whether the bytes are there; `take` has asked. Buffer's own methods ask
 * again, at three times the cost of a whole OffsetCommit request (bench/micro/protocol.bench.ts).
 */
function int32At(buffer: Buffer, at: number): number {
  const a = buffer[at] as number;
  const b = buffer[at + 1] as number;
  const c = buffer[at + 2] as number;
  const d = buffer[at + 3] as number;
  return (a << 24) | (b << 16) | (c << 8) | d;
}

export class Reader {
  readonly buffer: Buffer;
  /** Offset of the next byte. */
  position: number;
  /** Offset behind the last byte that may be read. */
  end: number;
  /** Elements that all arrays together may still have: each costs more memory than the bytes it is read from. */
  elementsLeft = 0x7fff_ffff;

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer;
    this.position = position;
    this.end = buffer.byteLength;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  /** Moves on by `length` bytes and gives where they began. */
  private take(length: number): number {
    const start = this.position;
    if (length > this.end - start) throw this.cutShort(length);
    this.position = start + length;
    return start;
  }

  private cutShort(length: number): ProtocolError {
    return new ProtocolError(
      'malformed_message',
      `${length} bytes wanted at offset ${this.position}, but only ${this.remaining} are left`,
    );
  }

  private malformed(message: string): ProtocolError {
    return new ProtocolError('malformed_message', `${message} before offset ${this.position}`);
  }

  bool(): boolean {
    return this.buffer[this.take(1)] !== 0;
  }

  int8(): number {
    return ((this.buffer[this.take(1)] as number) << 24) >> 24;
  }

  int16(): number {
    return (this.uint16() << 16) >> 16;
  }

  uint16(): number {
    const start = this.take(2);
    return ((this.buffer[start] as number) << 8) | (this.buffer[start + 1] as number);
  }

  int32(): number {
    return int32At(this.buffer, this.take(4));
  }

  /**
   * A safe integer; what lies beyond becomes the nearest safe one, so that a hostile offset is
   * merely out of range.
   */
  int64(): number {
    const start = this.take(8);
    const high = int32At(this.buffer, start);
    if (high > 0x1fffff) return Number.MAX_SAFE_INTEGER;
    const low = int32At(this.buffer, start + 4) >>> 0;
    if (high < -0x200000 || (high === -0x200000 && low === 0)) return Number.MIN_SAFE_INTEGER;
    return high * 0x1_0000_0000 + low;
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8));
  }

  uuid(): string {
    const start = this.take(16);
    const a = int32At(this.buffer, start);
    const b = int32At(this.buffer, start + 4);
    const c = int32At(this.buffer, start + 8);
    const d = int32At(this.buffer, start + 12);
    if ((a | b | c | d) === 0) return ZERO_UUID;
    const slot = (a ^ b ^ c ^ d ^ (d >>> 8)) & 255;
    const word = slot * 4;
    if (
      uuidWords[word] === a &&
      uuidWords[word + 1] === b &&
      uuidWords[word + 2] === c &&
      uuidWords[word + 3] === d
    ) {
      return uuidCache[slot] ?? ZERO_UUID;
    }
    const text = this.buffer.toString('base64url', start, start + 16);
    uuidWords[word] = a;
    uuidWords[word + 1] = b;
    uuidWords[word + 2] = c;
    uuidWords[word + 3] = d;
    uuidCache[slot] = text;
    return text;
  }

  /** Up to 32 bits in at most five bytes. */
  unsignedVarint(): number {
    let byte = this.buffer[this.take(1)] as number;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift <= 28; shift += 7) {
      byte = this.buffer[this.take(1)] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (shift === 28 && byte > 0x0f) break;
        return value >>> 0;
      }
    }
    throw this.malformed('a varint longer than 32 bits');
  }

  string(): string {
    return this.text(this.required(this.int16()));
  }

  nullableString(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.text(length);
  }

  compactString(): string {
    return this.text(this.required(this.unsignedVarint() - 1));
  }

  compactNullableString(): string | null {
    const length = this.unsignedVarint() - 1;
    return length < 0 ? null : this.text(length);
  }

  bytes(): Buffer {
    return this.slice(this.required(this.int32()));
  }

  nullableBytes(): Buffer | null {
    const length = this.int32();
    return length < 0 ? null : this.slice(length);
  }

  compactBytes(): Buffer {
    return this.slice(this.required(this.unsignedVarint() - 1));
  }

  compactNullableBytes(): Buffer | null {
    const length = this.unsignedVarint() - 1;
    return length < 0 ? null : this.slice(length);
  }

  /**
   * Number of elements, or -1 for null; refused when that many of at least `leastSize` bytes cannot
   * be there.
   */
  arrayLength(leastSize: number): number {
    return this.checkedLength(this.int32(), leastSize);
  }

  compactArrayLength(leastSize: number): number {
    return this.checkedLength(this.unsignedVarint() - 1, leastSize);
  }

  private checkedLength(length: number, leastSize: number): number {
    if (length < 0) return -1;
    if (length * leastSize > this.remaining) throw this.cutShort(length * leastSize);
    this.elementsLeft -= length;
    if (this.elementsLeft < 0) throw this.malformed('more array elements than are allowed');
    return length;
  }

  /** Number of tagged fields that follow. */
  tagCount(): number {
    const count = this.unsignedVarint();
    if (count * 2 > this.remaining) throw this.cutShort(count * 2);
    return count;
  }

  /**
   * Limits reading to a tagged field of that size; give the result to `leaveTag` after reading it.
   */
  enterTag(size: number): number {
    if (size > this.remaining) throw this.cutShort(size);
    const outer = this.end;
    this.end = this.position + size;
    return outer;
  }

  leaveTag(outer: number): void {
    if (this.position !== this.end) throw this.malformed('a tagged field longer than its value');
    this.end = outer;
  }

  skip(length: number): void {
    this.take(length);
  }

  skipTags(): void {
    for (let left = this.tagCount(); left > 0; left--) {
      this.unsignedVarint();
      this.take(this.unsignedVarint());
    }
  }

  nullForbidden(): ProtocolError {
    return this.malformed('null where the version does not allow it');
  }

  private required(length: number): number {
    if (length < 0) throw this.nullForbidden();
    return length;
  }

  private slice(length: number): Buffer {
    const start = this.take(length);
    return length === 0 ? emptyBuffer : this.buffer.subarray(start, start + length);
  }

  private text(length: number): string {
    const start = this.take(length);
    if (length === 0) return '';
    const { buffer } = this;
    if (length > cachedTextMax) {
      if (length > STRING_BYTES_MAX) throw this.malformed(`a string of ${length} bytes`);
      return buffer.toString('utf8', start, start + length);
    }
    const first = buffer[start] as number;
    const middle = buffer[start + (length >>> 1)] as number;
    const last = buffer[start + length - 1] as number;
    const slot = ((length * 31) ^ (first * 7) ^ (middle * 61) ^ (last * 17)) & 511;
    const cached = textCache[slot] ?? '';
    if (cached.length === length && sameText(buffer, start, cached)) return cached;
    const text = buffer.toString('utf8', start, start + length);
    // As many UTF-16 units as bytes: either all ASCII, or replaced characters that no byte compares
    // equal to.
    if (text.length === length) textCache[slot] = text;
    return text;
  }
}

function sameText(buffer: Buffer, start: number, text: string): boolean {
  for (let i = text.length - 1; i >= 0; i--) {
    if (text.charCodeAt(i) !== buffer[start + i]) return false;
  }
  return true;
}
