// The producers' state written whenever the recovery point moves: a start then reads the batches behind it, not the
// whole segment. One such file is kept besides those of the segments.

import type { LogCore } from './log-core.ts';
import { baseOffsetOf } from './segment.ts';
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

  /** Writes it, and removes the one before; at first all those that earlier starts left. Throws DiskError. */
  async save({ offset, bytes }: TakenSnapshot): Promise<void> {
    const { context, name, segments } = this.#core;
    if (offset === this.#written) return;
    await writeSmallFile(context.disk, `${name}/${fileOf(offset)}`, bytes);
    await context.disk.syncDirectory(name);
    const before = this.#written === null ? await this.#foundBelow(offset) : [this.#written];
    this.#written = offset;
    for (const at of before) {
      // A segment's own snapshot may have the same name.
      if (segments.some((segment) => segment.baseOffset === at)) continue;
      await context.disk.remove(`${name}/${fileOf(at)}`);
    }
  }

  async #foundBelow(offset: number): Promise<number[]> {
    const { context, name } = this.#core;
    const names = await context.disk.list(name);
    return names
      .map((file) => baseOffsetOf(file, '.snapshot'))
      .filter((at) => at >= 0 && at < offset);
  }
}

function fileOf(offset: number): string {
  return `${String(offset).padStart(20, '0')}.snapshot`;
}
