// Memory of frames that hold record batches, used again once a batch is on the disk (base/memory-pool.ts has why).
// Only what a handler gives back is used again: after a failure for instance a write to the disk may still read it.
// Small frames lie side by side in slabs, each used again from its beginning once all of its frames are back.

import { MemoryPool } from '../base/memory-pool.ts';

const POOL = {
  bytesMin: 4 * 1024,
  bytesMax: 4 * 1024 * 1024,
  slackBytes: 1024,
  keptBytesMax: 32 * 1024 * 1024,
};

const SLAB_BYTES = 64 * 1024;
/** Slabs without a frame that are kept. */
const SLABS_KEPT_MAX = 8;

/** Memory of small frames; `out` of them are in use. */
interface Slab {
  readonly bytes: Buffer;
  used: number;
  out: number;
}

/** Where a {@link FrameReader} puts frames. */
export interface FrameSource {
  /** Exactly `bytes` bytes, of any content, for a frame of the API `apiKey` (-1: not known yet). */
  take(bytes: number, apiKey: number): Buffer;
  /** Nobody reads or writes what {@link take} gave any more. To be told once for each. */
  give(frame: Buffer): void;
}

/** A buffer for each frame, left to the garbage collector. */
export const plainFrames: FrameSource = {
  take: (bytes) => Buffer.allocUnsafe(bytes),
  give() {},
};

export class FrameMemory implements FrameSource {
  readonly #apiKey: number;
  readonly #pool = new MemoryPool(POOL);
  readonly #slabs = new WeakMap<ArrayBufferLike, Slab>();
  readonly #freeSlabs: Slab[] = [];
  /** Where small frames go. */
  #slab = this.#newSlab();

  /** Frames of API `apiKey` are given back by their handler; others are made and forgotten. */
  constructor(apiKey: number) {
    this.#apiKey = apiKey;
  }

  /** Memory that is kept and not in use. */
  get keptBytes(): number {
    return this.#pool.keptBytes + this.#freeSlabs.length * SLAB_BYTES;
  }

  take(bytes: number, apiKey: number): Buffer {
    if (apiKey !== this.#apiKey) return Buffer.allocUnsafe(bytes);
    if (bytes < POOL.bytesMin) return this.#carve(bytes);
    return this.#pool.take(bytes) ?? Buffer.allocUnsafe(bytes);
  }

  /** Takes back what {@link take} gave; with any other buffer it does nothing. */
  give(frame: Buffer): void {
    const slab = this.#slabs.get(frame.buffer);
    if (slab === undefined) {
      this.#pool.give(frame);
      return;
    }
    slab.out--;
    if (slab.out > 0) return;
    slab.used = 0;
    if (slab !== this.#slab && this.#freeSlabs.length < SLABS_KEPT_MAX) this.#freeSlabs.push(slab);
  }

  /** Lets go of what was not needed since the last call, and of slabs, which are few. */
  trim(): void {
    this.#pool.trim();
    this.#freeSlabs.length = 0;
  }

  #carve(bytes: number): Buffer {
    if (this.#slab.used + bytes > SLAB_BYTES) this.#slab = this.#freeSlabs.pop() ?? this.#newSlab();
    const slab = this.#slab;
    const frame = slab.bytes.subarray(slab.used, slab.used + bytes);
    slab.used += bytes;
    slab.out++;
    return frame;
  }

  #newSlab(): Slab {
    const slab = { bytes: Buffer.allocUnsafeSlow(SLAB_BYTES), used: 0, out: 0 };
    this.#slabs.set(slab.bytes.buffer, slab);
    return slab;
  }
}
