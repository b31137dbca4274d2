// Into a file of NDJSON or CSV. While it is under way a file beside it, `<path>.resume`, tells what is exported and how
// far it is safe; it goes away at the end.

import { type FileHandle, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { ArchiveHead, PartitionTotals } from './documents.ts';
import { ArchiveError } from './errors.ts';
import type { ExportChunk, ExportSink } from './export-sink.ts';
import { unusable } from './file.ts';
import { CSV_COLUMNS, csvRow, jsonLine, type TextRecord } from './text-records.ts';
import { placeOf, Totals } from './totals.ts';

export type TextFormat = 'ndjson' | 'csv';

/** What the file beside it holds. */
interface Progress {
  readonly head: ArchiveHead;
  readonly format: TextFormat;
  readonly bytes: number;
  readonly totals: readonly PartitionTotals[];
}

const CHUNK_BYTES = 1024 * 1024;

const writers: Readonly<Record<TextFormat, (record: TextRecord) => string>> = {
  ndjson: jsonLine,
  csv: csvRow,
};

function besideOf(path: string): string {
  return `${path}.resume`;
}

/** A new file. Throws ArchiveError `archive_unusable`. */
export async function newText(
  path: string,
  format: TextFormat,
  head: ArchiveHead,
): Promise<ExportSink> {
  const file = await open(path, 'wx').catch((error: unknown) => {
    throw unusable(path, 'write', error);
  });
  const sink = new TextSink(path, file, { head, format, bytes: 0, totals: [] });
  if (format === 'csv') sink.header();
  await sink.checkpoint();
  return sink;
}

/** A file that was begun: cut back to what was safe. Throws ArchiveError `invalid_archive_request`. */
export async function resumeText(path: string): Promise<ExportSink> {
  let progress: Progress;
  try {
    progress = JSON.parse(await readFile(besideOf(path), 'utf8')) as Progress;
  } catch (cause) {
    const text = `there is no ${besideOf(path)} to go on from: the export is whole, or was never begun`;
    throw new ArchiveError('invalid_archive_request', text, { cause });
  }
  try {
    const file = await open(path, 'r+');
    await file.truncate(progress.bytes);
    return new TextSink(path, file, progress);
  } catch (error) {
    throw unusable(path, 'write', error);
  }
}

class TextSink implements ExportSink {
  readonly head: ArchiveHead;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #format: TextFormat;
  readonly #totals: Totals;
  #text = '';
  #bytes: number;

  constructor(path: string, file: FileHandle, progress: Progress) {
    this.#path = path;
    this.#file = file;
    this.head = progress.head;
    this.#format = progress.format;
    this.#bytes = progress.bytes;
    this.#totals = new Totals(progress.head.stretches);
    this.#totals.restore(progress.totals);
  }

  get bytes(): number {
    return this.#bytes;
  }

  header(): void {
    this.#text = `${CSV_COLUMNS.join(',')}\r\n`;
  }

  position(place: string): number {
    return this.#totals.position(place) ?? 0;
  }

  async take(fetched: ExportChunk, to: number): Promise<void> {
    const { topic, partition, nextOffset, records } = fetched;
    const from = this.position(placeOf(fetched));
    const writer = writers[this.#format];
    let count = 0;
    let firstOffset = -1;
    let lastOffset = -1;
    let maxTimestamp = -1;
    let payload = 0;
    for (const record of records) {
      if (record.offset >= to) break;
      if (count === 0) firstOffset = record.offset;
      count += 1;
      lastOffset = record.offset;
      maxTimestamp = Math.max(maxTimestamp, record.timestamp);
      payload += (record.key?.length ?? 0) + (record.value?.length ?? 0);
      this.#text += writer({ ...record, topic, partition });
      if (this.#text.length >= CHUNK_BYTES) await this.#put();
    }
    const missing = count === 0 ? 0 : lastOffset - firstOffset + 1 - count;
    const block = { topic, partition, from, to: Math.min(to, nextOffset), payload };
    this.#totals.add(block, { records: count, firstOffset, lastOffset, missing, maxTimestamp });
  }

  async checkpoint(): Promise<void> {
    const { head } = this;
    try {
      await this.#put();
      await this.#file.datasync();
      const progress = { head, format: this.#format, bytes: this.#bytes, totals: this.totals() };
      const beside = besideOf(this.#path);
      await writeFile(`${beside}.new`, JSON.stringify(progress), { flush: true });
      await rename(`${beside}.new`, beside);
    } catch (error) {
      throw unusable(this.#path, 'write', error);
    }
  }

  async finish(): Promise<void> {
    await this.checkpoint();
    await rm(besideOf(this.#path), { force: true });
  }

  totals(): readonly PartitionTotals[] {
    return this.#totals.all();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #put(): Promise<void> {
    const bytes = Buffer.from(this.#text);
    this.#text = '';
    try {
      for (let done = 0; done < bytes.length; ) {
        const at = this.#bytes + done;
        done += (await this.#file.write(bytes, done, bytes.length - done, at)).bytesWritten;
      }
    } catch (error) {
      throw unusable(this.#path, 'write', error);
    }
    this.#bytes += bytes.length;
  }
}
