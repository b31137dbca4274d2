// Into an archive file. What an interrupted export left is checked, cut after its last whole block, and gone on with.

import type { FetchedRecords } from '../../src/client/index.ts';
import { iterateBatches } from '../../src/record/index.ts';
import type { ArchiveHead, PartitionTotals } from './documents.ts';
import { ArchiveError } from './errors.ts';
import { ArchiveFile, ArchiveReader } from './file.ts';
import { measure, placeOf, Totals } from './totals.ts';

/** What was read of a partition. */
export type ExportChunk = Pick<
  FetchedRecords,
  'topic' | 'partition' | 'nextOffset' | 'batches' | 'records'
>;

/** What an export writes to. */
export interface ExportSink {
  /** What is exported: as planned, or for one that goes on as it was planned then. */
  readonly head: ArchiveHead;
  /** Where to go on in a partition. */
  position(place: string): number;
  /** Takes what lies before `to`. */
  take(fetched: ExportChunk, to: number): Promise<void>;
  /** Makes safe what was taken, where it syncs. */
  checkpoint(): Promise<void>;
  /** Makes it whole. */
  finish(finishedMs: number): Promise<void>;
  totals(): readonly PartitionTotals[];
  /** Bytes in the file. */
  readonly bytes: number;
  close(): Promise<void>;
}

/**
 * A new archive, compressed by zstd with that level (0: not at all). Without `sync` it is the system that decides when
 * it comes to the disk. Throws ArchiveError `archive_unusable`.
 */
export async function newArchive(
  path: string,
  head: ArchiveHead,
  level: number,
  sync = true,
): Promise<ExportSink> {
  const file = await ArchiveFile.open(path, { level, sync }, null);
  await file.append(head);
  return new ArchiveSink(file, head, new Totals(head.stretches));
}

/** An archive that was begun. Throws ArchiveError `not_an_archive`, `invalid_archive_request` when it is whole. */
export async function resumeArchive(path: string, level: number, sync = true): Promise<ExportSink> {
  const reader = await ArchiveReader.open(path);
  let head: ArchiveHead | null = null;
  let totals = new Totals([]);
  let end = 0;
  try {
    for await (const { document, next, lease } of reader.wholeDocuments()) {
      if (document.type === 'end') {
        const text = `${path} is whole: there is nothing to resume`;
        throw new ArchiveError('invalid_archive_request', text);
      }
      if (document.type === 'head') {
        head = document;
        totals = new Totals(head.stretches);
      } else {
        const payload = document.bytes.length;
        totals.add({ ...document, payload }, await measure([document.bytes], document));
      }
      lease?.drop();
      end = next;
    }
  } finally {
    await reader.close();
  }
  if (head === null) {
    const text = `${path} holds nothing to go on from: remove it, and export anew`;
    throw new ArchiveError('not_an_archive', text);
  }
  return new ArchiveSink(await ArchiveFile.open(path, { level, sync }, end), head, totals);
}

class ArchiveSink implements ExportSink {
  readonly head: ArchiveHead;
  readonly #file: ArchiveFile;
  readonly #totals: Totals;

  constructor(file: ArchiveFile, head: ArchiveHead, totals: Totals) {
    this.#file = file;
    this.head = head;
    this.#totals = totals;
  }

  get bytes(): number {
    return this.#file.bytes;
  }

  position(place: string): number {
    return this.#totals.position(place) ?? 0;
  }

  async take(fetched: ExportChunk, to: number): Promise<void> {
    const { topic, partition } = fetched;
    // Not where the fetch began: retention may have moved that on.
    const from = this.position(placeOf(fetched));
    const until = Math.min(to, fetched.nextOffset);
    if (until <= from) return;
    const batches = fetched.batches.filter(({ context }) => context.baseOffset < to);
    const runs = runsOf(batches.map((one) => one.bytes));
    const block = { topic, partition, from, to: until };
    const measured = await measure(runs, block);
    const place = { type: 'batches', ...block, records: measured.records } as const;
    await this.#file.appendBlock(place, runs, isCompressed(runs));
    const payload = runs.reduce((sum, { length }) => sum + length, 0);
    this.#totals.add({ ...block, payload }, measured);
  }

  checkpoint(): Promise<void> {
    return this.#file.sync();
  }

  finish(finishedMs: number): Promise<void> {
    return this.#file.end({ type: 'end', finishedMs, partitions: this.#totals.all() });
  }

  totals(): readonly PartitionTotals[] {
    return this.#totals.all();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Batches of one answer mostly lie behind each other: as few pieces as that makes. */
function runsOf(batches: readonly Buffer[]): Buffer[] {
  const runs: Buffer[] = [];
  for (const batch of batches) {
    const last = runs.at(-1);
    const follows =
      last !== undefined &&
      last.buffer === batch.buffer &&
      last.byteOffset + last.length === batch.byteOffset;
    if (!follows) runs.push(batch);
    else {
      const length = last.length + batch.length;
      runs[runs.length - 1] = Buffer.from(last.buffer, last.byteOffset, length);
    }
  }
  return runs;
}

/** What producers compressed shrinks no more; a glance at the first batch tells. */
function isCompressed([first]: readonly Buffer[]): boolean {
  for (const header of iterateBatches(first ?? Buffer.alloc(0))) return header.isCompressed;
  return false;
}
