// Buffers that are used again. Buffers that are made for each message cost more than reading, checking and writing it:
// pages that the kernel has to clear, and a garbage collector that is woken by every few dozen megabytes of them
// (decision 14).
//
// Only what somebody gives back is used again. A buffer that nobody gives back is left to the garbage collector: the
// safe side, since it may still be read.

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

export interface MemoryPoolOptions {
  /** Shorter buffers come from Buffer's own pool, which costs less than this one. */
  readonly bytesMin: number;
  /** Longer ones are rare, and too much to keep. A power of two times `bytesMin`. */
  readonly bytesMax: number;
  /** What a message has beside content of a round size. */
  readonly slackBytes: number;
  /** Unused memory that is kept. */
  readonly keptBytesMax: number;
}

export class MemoryPool {
  readonly #options: MemoryPoolOptions;
  readonly #classes: readonly SizeClass[];
  /** Buffers that are out, by their memory: only these come back. */
  readonly #out = new WeakMap<ArrayBufferLike, Buffer>();
  #keptBytes = 0;

  constructor(options: MemoryPoolOptions) {
    this.#options = options;
    const classes: SizeClass[] = [];
    for (let bytes = options.bytesMin; bytes <= options.bytesMax; bytes *= 2) {
      classes.push(new SizeClass(bytes + options.slackBytes));
    }
    this.#classes = classes;
  }

  /** Memory that is kept and not in use. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Exactly `bytes` bytes, of any content; null for a size that is not kept. */
  take(bytes: number): Buffer | null {
    const fit = this.#classFor(bytes);
    if (fit === undefined) return null;
    let whole = fit.free.pop();
    if (whole === undefined) whole = Buffer.allocUnsafeSlow(fit.bytes);
    else this.#keptBytes -= fit.bytes;
    fit.unused = Math.min(fit.unused, fit.free.length);
    this.#out.set(whole.buffer, whole);
    return whole.subarray(0, bytes);
  }

  /** Whether it is memory, or a part of it, that {@link take} gave and nobody gave back yet. */
  lent(bytes: Buffer): boolean {
    return this.#out.has(bytes.buffer);
  }

  /** Takes back what {@link take} gave; a second time, or with any other buffer, it does nothing. */
  give(bytes: Buffer): void {
    const whole = this.#out.get(bytes.buffer);
    if (whole === undefined) return;
    this.#out.delete(bytes.buffer);
    const fit = this.#classFor(whole.byteLength - this.#options.slackBytes);
    if (fit === undefined || this.#keptBytes + fit.bytes > this.#options.keptBytesMax) return;
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
    const { bytesMin, slackBytes } = this.#options;
    if (bytes < bytesMin) return undefined;
    // The number of bits above those of the smallest class.
    const over = Math.ceil((bytes - slackBytes) / bytesMin) - 1;
    return this.#classes[over <= 0 ? 0 : 32 - Math.clz32(over)];
  }
}

/**
 * Who still reads one buffer: for whom it was taken, and each part of it that is on its way somewhere. The last one to
 * let go gives it back; one that never does keeps it from being used again.
 */
export class MemoryLease {
  readonly #source: { give(bytes: Buffer): void };
  readonly #bytes: Buffer;
  #users = 1;

  constructor(source: { give(bytes: Buffer): void }, bytes: Buffer) {
    this.#source = source;
    this.#bytes = bytes;
  }

  hold(): void {
    this.#users += 1;
  }

  /** For whom it was made, and once for each {@link hold}. */
  readonly drop = (): void => {
    this.#users -= 1;
    if (this.#users === 0) this.#source.give(this.#bytes);
  };
}
