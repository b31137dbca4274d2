// Checks the index files of a segment against its log in one pass: each is read once, small, and then compared as the
// batches go by. Rules are those that lookups depend on; see offset-index.ts and time-index.ts in src/storage.

import { readInt64 } from '../base/int64.ts';
import { OFFSET_ENTRY_BYTES, TIME_ENTRY_BYTES } from '../storage/index.ts';
import type { BatchObserver, SeenBatch } from './check-log.ts';
import { type Finding, type FindingCode, finding, type OffsetRange } from './finding.ts';

/** The segment that index files belong to. */
export interface IndexContext {
  /** Path of the index file, for findings. */
  readonly path: string;
  /** Path of the segment's log, for the repair. */
  readonly logPath: string;
  readonly baseOffset: number;
  /** Whether the segment is finished, so that its indexes must be complete. */
  readonly sealed: boolean;
  /** `index.interval.bytes` of the topic; Kafka's default where it is not known. */
  readonly intervalBytes: number;
}

/** A stretch without entries of so many intervals is no longer sparseness, but a file that lost entries. */
const SPARSE_INTERVALS_MAX = 64;
const INTERVAL_BYTES_MIN = 4096;

/** How many faults of one file are told one by one. */
const TOLD_MAX = 20;

/** Collects what is wrong with one index file. */
export class IndexFaults {
  readonly #context: IndexContext;
  readonly #code: FindingCode;
  readonly #findings: Finding[] = [];
  #count = 0;

  constructor(context: IndexContext, code: FindingCode) {
    this.#context = context;
    this.#code = code;
  }

  get count(): number {
    return this.#count;
  }

  add(what: string, position: number | null, offsets: OffsetRange | null = null): void {
    this.#count++;
    if (this.#findings.length >= TOLD_MAX) return;
    const { path, logPath } = this.#context;
    const repair = { kind: 'rebuild-indexes', path: logPath } as const;
    const fields = { severity: 'damage', code: this.#code, path, what, repair } as const;
    this.#findings.push(finding({ ...fields, position, offsets }));
  }

  finish(): Finding[] {
    const more = this.#count - this.#findings.length;
    if (more > 0) {
      const { path } = this.#context;
      const what = `${more} more entries are wrong`;
      this.#findings.push(finding({ severity: 'damage', code: this.#code, path, what }));
    }
    return this.#findings;
  }
}

/** Bytes of whole entries; trailing zeros are preallocated space, as Kafka leaves it in the active segment. */
function usedEntries(bytes: Buffer, entryBytes: number): number {
  let count = Math.floor(bytes.length / entryBytes);
  while (count > 0) {
    const start = (count - 1) * entryBytes;
    if (!bytes.subarray(start, start + entryBytes).every((byte) => byte === 0)) break;
    count--;
  }
  return count;
}

/** A remainder at the end that is no whole entry. */
export function cutOff(bytes: Buffer, entryBytes: number): number {
  const rest = bytes.length % entryBytes;
  const tail = bytes.subarray(bytes.length - rest);
  return tail.every((byte) => byte === 0) ? 0 : rest;
}

/** Compares a `.index` with the log: entries rise, and each points at the batch that holds its offset. */
export class OffsetIndexCheck implements BatchObserver {
  readonly #bytes: Buffer;
  readonly #context: IndexContext;
  readonly #faults: IndexFaults;
  readonly #count: number;
  #entry = 0;
  #lastOffset = -1;
  #lastPosition = -1;
  #end = 0;
  #largestBatch = 0;

  constructor(bytes: Buffer, context: IndexContext) {
    this.#bytes = bytes;
    this.#context = context;
    this.#faults = new IndexFaults(context, 'index_wrong');
    this.#count = usedEntries(bytes, OFFSET_ENTRY_BYTES);
    const rest = cutOff(bytes, OFFSET_ENTRY_BYTES);
    if (rest > 0) this.#faults.add('the last entry is cut off', bytes.length - rest);
  }

  batch({ position, bytes, baseOffset, lastOffset }: SeenBatch): void {
    this.#end = position + bytes;
    if (bytes > this.#largestBatch) this.#largestBatch = bytes;
    while (this.#entry < this.#count) {
      const points = this.#bytes.readInt32BE(this.#entry * OFFSET_ENTRY_BYTES + 4);
      if (points > position) return;
      const offset = this.#take();
      if (offset === null) continue;
      const range = { first: baseOffset, last: lastOffset };
      const at = (this.#entry - 1) * OFFSET_ENTRY_BYTES;
      if (points < position) {
        this.#faults.add(`an entry points at byte ${points}, where no batch begins`, at);
      } else if (offset < baseOffset || offset > lastOffset) {
        const words = `${baseOffset} to ${lastOffset} at byte ${position}`;
        this.#faults.add(`an entry for offset ${offset} points at offsets ${words}`, at, range);
      }
    }
  }

  finish(): Finding[] {
    for (; this.#entry < this.#count; ) {
      const at = this.#entry * OFFSET_ENTRY_BYTES;
      const points = this.#bytes.readInt32BE(at + 4);
      if (this.#take() === null) continue;
      this.#faults.add(`an entry points at byte ${points}, where no batch begins`, at);
    }
    this.#checkReach();
    return this.#faults.finish();
  }

  #checkReach(): void {
    const { sealed, intervalBytes } = this.#context;
    const bare = this.#end - Math.max(0, this.#lastPosition);
    const most = SPARSE_INTERVALS_MAX * Math.max(intervalBytes, INTERVAL_BYTES_MIN);
    if (!sealed || bare <= most + this.#largestBatch) return;
    this.#faults.add(`the last ${bare} bytes of the log have no entry`, null);
  }

  /** The next entry's absolute offset; null when it does not rise, which is noted. */
  #take(): number | null {
    const at = this.#entry * OFFSET_ENTRY_BYTES;
    this.#entry++;
    const relative = this.#bytes.readInt32BE(at);
    const position = this.#bytes.readInt32BE(at + 4);
    if (relative <= this.#lastOffset || position <= this.#lastPosition) {
      this.#faults.add('entries do not rise', at);
      return null;
    }
    this.#lastOffset = relative;
    this.#lastPosition = position;
    return this.#context.baseOffset + relative;
  }
}

/**
 * Compares a `.timeindex` with the log: entries rise; each offset exists, and up to it the largest timestamp is the
 * entry's. The last entry of a finished segment states the segment's largest timestamp.
 */
export class TimeIndexCheck implements BatchObserver {
  readonly #bytes: Buffer;
  readonly #context: IndexContext;
  readonly #faults: IndexFaults;
  readonly #count: number;
  #entry = 0;
  #maxTimestamp = -1;
  #lastTimestamp = -1;

  constructor(bytes: Buffer, context: IndexContext) {
    this.#bytes = bytes;
    this.#context = context;
    this.#faults = new IndexFaults(context, 'time_index_wrong');
    this.#count = usedEntries(bytes, TIME_ENTRY_BYTES);
    const rest = cutOff(bytes, TIME_ENTRY_BYTES);
    if (rest > 0) this.#faults.add('the last entry is cut off', bytes.length - rest);
    this.#checkOrder();
  }

  batch({ lastOffset, maxTimestamp }: SeenBatch): void {
    if (maxTimestamp > this.#maxTimestamp) this.#maxTimestamp = maxTimestamp;
    while (this.#entry < this.#count) {
      const at = this.#entry * TIME_ENTRY_BYTES;
      const offset = this.#context.baseOffset + this.#bytes.readInt32BE(at + 8);
      if (offset > lastOffset) return;
      this.#entry++;
      const timestamp = readInt64(this.#bytes, at);
      this.#lastTimestamp = timestamp;
      if (timestamp === this.#maxTimestamp) continue;
      const words = `timestamp ${timestamp} up to offset ${offset}, the log ${this.#maxTimestamp}`;
      this.#faults.add(`an entry states ${words}`, at, { first: offset, last: offset });
    }
  }

  finish(): Finding[] {
    for (; this.#entry < this.#count; this.#entry++) {
      const at = this.#entry * TIME_ENTRY_BYTES;
      const offset = this.#context.baseOffset + this.#bytes.readInt32BE(at + 8);
      this.#faults.add(`an entry names offset ${offset}, which is not there`, at);
      this.#lastTimestamp = Number.POSITIVE_INFINITY;
    }
    if (this.#context.sealed && this.#lastTimestamp < this.#maxTimestamp) {
      const words = `${this.#maxTimestamp} is not in the index of a finished segment`;
      this.#faults.add(`the segment's largest timestamp ${words}`, null);
    }
    return this.#faults.finish();
  }

  #checkOrder(): void {
    for (let entry = 1; entry < this.#count; entry++) {
      const at = entry * TIME_ENTRY_BYTES;
      const before = at - TIME_ENTRY_BYTES;
      const later = readInt64(this.#bytes, at) > readInt64(this.#bytes, before);
      const offset = this.#bytes.readInt32BE(at + 8);
      if (!later || offset < this.#bytes.readInt32BE(before + 8)) {
        this.#faults.add('entries do not rise', at);
      }
    }
  }
}
