// Which leader epoch wrote which offsets: `leader-epoch-checkpoint`, in Kafka's text format
// (org.apache.kafka.storage.internals.checkpoint.LeaderEpochCheckpointFile):
//   0                      version
//   2                      entries
//   0 0                    epoch, first offset written under it
//   1 4711
// The form has no room for a checksum: the marks keep one (marks.ts), for what began below the mark.

import { crc32c } from '../../base/crc32c.ts';
import type { Disk } from '../disk/disk.ts';
import { readSmallFile, replaceFile } from '../disk/small-file.ts';

export const LEADER_EPOCH_FILE = 'leader-epoch-checkpoint';

export interface EpochEntry {
  readonly epoch: number;
  readonly startOffset: number;
}

/** What a batch says. */
interface BatchEpoch {
  readonly partitionLeaderEpoch: number;
  readonly baseOffset: number;
}

/** An int32 in the batches. */
const EPOCH_MAX = 0x7fff_ffff;
const UNKNOWN = { epoch: -1, endOffset: -1 } as const;

/** The epochs of one partition, in memory; {@link LeaderEpochs.save} makes them durable. */
export class LeaderEpochs {
  #entries: EpochEntry[];
  /** Changed since the last save. */
  dirty = false;
  /** What {@link LeaderEpochs.checksumBelow} has summed up last, of how many entries, and what came of it. */
  #summed: readonly EpochEntry[] | null = null;
  #summedCount = 0;
  #checksum = 0;

  constructor(entries: readonly EpochEntry[] = []) {
    this.#entries = [...entries];
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries;
  }

  /** The newest epoch; -1 when there is none. */
  get latest(): number {
    return this.#entries.at(-1)?.epoch ?? -1;
  }

  /** From `startOffset` on, batches are written under `epoch`. Older claims on those offsets go. */
  assign(epoch: number, startOffset: number): void {
    const kept = this.#entries.filter((e) => e.epoch < epoch && e.startOffset < startOffset);
    kept.push({ epoch, startOffset });
    this.#entries = kept;
    this.dirty = true;
  }

  /** Forgets epochs that began at or after `endOffset`. */
  truncateEnd(endOffset: number): void {
    const kept = this.#entries.filter((entry) => entry.startOffset < endOffset);
    if (kept.length !== this.#entries.length) this.dirty = true;
    this.#entries = kept;
  }

  /** Forgets epochs that ended at or before `startOffset`; the one that holds it begins there. */
  truncateStart(startOffset: number): void {
    const last = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset);
    const head = this.#entries[last];
    if (head === undefined || (last === 0 && head.startOffset === startOffset)) return;
    this.#entries = [{ epoch: head.epoch, startOffset }, ...this.#entries.slice(last + 1)];
    this.dirty = true;
  }

  /**
   * Kafka's LeaderEpochFileCache.endOffsetFor, but an epoch below all that are known ends with the log: Kafka answers
   * where the first known one begins, which sends readers back there when a damaged checkpoint claims too much for it.
   * There is one copy, of which nothing that was read is ever cut.
   */
  endOffsetFor(epoch: number, logEndOffset: number): { epoch: number; endOffset: number } {
    if (epoch < 0 || epoch > this.latest) return UNKNOWN;
    if (epoch === this.latest) return { epoch, endOffset: logEndOffset };
    const above = this.#entries.findIndex((entry) => entry.epoch > epoch);
    const below = this.#entries[above - 1];
    if (below === undefined) return { epoch, endOffset: logEndOffset };
    return { epoch: below.epoch, endOffset: this.#entries[above]?.startOffset ?? -1 };
  }

  /** The epoch that `offset` was written under; -1 when unknown. */
  epochFor(offset: number): number {
    let epoch = -1;
    for (const entry of this.#entries) {
      if (entry.startOffset > offset) break;
      epoch = entry.epoch;
    }
    return epoch;
  }

  encode(): Buffer {
    return encode(this.#entries);
  }

  /** CRC-32C of what the file would hold with those epochs alone that began below `offset`. */
  checksumBelow(offset: number): number {
    const entries = this.#entries;
    let count = 0;
    for (const { startOffset } of entries) if (startOffset < offset) count++;
    // Asked for each log twice a second, while the answer changes with an epoch.
    if (this.#summed !== entries || this.#summedCount !== count) {
      this.#summed = entries;
      this.#summedCount = count;
      this.#checksum = crc32c(encode(entries.filter((entry) => entry.startOffset < offset)));
    }
    return this.#checksum;
  }

  /** Null for text that is not wholly as it should be. */
  static decode(text: string): LeaderEpochs | null {
    const lines = text.split('\n');
    if (lines[0] !== '0' || !/^[0-9]{1,9}$/.test(lines[1] ?? '')) return null;
    const count = Number(lines[1]);
    // Each entry ends its line, and nothing follows the last.
    if (lines.length !== count + 3 || lines.at(-1) !== '') return null;
    const entries: EpochEntry[] = [];
    let last: EpochEntry = { epoch: -1, startOffset: -1 };
    for (let index = 0; index < count; index++) {
      const found = /^([0-9]{1,10}) ([0-9]{1,16})$/.exec(lines[index + 2] ?? '');
      if (found === null) return null;
      const entry = { epoch: Number(found[1]), startOffset: Number(found[2]) };
      if (entry.epoch <= last.epoch || entry.startOffset < last.startOffset) return null;
      if (entry.epoch > EPOCH_MAX) return null;
      entries.push(entry);
      last = entry;
    }
    return new LeaderEpochs(entries);
  }

  static async load(disk: Disk, directory: string): Promise<LeaderEpochs | null> {
    const bytes = await readSmallFile(disk, `${directory}/${LEADER_EPOCH_FILE}`);
    return bytes === null ? null : LeaderEpochs.decode(bytes.toString('utf8'));
  }

  /** Replaces the file atomically; durable when it resolves. */
  async save(disk: Disk, directory: string): Promise<void> {
    this.dirty = false;
    try {
      await replaceFile(disk, `${directory}/${LEADER_EPOCH_FILE}`, this.encode());
    } catch (error) {
      this.dirty = true;
      throw error;
    }
  }
}

/** Adds a batch's epoch where it is not that of the batch before: what was read is judged later. */
export function addEpoch(
  entries: EpochEntry[],
  { partitionLeaderEpoch: epoch, baseOffset: startOffset }: BatchEpoch,
): void {
  if (epoch !== entries.at(-1)?.epoch) entries.push({ epoch, startOffset });
}

function encode(entries: readonly EpochEntry[]): Buffer {
  const lines = entries.map((entry) => `${entry.epoch} ${entry.startOffset}\n`);
  return Buffer.from(`0\n${lines.length}\n${lines.join('')}`);
}
