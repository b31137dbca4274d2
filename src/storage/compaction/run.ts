// One compaction pass: reads the dirty part into a key map, then rewrites the segments below its end. Runs in a
// worker thread over a Disk of its own, or in place; the log swaps the results in (see swap-file.ts).

import { loadXxHash64 } from '../../base/xxhash.ts';
import { BatchHeader, codecOf, prepareCodec } from '../../record/index.ts';
import type { Disk } from '../disk/disk.ts';
import { segmentName } from '../segment/segment.ts';
import { readTransactionIndex } from '../segment/transaction-index.ts';
import { type CleanContext, type CleanedBatch, cleanBatch } from './clean-batch.ts';
import { CleanedWriter } from './cleaned-writer.ts';
import { CompactionError } from './compaction-error.ts';
import type { CleanedSegment, CompactionJob, CompactionResult } from './job.ts';
import { KeyMap } from './key-map.ts';
import { noteKeys } from './keys.ts';
import { groupSegments, type SegmentFacts } from './plan.ts';
import { readSegment } from './segment-source.ts';

/** Called with the bytes read and written since the last call; may wait, to keep within a rate. */
export type Throttle = (bytes: number) => Promise<void>;

/** Read at once. */
const READ_BYTES = 1024 * 1024;

/** What cleaning a batch needs to know. */
interface Cleaning {
  readonly context: CleanContext;
  /** First offset that the map has not seen. */
  readonly cleanedTo: number;
}

interface Tally {
  bytesRead: number;
  bytesWritten: number;
  recordsRemoved: number;
  batchesUnreadable: number;
}

/** Runs a pass. Throws CompactionError and DiskError; the log's own files are never changed. */
export async function runCompaction(
  disk: Disk,
  job: CompactionJob,
  throttle: Throttle,
): Promise<CompactionResult> {
  const pass = new Pass(disk, job, throttle);
  return pass.run();
}

class Pass {
  readonly #disk: Disk;
  readonly #job: CompactionJob;
  readonly #throttle: Throttle;
  /** Segments are read into it, one group of batches after the other: new memory each time wakes the collector. */
  readonly #memory = Buffer.allocUnsafeSlow(READ_BYTES);
  readonly #tally: Tally = {
    bytesRead: 0,
    bytesWritten: 0,
    recordsRemoved: 0,
    batchesUnreadable: 0,
  };
  /** A batch of a transaction was met, of whose records none is judged. */
  #keptWhole = false;

  constructor(disk: Disk, job: CompactionJob, throttle: Throttle) {
    this.#disk = disk;
    this.#job = job;
    this.#throttle = throttle;
  }

  async run(): Promise<CompactionResult> {
    const { hash } = await loadXxHash64();
    const map = new KeyMap({ bytesMax: this.#job.mapBytesMax, hash: (key) => hash(key) });
    const cleanedTo = await this.#fill(map);
    if (cleanedTo <= this.#job.firstDirtyOffset) {
      throw new CompactionError(
        'map_too_small',
        `the keys of one batch at offset ${cleanedTo} do not fit into ${this.#job.mapBytesMax} bytes; ` +
          'raise log.cleaner.dedupe.buffer.size',
      );
    }
    const segments = this.#job.segments.filter((segment) => segment.baseOffset < cleanedTo);
    const producers = new Map(this.#job.producers);
    const { nowMs, deleteRetentionMs } = this.#job;
    const context: CleanContext = {
      lastOffsetOf: (key) => map.get(key),
      isLastOfProducer: (id, lastOffset) => producers.get(id) === lastOffset,
      tombstonesStay: () => this.#keptWhole,
      nowMs,
      deleteRetentionMs,
    };
    const cleaned: CleanedSegment[] = [];
    for (const group of groupSegments(segments, this.#job)) {
      const result = await this.#rewrite(group, { context, cleanedTo });
      if (result !== null) cleaned.push(result);
    }
    const mapFull = cleanedTo < this.#job.endOffset;
    return { cleanedTo, cleaned, stats: { ...this.#tally, keys: map.size, mapFull } };
  }

  /** Fills the map from the dirty part; answers the first offset that is not in it. */
  async #fill(map: KeyMap): Promise<number> {
    for (const segment of this.#job.segments) {
      if (segment.nextOffset <= this.#job.firstDirtyOffset) continue;
      for await (const batches of this.#read(segment)) {
        await this.#account(batches, 'bytesRead');
        for (const batch of batches) {
          const header = new BatchHeader(batch);
          if (header.lastOffset < this.#job.firstDirtyOffset || header.isControl) continue;
          // Nobody here knows whether its transaction was committed: it must not hide an older record.
          if (header.isTransactional) continue;
          if (codecOf(header.codecId) === 'zstd') await prepareCodec('zstd');
          if (!noteKeys(batch, map)) return header.baseOffset;
        }
      }
    }
    return this.#job.endOffset;
  }

  /** Rewrites one group; null when nothing in it changes. */
  async #rewrite(group: readonly SegmentFacts[], how: Cleaning): Promise<CleanedSegment | null> {
    const [first] = group;
    if (first === undefined) return null;
    // A segment alone is only read until something changes: most of a big log stays as it is.
    const from = group.length > 1 ? first.baseOffset : await this.#firstChange(first, how);
    if (from === null) return null;
    const { directory, indexIntervalBytes } = this.#job;
    const { baseOffset } = first;
    const writer = new CleanedWriter(this.#disk, { directory, baseOffset, indexIntervalBytes });
    try {
      for (const segment of group) await this.#copy(segment, writer, { ...how, from });
      await writer.keepTransactions(await this.#transactionsOf(group));
      const evenEmpty = first === this.#job.segments[0];
      const facts = await writer.finish({ evenEmpty });
      return { baseOffset, ...facts, replaces: group.map((segment) => segment.baseOffset) };
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  /** Base offset of the first batch that cleaning changes; null when none does. */
  async #firstChange(segment: SegmentFacts, how: Cleaning): Promise<number | null> {
    for await (const batches of this.#read(segment)) {
      await this.#account(batches, 'bytesRead');
      for (const batch of batches) {
        const cleaned = await this.#cleanOne(batch, how);
        if (cleaned.kind !== 'kept') return new BatchHeader(batch).baseOffset;
      }
    }
    return null;
  }

  /** Writes what stays of a segment; below `from` everything does. */
  async #copy(
    segment: SegmentFacts,
    writer: CleanedWriter,
    how: Cleaning & { readonly from: number },
  ): Promise<void> {
    const header = new BatchHeader(Buffer.alloc(0));
    for await (const batches of this.#read(segment)) {
      await this.#account(batches, 'bytesRead');
      const kept: Buffer[] = [];
      for (const batch of batches) {
        const untouched = header.at(batch, 0).baseOffset < how.from;
        const bytes = untouched ? batch : this.#count(batch, await this.#cleanOne(batch, how));
        if (bytes !== null) kept.push(bytes);
      }
      await writer.write(kept);
      await this.#account(kept, 'bytesWritten');
    }
  }

  /**
   * Called for the batches of the log in their order, from its first on: `tombstonesStay` tells of what came before. A
   * batch that is left out, as in #copy, has had its turn in #firstChange.
   */
  async #cleanOne(batch: Buffer, { context, cleanedTo }: Cleaning): Promise<CleanedBatch> {
    const header = new BatchHeader(batch);
    if (header.isTransactional && !header.isControl) this.#keptWhole = true;
    // What the map has not seen is not judged: its tombstones may hide records that the next pass has to drop first.
    if (header.baseOffset >= cleanedTo) return { kind: 'kept', unreadable: null };
    if (codecOf(header.codecId) === 'zstd') await prepareCodec('zstd');
    return cleanBatch(batch, context);
  }

  /** Keeps the books; answers what is left of the batch. */
  #count(batch: Buffer, cleaned: CleanedBatch): Buffer | null {
    if (cleaned.kind === 'kept') {
      if (cleaned.unreadable !== null) this.#tally.batchesUnreadable += 1;
      return batch;
    }
    this.#tally.recordsRemoved += cleaned.recordsRemoved;
    return cleaned.kind === 'rewritten' ? cleaned.bytes : null;
  }

  async #transactionsOf(group: readonly SegmentFacts[]): Promise<Buffer> {
    const indexes: Buffer[] = [];
    for (const { baseOffset } of group) {
      const path = `${this.#job.directory}/${segmentName(baseOffset)}.txnindex`;
      const bytes = await readTransactionIndex(this.#disk, path);
      if (bytes !== null) indexes.push(bytes);
    }
    return Buffer.concat(indexes);
  }

  async #account(batches: readonly Buffer[], what: 'bytesRead' | 'bytesWritten'): Promise<void> {
    let bytes = 0;
    for (const batch of batches) bytes += batch.length;
    this.#tally[what] += bytes;
    await this.#throttle(bytes);
  }

  #read(segment: SegmentFacts): AsyncGenerator<readonly Buffer[], void, undefined> {
    const { directory, skip } = this.#job;
    return readSegment({ disk: this.#disk, directory, skip }, segment, this.#memory);
  }
}
