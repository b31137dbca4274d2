// The open files of one log's segments that have bytes which no sync has covered, or are about to. They stay pinned:
// an error of a later write-back is reported only to descriptors that were open when it happened. And none is let go
// while a write or a sync is at work on its descriptor, whose number may be another file's after it is closed.

import type { FilePool, PinnedFile } from '../disk/file-pool.ts';
import type { Segment } from './segment.ts';

export class DirtyFiles {
  readonly #pool: FilePool;
  readonly #pins = new Map<Segment, PinnedFile>();

  constructor(pool: FilePool) {
    this.#pool = pool;
  }

  /** The file of a segment that is about to be written, if it is open. */
  pinOpen(segment: Segment): PinnedFile | undefined {
    const known = this.#pins.get(segment);
    if (known !== undefined) return known;
    const pinned = this.#pool.acquireNow(segment.logPath);
    if (pinned === null) return undefined;
    this.#pins.set(segment, pinned);
    return pinned;
  }

  /** The open file of a segment that is about to be written. */
  async pin(segment: Segment): Promise<PinnedFile> {
    const known = this.#pins.get(segment);
    if (known !== undefined) return known;
    const pinned = await this.#pool.acquire(segment.logPath);
    this.#pins.set(segment, pinned);
    return pinned;
  }

  /** Syncs each, and lets those go that then have nothing unsynced. One call at a time. */
  async sync(): Promise<void> {
    for (const [segment, { file }] of [...this.#pins]) {
      const target = segment.written;
      if (target > segment.synced) await file.datasync();
      segment.syncedTo(target);
      if (!segment.dirty) this.#release(segment);
    }
  }

  /** Lets all go, synced or not, except those that are being written. Not during {@link DirtyFiles.sync}. */
  letGo(): void {
    for (const segment of [...this.#pins.keys()]) this.#release(segment);
  }

  #release(segment: Segment): void {
    if (segment.writing) return;
    this.#pins.get(segment)?.release();
    this.#pins.delete(segment);
  }
}
