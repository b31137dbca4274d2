// Bounds the memory that requests in flight take over all connections. It admits one request too
// many rather than one too few: whoever is let in may take what it needs, and nobody new is let in
// while the limit is passed. So a request larger than what is left still gets through, and no two
// can wait for each other's memory.

export class MemoryGate {
  readonly limitBytes: number;
  #usedBytes = 0;
  readonly #waiting = new Set<() => void>();

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Whether something new may begin. */
  get open(): boolean {
    return this.#usedBytes < this.limitBytes;
  }

  /** What is left, 0 when the limit is passed. */
  get freeBytes(): number {
    return Math.max(0, this.limitBytes - this.#usedBytes);
  }

  take(bytes: number): void {
    this.#usedBytes += bytes;
  }

  /**
   * Gives back what was taken; lets those who wait go on, the longest waiting first, while there is
   * room.
   */
  give(bytes: number): void {
    this.#usedBytes -= bytes;
    for (const resume of this.#waiting) {
      if (!this.open) return;
      this.#waiting.delete(resume);
      resume();
    }
  }

  /** Calls `resume` once when there is room again. */
  wait(resume: () => void): void {
    this.#waiting.add(resume);
  }

  stopWaiting(resume: () => void): void {
    this.#waiting.delete(resume);
  }
}

/** However little memory is left, an answer may take so much. */
const ANSWER_BYTES_MIN = 64 * 1024;

/**
 * What one answer takes while it is put together. Never more than half of what is left: peers that
 * ask for much and never read it leave room for others.
 */
export class MemoryLease {
  readonly #gate: MemoryGate;
  #bytes = 0;

  constructor(gate: MemoryGate) {
    this.#gate = gate;
  }

  /** Bytes that may be taken now. */
  get affordableBytes(): number {
    return Math.max(ANSWER_BYTES_MIN, Math.floor(this.#gate.freeBytes / 2));
  }

  take(bytes: number): void {
    this.#bytes += bytes;
    this.#gate.take(bytes);
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
    this.#gate.give(bytes);
  }

  /** Gives back all that is left of it. */
  end(): void {
    this.give(this.#bytes);
  }
}
