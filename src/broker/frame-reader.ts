// Cuts the bytes of a connection into frames: an int32 length, then that many bytes.
//
// Small frames arrive in a scratch buffer that all connections share (an idle connection holds no
// memory) and are copied out at their exact size. Once the length of a larger frame is known, the
// rest of it is read straight into its own buffer: a record batch is in one piece of memory without
// being copied, and the garbage collector sees one buffer for it (decision 8). A frame's buffer grows
// as bytes arrive: a length that promises much and sends little costs little.

import { TidemarkError } from '../base/errors.ts';
import { type FrameSource, plainFrames } from './frame-memory.ts';

/** Shared by all readers: bytes stay here only within one `advance`. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);
/**
 * Room taken at once for a frame of at least this size; beyond it the room doubles as bytes arrive.
 */
const ROOM_FIRST = 2 * 1024 * 1024;
const LENGTH_BYTES = 4;
const API_KEY_BYTES = 2;
const none = Buffer.alloc(0);

/** A length prefix that no request may have: the stream cannot be trusted any more. */
export class FrameError extends TidemarkError<'frame_too_large' | 'frame_negative'> {}

export class FrameReader {
  readonly #lengthMax: number;
  readonly #onFrame: (frame: Buffer) => void;
  readonly #source: FrameSource;
  /** Bytes of a length prefix that was cut. */
  readonly #prefix = Buffer.alloc(LENGTH_BYTES);
  #prefixLength = 0;
  /** Buffer of the frame that is being read into directly, and how much of it is there. */
  #frame: Buffer = none;
  #filled = 0;
  #length = 0;
  #apiKey = -1;
  #reading = false;

  /**
   * Frames longer than `lengthMax` bytes are refused. Each frame belongs to who `onFrame` gives it
   * to, who may give it back to the `source`.
   */
  constructor(
    lengthMax: number,
    onFrame: (frame: Buffer) => void,
    source: FrameSource = plainFrames,
  ) {
    this.#lengthMax = lengthMax;
    this.#onFrame = onFrame;
    this.#source = source;
  }

  /** Memory held for a frame that is not complete. */
  get heldBytes(): number {
    return this.#frame.byteLength;
  }

  /** Whether a frame has begun and is not complete. */
  get midFrame(): boolean {
    return this.#reading || this.#prefixLength > 0;
  }

  /** Where the next bytes of the connection are to be put. */
  readBuffer(): Buffer {
    return this.#reading ? this.#frame.subarray(this.#filled) : scratch;
  }

  /** Takes in `length` bytes put where `readBuffer` said. Throws {@link FrameError}. */
  advance(length: number): void {
    if (!this.#reading) {
      this.#split(length);
      return;
    }
    this.#filled += length;
    if (this.#filled === this.#length) this.#complete();
    else if (this.#filled === this.#frame.byteLength) this.#grow();
  }

  /** Cuts up the first `end` bytes of the scratch buffer. */
  #split(end: number): void {
    const bytes = scratch;
    let position = 0;
    while (position < end) {
      if (this.#prefixLength > 0 || end - position < LENGTH_BYTES) {
        const taken = Math.min(LENGTH_BYTES - this.#prefixLength, end - position);
        bytes.copy(this.#prefix, this.#prefixLength, position, position + taken);
        this.#prefixLength += taken;
        position += taken;
        if (this.#prefixLength < LENGTH_BYTES) return;
        this.#prefixLength = 0;
        this.#begin(this.#prefix.readInt32BE(0));
      } else {
        this.#begin(bytes.readInt32BE(position));
        position += LENGTH_BYTES;
      }
      const taken = Math.min(this.#length, end - position);
      const whole = taken === this.#length;
      this.#apiKey = taken >= API_KEY_BYTES ? bytes.readInt16BE(position) : -1;
      const room = whole ? taken : Math.min(this.#length, ROOM_FIRST);
      this.#frame = this.#source.take(room, this.#apiKey);
      bytes.copy(this.#frame, 0, position, position + taken);
      position += taken;
      this.#filled = taken;
      if (whole) this.#complete();
      else if (this.#filled === this.#frame.byteLength) this.#grow();
    }
  }

  #begin(length: number): void {
    if (length < 0) throw new FrameError('frame_negative', `a frame of ${length} bytes`);
    if (length > this.#lengthMax) {
      const limit = `socket.request.max.bytes (${this.#lengthMax})`;
      const message = `a frame of ${length} bytes, above ${limit}`;
      throw new FrameError('frame_too_large', message);
    }
    this.#length = length;
    this.#reading = true;
  }

  #grow(): void {
    const before = this.#frame;
    const room = Math.min(this.#length, before.byteLength * 2);
    this.#frame = this.#source.take(room, this.#apiKey);
    before.copy(this.#frame, 0, 0, this.#filled);
    this.#source.give(before);
  }

  #complete(): void {
    const frame = this.#frame;
    this.#frame = none;
    this.#filled = 0;
    this.#reading = false;
    this.#onFrame(frame);
  }
}
