// Into a file of JSON lines, or to standard output. A file is its own memory: each line names its source, so a job that
// goes on reads it back, cuts a half-written last line off, and knows what is there.

import { constants, createReadStream } from 'node:fs';
import { access, type FileHandle, open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { ReplayError } from './errors.ts';
import { recordDocument } from './record-json.ts';
import type { Sink } from './sink.ts';
import { type PlacedRecord, placeOf, type ReplayedRecord } from './types.ts';

/** Bytes that are collected before they are written. */
const CHUNK_BYTES = 256 * 1024;
/** How a file is opened that has to be there. */
const APPEND_ONLY = constants.O_WRONLY | constants.O_APPEND;

/**
 * Opens a new file, or with `resume` one that an earlier run left, which holds at least so many `records`. Throws
 * ReplayError `target_refused` when it exists and is not to be resumed, lacks records, or cannot be written.
 */
export async function openFileSink(path: string, resume: boolean, records = 0): Promise<Sink> {
  const written = new Map<string, number>();
  let file: FileHandle | null = null;
  try {
    file = await open(path, !resume ? 'ax' : records === 0 ? 'a' : APPEND_ONLY);
    const found = resume ? await readBack(path, file, written) : 0;
    if (found >= records) return new FileSink(path, file, written);
    throw lacking(path, found, records);
  } catch (error) {
    await file?.close();
    if (error instanceof ReplayError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && records > 0) throw lacking(path, 0, records);
    if (code === 'EEXIST') throw existing(path, error);
    throw new ReplayError('target_refused', `cannot write ${path}: ${message}`, { cause: error });
  }
}

/** Throws ReplayError `target_refused` for a file that is there: a new job begins a new one. */
export async function requireNewFile(path: string): Promise<void> {
  const found = await access(path).then(
    () => true,
    () => false,
  );
  if (found) throw existing(path);
}

function existing(path: string, cause?: unknown): ReplayError {
  const text = `cannot write ${path}: it exists already: name another, or resume its job`;
  return new ReplayError('target_refused', text, { cause });
}

function lacking(path: string, found: number, records: number): ReplayError {
  const text = `${path} has ${found} of the ${records} records that the job had written to it`;
  const then = 'bring it back, or write another with a new job';
  return new ReplayError('target_refused', `${text}: ${then}`);
}

/**
 * Leaves whole lines only, and answers how many. `written` learns the highest source offset of each partition.
 */
async function readBack(
  path: string,
  file: FileHandle,
  written: Map<string, number>,
): Promise<number> {
  let length = 0;
  let count = 0;
  const lines = createInterface({
    input: createReadStream(path),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const line of lines) {
    let source: PlacedRecord;
    try {
      source = JSON.parse(line) as PlacedRecord;
    } catch {
      break;
    }
    length += Buffer.byteLength(line) + 1;
    count += 1;
    written.set(placeOf(source.topic, source.partition), source.offset);
  }
  const { size } = await file.stat();
  if (length < size) await file.truncate(length);
  // The last line was whole but for its end.
  if (length > size) await file.appendFile('\n');
  return count;
}

class FileSink implements Sink {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #written: ReadonlyMap<string, number>;
  #lines: string[] = [];
  #bytes = 0;
  #failure: ReplayError | null = null;
  confirmed = 0;

  constructor(path: string, file: FileHandle, written: ReadonlyMap<string, number>) {
    this.#path = path;
    this.#file = file;
    this.#written = written;
  }

  has(source: PlacedRecord): boolean {
    return source.offset <= (this.#written.get(placeOf(source.topic, source.partition)) ?? -1);
  }

  async write(source: PlacedRecord, record: ReplayedRecord): Promise<void> {
    const line = `${JSON.stringify(recordDocument(source, record))}\n`;
    this.#lines.push(line);
    this.#bytes += line.length;
    if (this.#bytes >= CHUNK_BYTES) await this.#put();
  }

  async flush(): Promise<void> {
    await this.#put();
    await this.#file.datasync().catch((error: Error) => {
      throw this.#refused(error);
    });
  }

  positions(): Readonly<Record<string, number>> {
    return {};
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #put(): Promise<void> {
    // A line may have been written in part: what follows would be read back as written while it is not.
    if (this.#failure !== null) throw this.#failure;
    const lines = this.#lines;
    this.#lines = [];
    this.#bytes = 0;
    await this.#file.appendFile(lines.join('')).catch((error: Error) => {
      throw this.#refused(error);
    });
    this.confirmed += lines.length;
  }

  #refused(cause: Error): ReplayError {
    const text = `cannot write ${this.#path}: ${cause.message}`;
    this.#failure = new ReplayError('target_refused', text, { cause });
    return this.#failure;
  }
}

/** JSON lines to `put`, which answers when it can take more. Nothing is remembered: it cannot be read back. */
export function streamSink(put: (text: string) => Promise<void>): Sink {
  return {
    has: () => false,
    confirmed: 0,
    write: (source, record) => put(`${JSON.stringify(recordDocument(source, record))}\n`),
    flush: () => Promise.resolve(),
    positions: () => ({}),
    close: () => Promise.resolve(),
  };
}
