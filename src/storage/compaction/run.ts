// One compaction pass: reads the dirty part into a key map, then rewrites the segments below its end. Runs in a
// worker thread over a Disk of its own, or in place; the log swaps the results in (see swap.ts).

import { loadXxHash64 } from '../../base/xxhash.ts';
import {
  BatchHeader,
  codecOf,
  prepareCodec,
  RecordError,
  readRecords,
} from '../../record/index.ts';
import type { Disk } from '../disk.ts';
import { type CleanContext, cleanBatch } from './clean-batch.ts';
import { CleanedWriter } from './cleaned-writer.ts';
import { CompactionError } from './compaction-error.ts';
import type { CleanedSegment, CompactionJob, CompactionResult } from './job.ts';
import { KeyMap } from './key-map.ts';
import { groupSegments, type SegmentFacts } from './plan.ts';
import { readSegment } from './segment-source.ts';

/** Called with the bytes read and written since the last call; may wait, to keep within a rate. */
export type Throttle = (bytes: number) => Promise<void>;

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
  readonly #tally: Tally = {
    bytesRead: 0,
    bytesWritten: 0,
    recordsRemoved: 0,
    batchesUnreadable: 0,
  };

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
    const cleaned: CleanedSegment[] = [];
    for (const group of groupSegments(segments, this.#job)) {
      const result = await this.#rewrite(group, map, cleanedTo);
      if (result !== null) cleaned.push(result);
    }
    const mapFull = cleanedTo < this.#job.endOffset;
    return { cleanedTo, cleaned, stats: { ...this.#tally, keys: map.size, mapFull } };
  }

  /** Fills the map from the dirty part; answers the first offset that is not in it. */
  async #fill(map: KeyMap): Promise<number> {
    for (const segment of this.#job.segments) {
      if (segment.nextOffset <= this.#job.firstDirtyOffset) continue;
      for await (const batches of readSegment(this.#source(), segment)) {
        await this.#account(batches, 'bytesRead');
        for (const batch of batches) {
          const header = new BatchHeader(batch);
          if (header.lastOffset < this.#job.firstDirtyOffset || header.isControl) continue;
          await prepare(header);
          if (!noteKeys(batch, map)) return header.baseOffset;
        }
      }
    }
    return this.#job.endOffset;
  }

  /** Rewrites one group; null when nothing in it changes. */
  async #rewrite(
    group: readonly SegmentFacts[],
    map: KeyMap,
    cleanedTo: number,
  ): Promise<CleanedSegment | null> {
    const { directory, indexIntervalBytes, nowMs, deleteRetentionMs } = this.#job;
    const baseOffset = group[0]?.baseOffset ?? 0;
    const producers = new Map(this.#job.producers);
    const context: CleanContext = {
      lastOffsetOf: (key) => map.get(key),
      isLastOfProducer: (id, lastOffset) => producers.get(id) === lastOffset,
      nowMs,
      deleteRetentionMs,
    };
    const writer = new CleanedWriter(this.#disk, { directory, baseOffset, indexIntervalBytes });
    let changed = group.length > 1;
    try {
      for (const segment of group) {
        for await (const batches of readSegment(this.#source(), segment)) {
          await this.#account(batches, 'bytesRead');
          const kept: Buffer[] = [];
          for (const batch of batches) {
            const bytes = await this.#cleanOne(batch, context, cleanedTo);
            if (bytes !== batch) changed = true;
            if (bytes !== null) kept.push(bytes);
          }
          await writer.write(kept);
          await this.#account(kept, 'bytesWritten');
        }
      }
    } catch (error) {
      await writer.discard();
      throw error;
    }
    if (!changed) {
      await writer.discard();
      return null;
    }
    const facts = await writer.finish();
    return { baseOffset, ...facts, replaces: group.map((segment) => segment.baseOffset) };
  }

  async #cleanOne(batch: Buffer, context: CleanContext, cleanedTo: number): Promise<Buffer | null> {
    const header = new BatchHeader(batch);
    // What the map has not seen is not judged: its tombstones may hide records that the next pass has to drop first.
    if (header.baseOffset >= cleanedTo) return batch;
    await prepare(header);
    const cleaned = cleanBatch(batch, context);
    switch (cleaned.kind) {
      case 'kept':
        if (cleaned.unreadable !== null) this.#tally.batchesUnreadable += 1;
        return batch;
      case 'rewritten':
        this.#tally.recordsRemoved += cleaned.recordsRemoved;
        return cleaned.bytes;
      case 'dropped':
        this.#tally.recordsRemoved += cleaned.recordsRemoved;
        return null;
    }
  }

  async #account(batches: readonly Buffer[], what: 'bytesRead' | 'bytesWritten'): Promise<void> {
    let bytes = 0;
    for (const batch of batches) bytes += batch.length;
    this.#tally[what] += bytes;
    await this.#throttle(bytes);
  }

  #source() {
    return { disk: this.#disk, directory: this.#job.directory, skip: this.#job.skip };
  }
}

/** Puts the batch's keys into the map; false when one did not fit. A batch that does not parse has no keys. */
function noteKeys(batch: Buffer, map: KeyMap): boolean {
  try {
    for (const record of readRecords(batch)) {
      if (record.key !== null && !map.put(record.key, record.offset)) return false;
    }
    return true;
  } catch (error) {
    if (error instanceof RecordError) return true;
    throw error;
  }
}

async function prepare(header: BatchHeader): Promise<void> {
  const codec = codecOf(header.codecId);
  if (codec === 'zstd') await prepareCodec(codec);
}
