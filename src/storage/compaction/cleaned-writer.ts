// Writes one rewritten segment beside the old ones, under `.cleaned` names, with its indexes.

import { BatchHeader } from '../../record/index.ts';
import type { Disk, DiskFile } from '../disk/disk.ts';
import { directoryOf, writeSmallFile } from '../disk/small-file.ts';
import { Segment } from '../segment/segment.ts';

export const CLEANED_SUFFIX = '.cleaned';
/** Synced in steps of so many bytes: a heap of dirty pages would make the syncs of producers wait. */
const SYNC_EVERY_BYTES = 8 * 1024 * 1024;

export interface CleanedFacts {
  readonly bytes: number;
  readonly present: boolean;
  readonly maxTimestamp: number;
  readonly maxTimestampOffset: number;
}

export class CleanedWriter {
  readonly #disk: Disk;
  readonly #segment: Segment;
  readonly #intervalBytes: number;
  #file: DiskFile | null = null;
  #unsynced = 0;

  constructor(
    disk: Disk,
    target: {
      readonly directory: string;
      readonly baseOffset: number;
      readonly indexIntervalBytes: number;
    },
  ) {
    this.#disk = disk;
    this.#segment = new Segment(target.directory, target.baseOffset, 0);
    this.#intervalBytes = target.indexIntervalBytes;
  }

  /** Appends whole batches. */
  async write(batches: readonly Buffer[]): Promise<void> {
    if (batches.length === 0) return;
    this.#file ??= await this.#create();
    const from = this.#segment.size;
    for (const batch of batches) {
      const header = new BatchHeader(batch);
      this.#segment.track(
        {
          baseOffset: header.baseOffset,
          lastOffset: header.lastOffset,
          bytes: batch.length,
          maxTimestamp: header.maxTimestamp,
        },
        this.#intervalBytes,
      );
    }
    await this.#file.write(batches, from);
    this.#unsynced += this.#segment.size - from;
    if (this.#unsynced < SYNC_EVERY_BYTES) return;
    this.#unsynced = 0;
    await this.#file.datasync();
  }

  /** Keeps a copy of an index of aborted transactions: its entries go by offset, so they stay true. */
  async keepTransactions(bytes: Buffer): Promise<void> {
    if (bytes.length > 0) await writeSmallFile(this.#disk, this.#path('.txnindex'), bytes);
  }

  /** Syncs log, indexes and names. Nothing written: no files are left, unless `evenEmpty`. */
  async finish(options: { readonly evenEmpty: boolean }): Promise<CleanedFacts> {
    const segment = this.#segment;
    if (options.evenEmpty) this.#file ??= await this.#create();
    const present = this.#file !== null;
    if (this.#file !== null) {
      await this.#file.datasync();
      await this.#close();
      segment.indexes.finish();
      await writeSmallFile(this.#disk, this.#path('.index'), segment.indexes.offsets.encode());
      await writeSmallFile(this.#disk, this.#path('.timeindex'), segment.indexes.times.encode());
      await this.#disk.syncDirectory(directoryOf(segment.stem));
    }
    return {
      bytes: segment.size,
      present,
      maxTimestamp: segment.maxTimestamp,
      maxTimestampOffset: segment.maxTimestampOffset,
    };
  }

  /** Removes what was written. */
  async discard(): Promise<void> {
    await this.#close();
    for (const suffix of ['.log', '.index', '.timeindex', '.txnindex']) {
      await this.#disk.remove(this.#path(suffix));
    }
  }

  async #create(): Promise<DiskFile> {
    const file = await this.#disk.open(this.#path('.log'), 'create');
    // From now on closed by `discard`, whatever is refused.
    this.#file = file;
    await file.truncate(0);
    return file;
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }

  #path(suffix: string): string {
    return this.#segment.stem + suffix + CLEANED_SUFFIX;
  }
}
