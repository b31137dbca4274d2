// What an import reads: an archive, or files of NDJSON or CSV.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { MemoryLease } from '../../src/base/memory-pool.ts';
import type { ArchiveEnd, ArchiveHead, ArchiveStretch } from './documents.ts';
import { ArchiveError } from './errors.ts';
import { ArchiveReader, unusable } from './file.ts';
import { parseCsvRow, parseJsonLine, type TextRecord } from './text-records.ts';
import type { TextFormat } from './text-sink.ts';

/** Some records of one partition: batches with the range that counts in them, or records of text. */
export type ImportChunk = ArchiveStretch & {
  /** For people: the byte or the line. */
  readonly where: string;
  /** Bytes of the source that are behind it. */
  readonly doneBytes: number;
} & (
    | {
        readonly bytes: Buffer;
        /** Of the memory that the bytes lie in: to be dropped by who takes the chunk. */
        readonly lease: MemoryLease | null;
        readonly records: null;
      }
    | { readonly bytes: null; readonly lease: null; readonly records: readonly TextRecord[] }
  );

export interface ImportSource {
  readonly path: string;
  /** Bytes of the file. */
  readonly bytes: number;
  /** Null for text, which does not say. */
  readonly head: ArchiveHead | null;
  /** Null for text, and for an archive without an end. */
  readonly end: ArchiveEnd | null;
  /** Throws ArchiveError for damage, with the place. */
  chunks(): AsyncGenerator<ImportChunk, void, undefined>;
  close(): Promise<void>;
}

/** Throws ArchiveError `archive_unusable`, `not_an_archive`, `archive_damaged`. */
export async function openArchiveSource(path: string): Promise<ImportSource> {
  const reader = await ArchiveReader.open(path);
  try {
    const [head, end] = [await headOf(reader), await reader.end()];
    return {
      path,
      bytes: reader.bytes,
      head,
      end,
      async *chunks() {
        for await (const { document, position, next, lease } of reader.documents()) {
          if (document.type !== 'batches') continue;
          const { topic, partition, from, to, bytes } = document;
          const where = `${path} byte ${position}`;
          const what = { bytes, lease, records: null };
          yield { topic, partition, from, to, where, doneBytes: next, ...what };
        }
      },
      close: () => reader.close(),
    };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

async function headOf(reader: ArchiveReader): Promise<ArchiveHead> {
  for await (const { document } of reader.documents()) {
    if (document.type === 'head') return document;
    break;
  }
  throw new ArchiveError('not_an_archive', `${reader.path} does not begin with a head`);
}

/** Throws ArchiveError `archive_unusable`. */
export async function openTextSource(path: string, format: TextFormat): Promise<ImportSource> {
  const { size } = await stat(path).catch((error: unknown) => {
    throw unusable(path, 'read', error);
  });
  return {
    path,
    bytes: size,
    head: null,
    end: null,
    chunks: () => textChunks(path, format),
    close: () => Promise.resolve(),
  };
}

/** Records that follow each other in one partition go together. */
const CHUNK_RECORDS = 1000;

async function* textChunks(
  path: string,
  format: TextFormat,
): AsyncGenerator<ImportChunk, void, undefined> {
  let run: TextRecord[] = [];
  let where = '';
  let doneBytes = 0;
  const chunk = (): ImportChunk | null => {
    const [first, last] = [run[0], run.at(-1)];
    if (first === undefined || last === undefined) return null;
    const { topic, partition, offset: from } = first;
    const made = { topic, partition, from, to: last.offset + 1, where, doneBytes };
    return { ...made, bytes: null, lease: null, records: run };
  };
  for await (const line of format === 'csv' ? csvLines(path) : ndjsonLines(path)) {
    const last = run.at(-1);
    const { topic, partition } = line.record;
    const goesOn = last !== undefined && last.topic === topic && last.partition === partition;
    if (run.length >= CHUNK_RECORDS || !goesOn) {
      const made = chunk();
      if (made !== null) yield made;
      run = [];
    }
    run.push(line.record);
    where = line.where;
    doneBytes = line.doneBytes;
  }
  const made = chunk();
  if (made !== null) yield made;
}

interface Line {
  readonly record: TextRecord;
  readonly where: string;
  readonly doneBytes: number;
}

async function* ndjsonLines(path: string): AsyncGenerator<Line, void, undefined> {
  let number = 0;
  let doneBytes = 0;
  for await (const text of splitLines(path)) {
    number += 1;
    doneBytes += Buffer.byteLength(text) + 1;
    if (text.trim() === '') continue;
    const where = `${path} line ${number}`;
    yield { record: parseJsonLine(text, where), where, doneBytes };
  }
}

async function* splitLines(path: string): AsyncGenerator<string, void, undefined> {
  let rest = '';
  for await (const piece of pieces(path)) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

async function* pieces(path: string): AsyncGenerator<string, void, undefined> {
  const stream = createReadStream(path, { encoding: 'utf8', highWaterMark: 1024 * 1024 });
  try {
    let first = true;
    for await (const piece of stream) {
      // A mark of byte order is of whatever saved the file, and no part of its first name.
      yield first ? (piece as string).replace(/^\uFEFF/, '') : (piece as string);
      first = false;
    }
  } catch (error) {
    throw unusable(path, 'read', error);
  }
}

async function* csvLines(path: string): AsyncGenerator<Line, void, undefined> {
  let columns: readonly string[] | null = null;
  for await (const { cells, line, doneBytes } of csvRows(path)) {
    const where = `${path} line ${line}`;
    if (columns === null) columns = namedColumns(cells, where);
    else yield { record: parseCsvRow(columns, cells, where), where, doneBytes };
  }
}

function namedColumns(cells: readonly string[], where: string): readonly string[] {
  const missing = ['topic', 'partition', 'offset', 'timestamp'].find((one) => !cells.includes(one));
  if (missing === undefined) return cells;
  throw new ArchiveError(
    'invalid_line',
    `${where}: there is no column "${missing}", as an export has`,
  );
}

interface CsvRow {
  readonly cells: readonly string[];
  /** Where it begins, counted from 1. */
  readonly line: number;
  readonly doneBytes: number;
}

/** RFC 4180: cells in quotes may hold commas, line ends and doubled quotes. */
async function* csvRows(path: string): AsyncGenerator<CsvRow, void, undefined> {
  let pending = '';
  let quotes = 0;
  let beganAt = 1;
  let number = 0;
  let doneBytes = 0;
  for await (const text of splitLines(path)) {
    number += 1;
    doneBytes += Buffer.byteLength(text) + 1;
    pending = beganAt === number ? text : `${pending}\n${text}`;
    // Inside quotes as long as their number is odd.
    quotes += text.split('"').length - 1;
    if (quotes % 2 === 1) continue;
    quotes = 0;
    const row = pending.endsWith('\r') ? pending.slice(0, -1) : pending;
    if (row !== '')
      yield { cells: cellsOf(row, `${path} line ${beganAt}`), line: beganAt, doneBytes };
    pending = '';
    beganAt = number + 1;
  }
  if (pending !== '') {
    throw new ArchiveError('invalid_line', `${path} line ${beganAt}: a quote is never closed`);
  }
}

const cellPattern = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;

function cellsOf(row: string, where: string): string[] {
  const cells: string[] = [];
  cellPattern.lastIndex = 0;
  for (;;) {
    const at = cellPattern.lastIndex;
    const match = cellPattern.exec(row);
    if (match === null) {
      throw new ArchiveError('invalid_line', `${where} column ${at + 1}: a quote out of place`);
    }
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '') return cells;
  }
}
