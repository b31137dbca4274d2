// Real text found on the machine (sources, documentation, licences), cut into records. The same machine gives the same
// records every time; where there is less text than asked for, the walk begins again.

import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { projectRoot } from '../../../bench/peers/index.ts';
import type { InteropRecord } from './interop-client.ts';

const FILE_BYTES_MAX = 2 * 1024 * 1024;
const NEWLINE = 0x0a;

function roots(): string[] {
  return ['/usr/share', '/usr/include', '/usr/lib', join(projectRoot(), 'node_modules')];
}

function* filesBelow(folder: string): Generator<string> {
  let entries: { name: string; isDirectory(): boolean; isFile(): boolean }[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

/** The file's bytes when it is plain text that every tool can carry: UTF-8, no control bytes but tab and newline. */
function textOf(path: string): Buffer | undefined {
  try {
    const size = statSync(path).size;
    if (size === 0 || size > FILE_BYTES_MAX) return undefined;
    const file = openSync(path, 'r');
    const bytes = Buffer.alloc(size);
    const read = readSync(file, bytes, 0, size, 0);
    closeSync(file);
    if (read !== size || bytes.includes(0) || !isUtf8(bytes)) return undefined;
    // Carriage returns end a line for Java, 0x1e and 0x1d are delimiters of these tests.
    return bytes.includes(0x0d) || bytes.includes(0x1e) || bytes.includes(0x1d) ? undefined : bytes;
  } catch {
    return undefined;
  }
}

/** A name that fits into a header of every tool's text form. */
function headerText(path: string): string {
  return basename(path).replace(/[^A-Za-z0-9._-]/g, '_');
}

export interface CorpusOptions {
  readonly count: number;
  /** Size at which a record is closed at the next line's end, in bytes. */
  readonly recordBytes: number;
  /** First words of every key: keeps the records of different producers apart. */
  readonly prefix: string;
  /** Timestamps to carry, one millisecond apart from here. Without it records carry none. */
  readonly firstTimestamp?: number;
  /** For tools that read lines: newlines inside a record are replaced by the sign U+2424. */
  readonly singleLine?: boolean;
  /** The same headers on every record instead of the file's name and the place in the walk. */
  readonly headers?: InteropRecord['headers'];
  /** Every so many records one without a value. Default: none. */
  readonly tombstoneEvery?: number;
  /** Where in the list of files to begin, so that producers send different text. */
  readonly skipFiles?: number;
}

/** Gives `count` records; memory holds one file at a time. */
export function* textRecords(options: CorpusOptions): Generator<InteropRecord> {
  const passes = roots();
  let made = 0;
  let skip = options.skipFiles ?? 0;
  while (made < options.count) {
    const before = made;
    for (const path of passes.flatMap((root) => [filesBelow(root)])) {
      for (const file of path) {
        if (skip > 0) {
          skip -= 1;
          continue;
        }
        const text = textOf(file);
        if (text === undefined) continue;
        for (const value of chunks(text, options)) {
          yield recordOf(options, { index: made, file, value });
          made += 1;
          if (made === options.count) return;
        }
      }
    }
    if (made === before && skip === 0) throw new Error('no text found on this machine');
    skip = 0;
  }
}

function recordOf(
  options: CorpusOptions,
  at: { readonly index: number; readonly file: string; readonly value: Buffer },
): InteropRecord {
  const tombstone = (options.tombstoneEvery ?? 0) > 0 && at.index % options.tombstoneEvery! === 7;
  return {
    key: Buffer.from(`${options.prefix}-${at.index}`),
    value: tombstone ? null : at.value,
    headers: options.headers ?? [
      ['file', headerText(at.file)],
      ['index', String(at.index)],
    ],
    timestamp: options.firstTimestamp === undefined ? undefined : options.firstTimestamp + at.index,
  };
}

const NEWLINE_SIGN = Buffer.from('\u2424');

/** Cuts a text at line ends into pieces of at least `recordBytes` (the last may be shorter), without the last newline. */
function* chunks(text: Buffer, options: CorpusOptions): Generator<Buffer> {
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf(NEWLINE, Math.min(start + options.recordBytes, text.length));
    if (end < 0) end = text.length;
    const piece = text.subarray(start, end);
    if (piece.length > 0) yield options.singleLine === true ? onOneLine(piece) : piece;
    start = end + 1;
  }
}

function onOneLine(piece: Buffer): Buffer {
  if (!piece.includes(NEWLINE)) return piece;
  return Buffer.from(piece.toString('utf8').replaceAll('\n', NEWLINE_SIGN.toString()));
}
