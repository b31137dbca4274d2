// `cleaned-segments`: what compaction left of each segment that it rewrote. Offsets may be missing behind these, and
// only as it says; anywhere else between two segments a gap is a loss. Without the file nothing is known, and no gap
// counts as one. Nothing is ever deleted on its word.
//   1 2952031233           version, crc32c of all that follows the first line
//   0 8192 311             base offset, bytes of its log (-1: nothing is left, no file), offset it stands up to

import { crc32c } from '../../base/crc32c.ts';
import type { Disk } from '../disk/disk.ts';
import { readSmallFile, replaceFile } from '../disk/small-file.ts';
import { baseOffsetOf } from '../segment/segment.ts';

export const CLEANED_FILE = 'cleaned-segments';
const NO_FILE = -1;

interface CleanedEntry {
  readonly baseOffset: number;
  readonly bytes: number;
  /** Exclusive. */
  readonly endOffset: number;
}

/** A segment file that is there. */
interface PresentSegment {
  readonly baseOffset: number;
  readonly bytes: number;
}

/** What a swap of compacted segments did (see compaction/swap-file.ts). */
export interface Swapped {
  readonly baseOffset: number;
  readonly bytes: number;
  readonly replaces: readonly number[];
}

export class CleanedSegments {
  readonly #entries: ReadonlyMap<number, CleanedEntry>;

  constructor(entries: readonly CleanedEntry[] = []) {
    this.#entries = new Map(entries.map((entry) => [entry.baseOffset, entry]));
  }

  /**
   * The first offset behind the segment that nothing accounts for, where `due` is the offset due at its end: as far as
   * compaction went on from there.
   */
  accountsTo(segment: PresentSegment, due: number): number {
    const own = this.#entries.get(segment.baseOffset);
    // With another length than it was left with, it does not say what was in it.
    let end = own !== undefined && own.bytes === segment.bytes ? Math.max(due, own.endOffset) : due;
    for (;;) {
      const dropped = this.#entries.get(end);
      if (dropped === undefined || dropped.bytes !== NO_FILE || dropped.endOffset <= end)
        return end;
      end = dropped.endOffset;
    }
  }

  /** As it is after a swap. `present`: all segment files after it, in order. */
  after(swapped: readonly Swapped[], present: readonly PresentSegment[]): CleanedSegments {
    const gone = new Set(swapped.flatMap(({ replaces }) => replaces));
    const made = swapped.map(({ baseOffset, bytes }) => ({ baseOffset, bytes }));
    const kept = [...this.#entries.values()].filter(({ baseOffset }) => !gone.has(baseOffset));
    const bases = [...present, ...made].map(({ baseOffset }) => baseOffset).sort((a, b) => a - b);
    const entries = made.map((one) => ({
      ...one,
      endOffset: bases.find((base) => base > one.baseOffset) ?? one.baseOffset,
    }));
    const first = present[0]?.baseOffset ?? 0;
    return new CleanedSegments([...kept, ...entries].filter((e) => e.baseOffset >= first));
  }

  /** When nothing is known of what was cleaned before: every segment but the last is taken as it is. */
  static ofAll(present: readonly PresentSegment[]): CleanedSegments {
    return new CleanedSegments(
      present.slice(0, -1).map((one, index) => ({
        ...one,
        endOffset: (present[index + 1] as PresentSegment).baseOffset,
      })),
    );
  }

  encode(): Buffer {
    const entries = [...this.#entries.values()].sort((a, b) => a.baseOffset - b.baseOffset);
    const lines = entries.map((e) => `${e.baseOffset} ${e.bytes} ${e.endOffset}\n`);
    const body = Buffer.from(lines.join(''));
    return Buffer.concat([Buffer.from(`1 ${crc32c(body)}\n`), body]);
  }

  /** Null for bytes that are not whole. */
  static decode(bytes: Buffer): CleanedSegments | null {
    const end = bytes.indexOf('\n');
    const body = bytes.subarray(end + 1);
    if (end < 0 || bytes.toString('latin1', 0, end) !== `1 ${crc32c(body)}`) return null;
    const lines = body.toString('latin1').split('\n').slice(0, -1);
    return new CleanedSegments(
      lines.map((line) => {
        const [baseOffset = 0, size = NO_FILE, endOffset = 0] = line.split(' ').map(Number);
        return { baseOffset, bytes: size, endOffset };
      }),
    );
  }

  /** Null when there is no file, or none that can be read. */
  static async load(disk: Disk, directory: string): Promise<CleanedSegments | null> {
    const bytes = await readSmallFile(disk, `${directory}/${CLEANED_FILE}`);
    return bytes === null ? null : CleanedSegments.decode(bytes);
  }

  async save(disk: Disk, directory: string): Promise<void> {
    await replaceFile(disk, `${directory}/${CLEANED_FILE}`, this.encode());
  }
}

/** Notes on the disk what a swap did: durable when it resolves. Doing it again changes nothing. */
export async function noteCleaned(
  disk: Disk,
  directory: string,
  swapped: readonly Swapped[],
): Promise<void> {
  const present: PresentSegment[] = [];
  for (const name of await disk.list(directory)) {
    const baseOffset = baseOffsetOf(name, '.log');
    if (baseOffset < 0) continue;
    const status = await disk.stat(`${directory}/${name}`);
    if (status !== undefined) present.push({ baseOffset, bytes: status.bytes });
  }
  present.sort((a, b) => a.baseOffset - b.baseOffset);
  const known = await CleanedSegments.load(disk, directory);
  const next = (known ?? CleanedSegments.ofAll(present)).after(swapped, present);
  await next.save(disk, directory);
}
