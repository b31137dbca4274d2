// Stops clients from writing while there is still room for what must be written: indexes, offsets,
// the catalogue.

import type { CancelTimer, Clock, Logger } from '../base/ports.ts';

/** The disk is asked again after this many bytes, */
const REFRESH_BYTES = 16 * 1024 * 1024;
/** or this share of the room, if that is more: each question is a call that a fast producer would make often. */
const REFRESH_SHARE = 1 / 16;
const REFRESH_MS = 10_000;
/** Small batches are written twice, to their segment and to the journal. */
const TIMES_WRITTEN = 2;

export interface FreeSpaceOptions {
  readonly freeBytes: () => Promise<number>;
  /** Bytes that clients may not use; 0 switches the check off. */
  readonly floorBytes: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is known of the room on the data directory's disk. */
export class FreeSpace {
  readonly #options: FreeSpaceOptions;
  #free = Number.MAX_SAFE_INTEGER;
  /** Bytes that may have been used since the disk was asked, which it may not show yet. */
  #admitted = 0;
  #asking = false;
  #low = false;
  #closed = false;
  #cancelTimer: CancelTimer = () => {};

  constructor(options: FreeSpaceOptions) {
    this.#options = options;
  }

  /** Whether so many bytes may be appended by a client. */
  admits(bytes: number): boolean {
    const floor = this.#options.floorBytes();
    if (floor === 0) return true;
    const room = this.#free - floor - this.#admitted;
    const admitted = room >= bytes * TIMES_WRITTEN;
    if (admitted) this.#admitted += bytes * TIMES_WRITTEN;
    this.#note(!admitted);
    // Near the floor a guess is too rough: less may have been used than was counted.
    const due = Math.min(Math.max(REFRESH_BYTES, room * REFRESH_SHARE), room);
    if (this.#admitted >= due) void this.refresh();
    return admitted;
  }

  /** Asks the disk now, and again from time to time until {@link FreeSpace.close}. */
  async refresh(): Promise<void> {
    if (this.#asking || this.#closed) return;
    this.#asking = true;
    this.#cancelTimer();
    const before = this.#admitted;
    try {
      this.#free = await this.#options.freeBytes();
      this.#admitted -= before;
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'the free space of the disk is unknown');
    } finally {
      this.#asking = false;
    }
    if (this.#closed) return;
    this.#cancelTimer = this.#options.clock.setTimer(REFRESH_MS, () => void this.refresh());
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer();
  }

  #note(low: boolean): void {
    if (low === this.#low) return;
    this.#low = low;
    const fields = { freeBytes: this.#free, floorBytes: this.#options.floorBytes() };
    if (low) this.#options.logger.error(fields, 'the disk is nearly full: writes are refused');
    else this.#options.logger.info(fields, 'the disk has room again: writes are accepted');
  }
}
