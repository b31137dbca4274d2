// Memory of frames that hold record batches, used again once a batch is on the disk. Buffers that are made for each
// frame cost more than reading, checking and writing it: pages that the kernel has to clear, and a garbage collector
// that is woken by every few dozen megabytes of them (measured: 28 % of the CPU time of a produce load).
//
// Only what a handler gives back is used again. A frame that nobody gives back, after a failure for instance, is left
// to the garbage collector: the safe side, since a write to the disk may still read it.

/** Shorter frames come from Buffer's own pool, which costs less than this one. */
const POOLED_BYTES_MIN = 4 * 1024;
/** Longer ones are rare, and too much to keep. */
const POOLED_BYTES_MAX = 4 * 1024 * 1024;
/** What a frame has beside its batches of a round size. */
const SLACK_BYTES = 1024;
/** Unused memory that is kept. */
const KEPT_BYTES_MAX = 32 * 1024 * 1024;

/** Buffers of one size. */
class SizeClass {
  readonly bytes: number;
  readonly free: Buffer[] = [];
  /** Fewest that lay unused since the last trim. */
  unused = 0;

  constructor(bytes: number) {
    this.bytes = bytes;
  }
}

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
  readonly #classes: readonly SizeClass[];
  /** Buffers that are out, by their memory: only these come back. */
  readonly #out = new WeakMap<ArrayBufferLike, Buffer>();
  #keptBytes = 0;

  /** Frames of API `apiKey` are given back by their handler; others are made and forgotten. */
  constructor(apiKey: number) {
    this.#apiKey = apiKey;
    const classes: SizeClass[] = [];
    for (let bytes = POOLED_BYTES_MIN; bytes <= POOLED_BYTES_MAX; bytes *= 2) {
      classes.push(new SizeClass(bytes + SLACK_BYTES));
    }
    this.#classes = classes;
  }

  /** Memory that is kept and not in use. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  take(bytes: number, apiKey: number): Buffer {
    const fit = apiKey === this.#apiKey ? this.#classFor(bytes) : undefined;
    if (fit === undefined) return Buffer.allocUnsafe(bytes);
    let whole = fit.free.pop();
    if (whole === undefined) whole = Buffer.allocUnsafeSlow(fit.bytes);
    else this.#keptBytes -= fit.bytes;
    fit.unused = Math.min(fit.unused, fit.free.length);
    this.#out.set(whole.buffer, whole);
    return whole.subarray(0, bytes);
  }

  /** Takes back what {@link take} gave; a second time, or with any other buffer, it does nothing. */
  give(frame: Buffer): void {
    const whole = this.#out.get(frame.buffer);
    if (whole === undefined) return;
    this.#out.delete(frame.buffer);
    const fit = this.#classFor(whole.byteLength - SLACK_BYTES);
    if (fit === undefined || this.#keptBytes + fit.bytes > KEPT_BYTES_MAX) return;
    fit.free.push(whole);
    this.#keptBytes += fit.bytes;
  }

  /** Lets go of what was not needed since the last call. */
  trim(): void {
    for (const size of this.#classes) {
      size.free.splice(0, size.unused);
      this.#keptBytes -= size.unused * size.bytes;
      size.unused = size.free.length;
    }
  }

  #classFor(bytes: number): SizeClass | undefined {
    if (bytes < POOLED_BYTES_MIN) return undefined;
    // The number of bits above those of the smallest class.
    const over = Math.ceil((bytes - SLACK_BYTES) / POOLED_BYTES_MIN) - 1;
    return this.#classes[over <= 0 ? 0 : 32 - Math.clz32(over)];
  }
}

/**
 * Who still reads one frame's bytes: the request itself, and each batch of it that is on its way to the disk. The
 * last one to let go gives the frame back; one that never does keeps it from being used again.
 */
export class FrameLease {
  readonly #source: FrameSource;
  readonly #frame: Buffer;
  #users = 1;

  constructor(source: FrameSource, frame: Buffer) {
    this.#source = source;
    this.#frame = frame;
  }

  hold(): void {
    this.#users += 1;
  }

  /** For whom it was made, and once for each {@link hold}. */
  readonly drop = (): void => {
    this.#users -= 1;
    if (this.#users === 0) this.#source.give(this.#frame);
  };
}
