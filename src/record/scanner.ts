// Steps through the records of an uncompressed section without making anything: where key, value and headers lie is
// left in the scanner's fields. What `iterateRecords` and a consumer's records are made of.

import { textOfError } from '../base/errors.ts';
import { type Cursor, readVarint, readVarlong } from '../base/varint.ts';
import type { RecordHeader } from './builder.ts';
import type { BatchHeader } from './header.ts';
import { RecordError } from './record-error.ts';

/** What a batch's header says that its records are read by. */
export interface RecordsContext {
  readonly baseOffset: number;
  readonly baseTimestamp: number;
  /** The one timestamp of all records under `LogAppendTime`, else null. */
  readonly logAppendTimeMs: number | null;
  readonly recordCount: number;
  readonly lastOffsetDelta: number;
}

const NO_HEADERS: readonly RecordHeader[] = [];
/** The smallest record: length, attributes, two deltas, two null fields, header count. */
export const RECORD_BYTES_MIN = 7;
// The smallest header: an empty key and a null value.
const HEADER_BYTES_MIN = 2;

/** Context of the records in the batch under `header`. Throws RecordError `unsafe_integer`. */
export function recordsContext(header: BatchHeader): RecordsContext {
  return {
    baseOffset: header.baseOffset,
    baseTimestamp: header.baseTimestamp,
    logAppendTimeMs: header.timestampType === 'LogAppendTime' ? header.maxTimestamp : null,
    recordCount: header.recordCount,
    lastOffsetDelta: header.lastOffsetDelta,
  };
}

/** One pass over the records of a section. */
export class RecordScanner {
  readonly section: Buffer;
  readonly #context: RecordsContext;
  readonly #cursor: Cursor = { position: 0 };
  #left: number;
  /** Of the record that {@link next} came to; places are indexes into `section`, a length of -1 is null. */
  offset = -1;
  /** Milliseconds since the epoch, -1 for none; the batch's for `LogAppendTime`. */
  timestamp = -1;
  keyAt = 0;
  keyLength = -1;
  valueAt = 0;
  valueLength = -1;
  /** Where the record begins: what {@link readRecordAt} takes. */
  startAt = 0;
  /** Where the next one begins. */
  endAt = 0;
  #headersAt = 0;

  /** Throws {@link RecordError} `corrupt_record` when the section cannot hold so many records. */
  constructor(section: Buffer, context: RecordsContext) {
    const { recordCount } = context;
    if (recordCount < 0 || recordCount > section.length / RECORD_BYTES_MIN) {
      const message = `${section.length} bytes cannot hold ${recordCount} records`;
      throw corrupt(message, context.baseOffset, 0);
    }
    this.section = section;
    this.#context = context;
    this.#left = recordCount;
  }

  /** Goes on to the next record; false after the last. Throws {@link RecordError} `corrupt_record`. */
  next(): boolean {
    if (this.#left === 0) {
      if (this.#cursor.position === this.section.length) return false;
      const { baseOffset } = this.#context;
      throw corrupt('bytes are left after the last record', baseOffset, this.#cursor.position);
    }
    const start = this.#cursor.position;
    try {
      this.#step(start);
    } catch (error) {
      throw located(error, this.#context.baseOffset, start);
    }
    this.#left -= 1;
    return true;
  }

  /**
   * The record's headers, values as views. Throws {@link RecordError} `corrupt_record` when they do not fill the rest
   * of the record.
   */
  headers(): readonly RecordHeader[] {
    try {
      return parseHeaders(this.section, { position: this.#headersAt }, this.endAt);
    } catch (error) {
      throw located(error, this.offset, this.startAt);
    }
  }

  #step(start: number): void {
    const { section } = this;
    const cursor = this.#cursor;
    const context = this.#context;
    const length = readVarint(section, cursor, section.length);
    const end = cursor.position + length;
    if (length < RECORD_BYTES_MIN - 1 || end > section.length) {
      throw corrupt(`a record of ${length} bytes does not fit`, context.baseOffset, start);
    }
    // Record attributes: a byte without meaning so far.
    cursor.position += 1;
    const timestampDelta = readVarlong(section, cursor, end);
    const offsetDelta = readVarint(section, cursor, end);
    if (offsetDelta < 0 || offsetDelta > context.lastOffsetDelta) {
      throw corrupt(`offset delta ${offsetDelta} is out of range`, context.baseOffset, start);
    }
    this.offset = context.baseOffset + offsetDelta;
    this.timestamp = context.logAppendTimeMs ?? context.baseTimestamp + timestampDelta;
    this.keyLength = fieldLength(section, cursor, end);
    this.keyAt = cursor.position;
    if (this.keyLength > 0) cursor.position += this.keyLength;
    this.valueLength = fieldLength(section, cursor, end);
    this.valueAt = cursor.position;
    if (this.valueLength > 0) cursor.position += this.valueLength;
    this.startAt = start;
    this.#headersAt = cursor.position;
    this.endAt = end;
    cursor.position = end;
  }
}

/** Length of a field whose bytes begin at the cursor; -1 for null. */
function fieldLength(section: Buffer, cursor: Cursor, end: number): number {
  const length = readVarint(section, cursor, end);
  if (length < 0) return -1;
  if (length > end - cursor.position) {
    throw new RangeError(`a field of ${length} bytes does not fit at byte ${cursor.position}`);
  }
  return length;
}

function readField(section: Buffer, cursor: Cursor, end: number): Buffer | null {
  const length = fieldLength(section, cursor, end);
  if (length < 0) return null;
  const from = cursor.position;
  cursor.position = from + length;
  return section.subarray(from, from + length);
}

/** What a record holds, as views. */
export interface RecordFields {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/**
 * The fields of the record that begins at `startAt`, where a scanner found one. Throws {@link RecordError}
 * `corrupt_record` when the headers do not fill the rest of it.
 */
export function readRecordAt(section: Buffer, startAt: number): RecordFields {
  const cursor = { position: startAt };
  try {
    const length = readVarint(section, cursor, section.length);
    const end = cursor.position + length;
    cursor.position += 1;
    readVarlong(section, cursor, end);
    readVarint(section, cursor, end);
    const key = readField(section, cursor, end);
    const value = readField(section, cursor, end);
    return { key, value, headers: parseHeaders(section, cursor, end) };
  } catch (error) {
    throw located(error, -1, startAt);
  }
}

function parseHeaders(section: Buffer, cursor: Cursor, end: number): readonly RecordHeader[] {
  if (cursor.position === end - 1 && section[cursor.position] === 0) return NO_HEADERS;
  const count = readVarint(section, cursor, end);
  if (count < 0 || count > (end - cursor.position) / HEADER_BYTES_MIN) {
    throw new RangeError(`${count} headers do not fit at byte ${cursor.position}`);
  }
  const headers: RecordHeader[] = [];
  for (let index = 0; index < count; index++) {
    const key = readField(section, cursor, end);
    if (key === null) throw new RangeError(`a header without key at byte ${cursor.position}`);
    const value = readField(section, cursor, end);
    headers.push({ key: key.toString('utf8'), value });
  }
  if (cursor.position === end) return headers;
  throw new RangeError(`a record ends ${end - cursor.position} bytes early`);
}

function located(error: unknown, offset: number, position: number): RecordError {
  if (error instanceof RecordError) return error;
  const message = textOfError(error);
  return new RecordError('corrupt_record', message, { offset, position }, { cause: error });
}

function corrupt(message: string, offset: number, position: number): RecordError {
  return new RecordError('corrupt_record', message, { offset, position });
}
