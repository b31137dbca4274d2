// The producers' state written whenever the recovery point moves: a start then reads the batches behind it, not the
// whole segment. One such file is kept besides those of the segments, and any above what is durable yet.

import { writeSmallFile } from '../disk/small-file.ts';
import { baseOffsetOf, segmentName } from '../segment/segment.ts';
import type { LogCore } from './log-core.ts';

/** A snapshot is written once that many times its bytes were appended: millions of producers make it large. */
const APPENDED_PER_SNAPSHOT_BYTE = 4;

/** State after all batches below `offset`. */
export interface TakenSnapshot {
  readonly offset: number;
  readonly bytes: Buffer;
}

export class PointSnapshot {
  readonly #core: LogCore;
  #written = -1;
  #writtenBytes = 0;

  constructor(core: LogCore) {
    this.#core = core;
  }

  /** Bytes that must have been appended since the last one before the next is worth writing. */
  get worthBytes(): number {
    return this.#writtenBytes * APPENDED_PER_SNAPSHOT_BYTE;
  }

  /** As of now; null while the producers are not known. To be taken before the sync that makes its batches durable. */
  take(): TakenSnapshot | null {
    const { endOffset, hooks } = this.#core;
    const bytes = hooks.producerSnapshot(endOffset);
    return bytes === null ? null : { offset: endOffset, bytes };
  }

  /**
   * Writes it, and removes those that no start needs any more, of earlier runs too. A crash takes away what is above
   * `durableEnd`: the newest one up to there stays. Throws DiskError.
   */
  async save({ offset, bytes }: TakenSnapshot, durableEnd: number): Promise<void> {
    const { context, name, segments } = this.#core;
    if (offset === this.#written) return;
    await writeSmallFile(context.disk, `${name}/${fileOf(offset)}`, bytes);
    await context.disk.syncDirectory(name);
    this.#written = offset;
    this.#writtenBytes = bytes.length;
    const there = (await context.disk.list(name)).map((file) => baseOffsetOf(file, '.snapshot'));
    const needed = Math.max(...there.filter((at) => at <= durableEnd));
    for (const at of there) {
      // A segment's own snapshot may have the same name.
      if (at < 0 || at >= needed || segments.some((segment) => segment.baseOffset === at)) continue;
      await context.disk.remove(`${name}/${fileOf(at)}`);
    }
  }
}

function fileOf(offset: number): string {
  return `${segmentName(offset)}.snapshot`;
}
