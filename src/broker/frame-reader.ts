// Cuts the bytes of a connection into frames: an int32 length, then that many bytes.
//
// A frame that lies within what was read at once is a slice of it; a longer one is copied once, into a buffer of its
// own, so that a record batch is one piece of memory. That buffer grows as bytes arrive: a length that promises much
// and sends little costs little, and an idle connection holds nothing.

import { TidemarkError } from '../base/errors.ts';

/** Room taken at once for a frame of at least this size; beyond it the room doubles as bytes arrive. */
const ROOM_FIRST = 2 * 1024 * 1024;
const LENGTH_BYTES = 4;
const none = Buffer.alloc(0);

/** A length prefix that no request may have: the stream cannot be trusted any more. */
export class FrameError extends TidemarkError<'frame_too_large' | 'frame_negative'> {}

export class FrameReader {
  readonly #lengthMax: number;
  readonly #onFrame: (frame: Buffer) => void;
  /** Bytes of a length prefix that was cut. */
  readonly #prefix = Buffer.alloc(LENGTH_BYTES);
  #prefixLength = 0;
  /** Buffer of the frame that did not come at once, how much of it is there, and how long it will be. */
  #frame = none;
  #filled = 0;
  #length = -1;

  /** Frames longer than `lengthMax` bytes are refused. Each frame belongs to who `onFrame` gives it to. */
  constructor(lengthMax: number, onFrame: (frame: Buffer) => void) {
    this.#lengthMax = lengthMax;
    this.#onFrame = onFrame;
  }

  /** Memory held for a frame that is not complete. */
  get heldBytes(): number {
    return this.#frame.byteLength;
  }

  /** Whether a frame has begun and is not complete. */
  get midFrame(): boolean {
    return this.#length >= 0 || this.#prefixLength > 0;
  }

  /** Takes in the next bytes, which nobody writes to again. Throws {@link FrameError}. */
  push(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.byteLength) {
      if (this.#length < 0) position = this.#readPrefix(chunk, position);
      else if (this.#filled > 0) position = this.#fill(chunk, position);
      if (this.#length >= 0 && this.#filled === 0) position = this.#open(chunk, position);
    }
  }

  /** Reads the length of the next frame; answers the position behind it. */
  #readPrefix(chunk: Buffer, position: number): number {
    const left = chunk.byteLength - position;
    if (this.#prefixLength === 0 && left >= LENGTH_BYTES) {
      this.#length = this.#checked(chunk.readInt32BE(position));
      return position + LENGTH_BYTES;
    }
    const taken = Math.min(LENGTH_BYTES - this.#prefixLength, left);
    chunk.copy(this.#prefix, this.#prefixLength, position, position + taken);
    this.#prefixLength += taken;
    if (this.#prefixLength === LENGTH_BYTES) {
      this.#prefixLength = 0;
      this.#length = this.#checked(this.#prefix.readInt32BE(0));
    }
    return position + taken;
  }

  #checked(length: number): number {
    if (length < 0) throw new FrameError('frame_negative', `a frame of ${length} bytes`);
    if (length > this.#lengthMax) {
      const message = `a frame of ${length} bytes, above socket.request.max.bytes (${this.#lengthMax})`;
      throw new FrameError('frame_too_large', message);
    }
    return length;
  }

  /** Begins a frame: gives it out when it is all there, else makes room for it. */
  #open(chunk: Buffer, position: number): number {
    const end = position + this.#length;
    if (end <= chunk.byteLength) {
      this.#length = -1;
      this.#onFrame(chunk.subarray(position, end));
      return end;
    }
    if (position === chunk.byteLength) return position;
    const room = Math.max(chunk.byteLength - position, Math.min(this.#length, ROOM_FIRST));
    this.#frame = Buffer.allocUnsafe(room);
    return this.#fill(chunk, position);
  }

  #fill(chunk: Buffer, start: number): number {
    let position = start;
    while (position < chunk.byteLength && this.#filled < this.#length) {
      if (this.#filled === this.#frame.byteLength) this.#grow();
      const copied = chunk.copy(this.#frame, this.#filled, position);
      this.#filled += copied;
      position += copied;
    }
    if (this.#filled === this.#length) this.#complete();
    return position;
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(Math.min(this.#length, this.#frame.byteLength * 2));
    this.#frame.copy(larger, 0, 0, this.#filled);
    this.#frame = larger;
  }

  #complete(): void {
    const frame = this.#frame;
    this.#frame = none;
    this.#filled = 0;
    this.#length = -1;
    this.#onFrame(frame);
  }
}
