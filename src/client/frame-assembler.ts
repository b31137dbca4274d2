// Cuts what a socket brings into frames: an int32 length, then that many bytes. Once the length of a large frame is
// known, the rest of it is read straight into its own buffer: records are in one piece of memory without being copied,
// and the garbage collector sees one buffer for an answer, not one for every 64 KiB.

import { ClientError } from './errors.ts';

/** Shared by all connections: bytes stay here only within one {@link FrameAssembler.advance}. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);
const LENGTH_BYTES = 4;

/** Whether these four bytes begin a TLS alert: type 21, version 3.0 to 3.4 (RFC 8446). No first answer is so long. */
function isTlsAlert(length: number): boolean {
  return length >= 0x15030000 && length < 0x15030500;
}

/**
 * Room taken at once for a frame, as much as most answers need; beyond it the room doubles as bytes arrive, so that a
 * wrong length costs little.
 */
const ROOM_FIRST = 8 * 1024 * 1024;

export interface FrameAssemblerOptions {
  /** Longer frames are not believed. */
  readonly lengthMax: number;
  /** Each frame belongs to who it is given to. */
  onFrame(frame: Buffer): void;
  /** Memory for the next frame, of so many bytes; null: some is made. */
  memoryFor(length: number): Buffer | null;
}

export class FrameAssembler {
  readonly #options: FrameAssemblerOptions;
  readonly #prefix = Buffer.alloc(LENGTH_BYTES);
  #prefixed = 0;
  #isFirst = true;
  /** The frame that is coming, as far as there is room for it. */
  #frame: Buffer | null = null;
  #filled = 0;
  #length = 0;

  constructor(options: FrameAssemblerOptions) {
    this.#options = options;
  }

  /** Where the next bytes of the socket are to be put; never empty. */
  readBuffer(): Buffer {
    return this.#frame?.subarray(this.#filled) ?? scratch;
  }

  /** Takes in `length` bytes that were put where {@link readBuffer} said. Throws ClientError `bad_response`. */
  advance(length: number): void {
    if (this.#frame === null) this.push(scratch.subarray(0, length));
    else this.#came(this.#frame, length);
  }

  /** Takes in bytes that are somewhere else. Throws ClientError `bad_response`. */
  push(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      const frame = this.#frame;
      if (frame === null) {
        at += this.#begin(bytes, at);
        continue;
      }
      const taken = bytes.copy(frame, this.#filled, at);
      at += taken;
      this.#came(frame, taken);
    }
  }

  /** Reads on in the length of the next frame; answers how many bytes it took. */
  #begin(bytes: Buffer, at: number): number {
    const taken = bytes.copy(this.#prefix, this.#prefixed, at);
    this.#prefixed += taken;
    if (this.#prefixed < LENGTH_BYTES) return taken;
    this.#prefixed = 0;
    const length = this.#prefix.readInt32BE(0);
    if (length < 0 || length > this.#options.lengthMax || (this.#isFirst && isTlsAlert(length))) {
      throw new ClientError('bad_response', this.#tooLong(length));
    }
    this.#isFirst = false;
    this.#length = length;
    this.#filled = 0;
    const lent = this.#options.memoryFor(length);
    this.#frame = lent ?? Buffer.allocUnsafe(Math.min(length, ROOM_FIRST));
    if (length === 0) this.#came(this.#frame, 0);
    return taken;
  }

  #tooLong(length: number): string {
    const text = this.#prefix.toString('latin1');
    if (text === 'HTTP') return 'its answer is one of an HTTP server; is that the right port?';
    if (/^[\x20-\x7e\r\n]{4}$/.test(text)) return `its answer begins with the text '${text}'`;
    if (this.#isFirst && isTlsAlert(length)) {
      return 'its answer is one of a TLS server: connect with TLS (tls: true)';
    }
    return `an answer of ${length} bytes was announced, ${this.#options.lengthMax} are allowed`;
  }

  #came(frame: Buffer, length: number): void {
    this.#filled += length;
    if (this.#filled === this.#length) {
      this.#frame = null;
      this.#options.onFrame(frame);
    } else if (this.#filled === frame.length) {
      const roomier = Buffer.allocUnsafe(Math.min(this.#length, frame.length * 2));
      frame.copy(roomier);
      this.#frame = roomier;
    }
  }
}
