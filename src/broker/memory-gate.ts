// Bounds the memory that requests in flight take over all connections. It admits one request too
// many rather than one too few: whoever is let in may take what it needs, and nobody new is let in
// while the limit is passed. So a request larger than what is left still gets through, and no two
// can wait for each other's memory.

import type { Clock } from '../base/ports.ts';

export class MemoryGate {
  readonly limitBytes: number;
  #usedBytes = 0;
  readonly #waiting = new Set<() => void>();
  /** Who has begun a frame and may not read on: each would take as much as its frame is long. */
  readonly #unfinished = new Set<() => void>();
  #finisher: (() => void) | null = null;

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
    if (this.#unfinished.size + this.#waiting.size === 0) return;
    for (const waiting of [this.#unfinished, this.#waiting]) {
      for (const resume of waiting) {
        if (!this.open) return;
        waiting.delete(resume);
        resume();
      }
    }
  }

  /**
   * Whether who has begun a frame may read on. While the limit is passed only one at a time may, so
   * that frames still get finished and many that are begun and never finished take no more than the
   * limit and one frame. Otherwise `resume` is called once when it is worth asking again.
   */
  mayFinish(resume: () => void): boolean {
    if (this.open || this.#finisher === resume) return true;
    if (this.#finisher !== null) {
      this.#unfinished.add(resume);
      return false;
    }
    this.#finisher = resume;
    return true;
  }

  /** The frame is complete, or will never be: the next one may finish. */
  finished(resume: () => void): void {
    if (this.#finisher !== resume) return;
    this.#finisher = null;
    for (const next of this.#unfinished) {
      this.#unfinished.delete(next);
      next();
      return;
    }
  }

  /** Calls `resume` once when there is room again. */
  wait(resume: () => void): void {
    this.#waiting.add(resume);
  }

  stopWaiting(resume: () => void): void {
    this.#waiting.delete(resume);
    this.#unfinished.delete(resume);
    this.finished(resume);
  }
}

/** One connection's place at the gate while it reads requests. */
export class UploadTurn {
  readonly #gate: MemoryGate;
  readonly #clock: Clock;
  readonly #resume: () => void;
  #sinceMs: number | null = null;

  /** `resume` is called when reading on is worth asking for again. */
  constructor(gate: MemoryGate, clock: Clock, resume: () => void) {
    this.#gate = gate;
    this.#clock = clock;
    this.#resume = resume;
  }

  /** Monotonic time since which it alone may finish its frame; null when it has no such privilege. */
  get sinceMs(): number | null {
    return this.#sinceMs;
  }

  mayReadOn(midFrame: boolean): boolean {
    if (this.#gate.open) {
      if (this.#sinceMs !== null) this.frameDone();
      return true;
    }
    if (!midFrame) {
      this.#gate.wait(this.#resume);
      return false;
    }
    const may = this.#gate.mayFinish(this.#resume);
    this.#sinceMs = may ? (this.#sinceMs ?? this.#clock.monotonic()) : null;
    return may;
  }

  frameDone(): void {
    this.#sinceMs = null;
    this.#gate.finished(this.#resume);
  }

  /** The connection is gone. */
  end(): void {
    this.#sinceMs = null;
    this.#gate.stopWaiting(this.#resume);
  }
}

/** However little memory is left, an answer may take so much. */
const ANSWER_BYTES_MIN = 64 * 1024;

/**
 * What one answer takes while it is put together. Never more than half of what is left: peers that
 * ask for much and never read it leave room for others.
 */
export class AnswerBudget {
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
