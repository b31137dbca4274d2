// Memory of frames that hold record batches, used again once a batch is on the disk (base/memory-pool.ts has why).
// Only what a handler gives back is used again: after a failure for instance a write to the disk may still read it.

import { MemoryPool } from '../base/memory-pool.ts';

const POOL = {
  bytesMin: 4 * 1024,
  bytesMax: 4 * 1024 * 1024,
  slackBytes: 1024,
  keptBytesMax: 32 * 1024 * 1024,
};

/** Where a {@link FrameReader} puts frames. */
export interface FrameSource {
  /** Exactly `bytes` bytes, of any content, for a frame of the API `apiKey` (-1: not known yet). */
  take(bytes: number, apiKey: number): Buffer;
  /** Nobody reads or writes what {@link take} gave any more. */
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

  /** Frames of API `apiKey` are given back by their handler; others are made and forgotten. */
  constructor(apiKey: number) {
    this.#apiKey = apiKey;
  }

  /** Memory that is kept and not in use. */
  get keptBytes(): number {
    return this.#pool.keptBytes;
  }

  take(bytes: number, apiKey: number): Buffer {
    const kept = apiKey === this.#apiKey ? this.#pool.take(bytes) : null;
    return kept ?? Buffer.allocUnsafe(bytes);
  }

  /** Takes back what {@link take} gave; a second time, or with any other buffer, it does nothing. */
  give(frame: Buffer): void {
    this.#pool.give(frame);
  }

  /** Lets go of what was not needed since the last call. */
  trim(): void {
    this.#pool.trim();
  }
}
