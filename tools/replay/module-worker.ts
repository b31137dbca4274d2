// The other side of record-module.ts: runs a user's `filter` and `transform` on batches of records, in a thread that
// can be ended when they hang.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { PlacedRecord, ReplayedRecord } from './types.ts';

/** What a module may export. */
export interface RecordModule {
  /** False leaves the record out. */
  readonly filter?: (record: PlacedRecord) => unknown;
  /** The record to write in place of this one; null leaves it out. Fields that are left out stay as they are. */
  readonly transform?: (record: PlacedRecord) => unknown;
}

export interface ModuleWorkerData {
  /** A `file:` URL. */
  readonly url: string;
  /** One number: the index of the record at work. */
  readonly progress: Int32Array<SharedArrayBuffer>;
}

/** For each record of a batch what is written, null for nothing; or why the module failed, and where. */
export type ModuleAnswer =
  | { readonly ready: true }
  | { readonly results: readonly (ReplayedRecord | null)[] }
  | { readonly failure: string; readonly index: number };

const { url, progress } = workerData as ModuleWorkerData;

function asBuffer(value: unknown, what: string): Buffer | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length);
  if (typeof value === 'string') return Buffer.from(value);
  if (typeof value === 'object') return Buffer.from(JSON.stringify(value));
  throw new TypeError(
    `transform gave ${typeof value} for ${what}: give bytes, text, an object or null`,
  );
}

/** A list, as records have it, or `{ name: value }`, as producers take it. */
function asHeaders(headers: unknown): ReplayedRecord['headers'] {
  if (typeof headers !== 'object' || headers === null) {
    throw new TypeError(`transform gave ${headers === null ? 'null' : typeof headers} for headers`);
  }
  const pairs = Array.isArray(headers)
    ? headers.map((one: { key: unknown; value: unknown }) => [one?.key, one?.value] as const)
    : Object.entries(headers);
  return pairs.map(([key, value]) => {
    if (typeof key === 'string') return { key, value: asBuffer(value, `header ${key}`) };
    throw new TypeError('transform gave a header without a key: give [{ key, value }]');
  });
}

function asTimestamp(value: unknown): number {
  const ms = value instanceof Date ? value.getTime() : value;
  if (typeof ms === 'number' && Number.isSafeInteger(ms) && ms >= -1) return ms;
  throw new TypeError(`transform gave ${String(value)} for the timestamp: give whole milliseconds`);
}

/** The message, and the line of the module that it came from. */
function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const line = lineIn(error.stack ?? '') ?? (error instanceof SyntaxError ? checkedLine() : null);
  return line === null ? error.message : `${error.message} (line ${line})`;
}

function lineIn(text: string): string | null {
  for (const name of [url, fileURLToPath(url)]) {
    const at = text.indexOf(name);
    if (at >= 0) return /^:(\d+)/.exec(text.slice(at + name.length))?.[1] ?? null;
  }
  return null;
}

/** What does not parse is told without a line when it is imported, with one when it is checked. */
function checkedLine(): string | null {
  const checked = spawnSync(process.execPath, ['--check', fileURLToPath(url)], {
    encoding: 'utf8',
  });
  return lineIn(checked.stderr ?? '');
}

/** What stays as it was read. */
const fixed: readonly (keyof PlacedRecord)[] = ['topic', 'partition', 'offset'];

/** An answer that means something else than it does is a mistake; guessing would write it a million times. */
function checked(answer: unknown, record: PlacedRecord): Partial<ReplayedRecord> {
  const wanted = 'give { key, value, headers, timestamp }, where what is left out stays';
  if (answer === undefined) {
    throw new TypeError(`transform gave nothing: ${wanted}, or null to leave the record out`);
  }
  if (typeof answer !== 'object' || answer === null || ArrayBuffer.isView(answer)) {
    throw new TypeError(`transform gave ${typeof answer}: ${wanted}, such as { value }`);
  }
  for (const [name, value] of Object.entries(answer)) {
    if (!Object.hasOwn(record, name)) {
      throw new TypeError(`transform gave '${name}', which is no part of a record: ${wanted}`);
    }
    if (value === undefined) {
      throw new TypeError(`transform gave undefined for ${name}: leave it out, or give null`);
    }
    if (fixed.includes(name as keyof PlacedRecord) && value !== record[name as 'topic']) {
      throw new TypeError(`transform gave another ${name}: only its contents can be changed`);
    }
  }
  return answer;
}

async function apply(module: RecordModule, record: PlacedRecord): Promise<ReplayedRecord | null> {
  if (module.filter !== undefined && !(await module.filter(record))) return null;
  const { key, value, headers, timestamp } = record;
  const as = { key, value, headers, timestamp };
  if (module.transform === undefined) return as;
  const changed = await module.transform(record);
  if (changed === null) return null;
  const next = { ...as, ...checked(changed, record) };
  return {
    key: asBuffer(next.key, 'the key'),
    value: asBuffer(next.value, 'the value'),
    headers: asHeaders(next.headers),
    timestamp: asTimestamp(next.timestamp),
  };
}

function revived(record: PlacedRecord): PlacedRecord {
  const bytes = (value: Uint8Array | null): Buffer | null =>
    value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const { key, value, headers } = record;
  return {
    ...record,
    key: bytes(key),
    value: bytes(value),
    headers: headers.map((one) => ({ key: one.key, value: bytes(one.value) })),
  };
}

async function runBatch(
  module: RecordModule,
  records: readonly PlacedRecord[],
): Promise<ModuleAnswer> {
  const results: (ReplayedRecord | null)[] = [];
  for (const [index, record] of records.entries()) {
    Atomics.store(progress, 0, index);
    try {
      results.push(await apply(module, revived(record)));
    } catch (error) {
      return { failure: inWords(error), index };
    }
  }
  return { results };
}

async function main(): Promise<void> {
  const tell = (answer: ModuleAnswer): void => parentPort?.postMessage(answer);
  try {
    const exported = (await import(url)) as RecordModule & { readonly default?: RecordModule };
    // One of CommonJS has what it exports there.
    const module = { ...exported.default, ...exported };
    if (module.filter === undefined && module.transform === undefined) {
      tell({ failure: 'it exports neither filter nor transform', index: -1 });
      return;
    }
    parentPort?.on('message', (records: readonly PlacedRecord[]) => {
      void runBatch(module, records).then(tell);
    });
    tell({ ready: true });
  } catch (error) {
    tell({ failure: inWords(error), index: -1 });
  }
}

void main();
