// Checks an archive: every checksum of ours and of Kafka's, that blocks follow each other, and that the end tells what
// was found. Also how an interrupted export finds out where to go on.

import {
  batchBytes,
  computeBatchCrc,
  iterateBatches,
  RecordError,
} from '../../src/record/index.ts';
import type { ArchiveBlock, ArchiveEnd, ArchiveHead, PartitionTotals } from './documents.ts';
import { ArchiveError } from './errors.ts';
import { ArchiveReader } from './file.ts';
import { measure, placeOf, Totals } from './totals.ts';

/** What is in an archive. */
export interface ArchiveReport {
  readonly path: string;
  readonly head: ArchiveHead;
  /** False: the export was interrupted, `resume` it. */
  readonly finished: boolean;
  readonly bytes: number;
  readonly partitions: readonly PartitionTotals[];
}

export interface VerifyOptions {
  onProgress?(doneBytes: number, totalBytes: number): void;
}

/**
 * Reads the whole archive. Throws ArchiveError `archive_damaged` with the byte of the first damage, `not_an_archive`,
 * `archive_unusable`.
 */
export async function verifyArchive(
  path: string,
  options: VerifyOptions = {},
): Promise<ArchiveReport> {
  const reader = await ArchiveReader.open(path);
  try {
    const check = new Check(path);
    for await (const { position, document, batchesChecked, lease } of reader.documents()) {
      if (document.type === 'head') check.head(document, position);
      else if (document.type === 'end') check.end(document, position);
      else {
        if (!batchesChecked) check.checksums(document, position);
        await check.block(document, position);
      }
      lease?.drop();
      options.onProgress?.(position, reader.bytes);
    }
    return check.report(reader.bytes);
  } finally {
    await reader.close();
  }
}

class Check {
  readonly #path: string;
  #head: ArchiveHead | null = null;
  #totals = new Totals([]);
  #end: ArchiveEnd | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  head(document: ArchiveHead, position: number): void {
    if (this.#head !== null) throw this.#damaged(position, 'a second head');
    this.#head = document;
    this.#totals = new Totals(document.stretches);
  }

  checksums(block: ArchiveBlock, position: number): void {
    for (const header of iterateBatches(block.bytes)) {
      if (header.crc === computeBatchCrc(batchBytes(header))) continue;
      const what = `the batch of ${placeOf(block)} at offset ${header.baseOffset} has a wrong checksum`;
      throw this.#damaged(position, what);
    }
  }

  async block(block: ArchiveBlock, position: number): Promise<void> {
    const place = placeOf(block);
    const expected = this.#totals.position(place);
    if (this.#head === null || this.#end !== null || expected === null) {
      throw this.#damaged(position, `a block of ${place} where none belongs`);
    }
    if (block.from !== expected) {
      throw this.#damaged(position, `${place} goes on at offset ${block.from}, not ${expected}`);
    }
    const measured = await measure([block.bytes], block).catch((error: unknown) => {
      if (!(error instanceof RecordError)) throw error;
      throw this.#damaged(position, `a batch of ${place} cannot be read: ${error.message}`);
    });
    if (measured.records !== block.records) {
      const what = `${place} has ${measured.records} records where ${block.records} are named`;
      throw this.#damaged(position, what);
    }
    this.#totals.add({ ...block, payload: block.bytes.length }, measured);
  }

  end(document: ArchiveEnd, position: number): void {
    if (this.#end !== null) throw this.#damaged(position, 'a second end');
    this.#end = document;
    for (const found of this.#totals.all()) {
      const named = document.partitions.find((one) => placeOf(one) === placeOf(found));
      if (named?.records === found.records && named.to === found.to) continue;
      const text = `${placeOf(found)} has ${found.records} records, the end names ${named?.records ?? 0}`;
      throw this.#damaged(position, text);
    }
  }

  report(bytes: number): ArchiveReport {
    const head = this.#head;
    if (head === null) throw new ArchiveError('not_an_archive', `${this.#path} has no head`);
    const partitions = this.#totals.all();
    return { path: this.#path, head, finished: this.#end !== null, bytes, partitions };
  }

  #damaged(position: number, why: string): ArchiveError {
    return new ArchiveError(
      'archive_damaged',
      `${this.#path} is damaged at byte ${position}: ${why}`,
    );
  }
}
