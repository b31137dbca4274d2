// The producers' state written whenever the recovery point moves: a start then reads the batches behind it, not the
// whole segment. One such file is kept besides those of the segments.

import type { LogCore } from './log-core.ts';
import { writeSmallFile } from './small-file.ts';

/** State after all batches below `offset`. */
export interface TakenSnapshot {
  readonly offset: number;
  readonly bytes: Buffer;
}

export class PointSnapshot {
  readonly #core: LogCore;
  #written: number | null = null;

  constructor(core: LogCore) {
    this.#core = core;
  }

  /** As of now; null while the producers are not known. To be taken before the sync that makes its batches durable. */
  take(): TakenSnapshot | null {
    const { endOffset, hooks } = this.#core;
    const bytes = hooks.producerSnapshot(endOffset);
    return bytes === null ? null : { offset: endOffset, bytes };
  }

  /** Writes it, and removes the one before. Throws DiskError. */
  async save({ offset, bytes }: TakenSnapshot): Promise<void> {
    const { context, name } = this.#core;
    if (offset === this.#written) return;
    await writeSmallFile(context.disk, `${name}/${fileOf(offset)}`, bytes);
    await context.disk.syncDirectory(name);
    const before = this.#written;
    this.#written = offset;
    // A segment's own snapshot may have the same name.
    const keeps = this.#core.segments.some((segment) => segment.baseOffset === before);
    if (before !== null && !keeps) await context.disk.remove(`${name}/${fileOf(before)}`);
  }
}

function fileOf(offset: number): string {
  return `${String(offset).padStart(20, '0')}.snapshot`;
}
