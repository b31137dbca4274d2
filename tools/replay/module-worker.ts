// The other side of record-module.ts: runs a user's `filter` and `transform` on batches of records, in a thread that
// can be ended when they hang.

import { parentPort, workerData } from 'node:worker_threads';
import type { PlacedRecord, ReplayedRecord } from './types.ts';

/** What a module may export. */
export interface RecordModule {
  /** False leaves the record out. */
  readonly filter?: (record: PlacedRecord) => unknown;
  /** The record to write in place of this one; null leaves it out. Fields that are left out stay as they are. */
  readonly transform?: (record: PlacedRecord) => Partial<ReplayedRecord> | null | undefined;
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

async function apply(module: RecordModule, record: PlacedRecord): Promise<ReplayedRecord | null> {
  if (module.filter !== undefined && !(await module.filter(record))) return null;
  const { key, value, headers, timestamp } = record;
  const as = { key, value, headers, timestamp };
  if (module.transform === undefined) return as;
  const changed = await module.transform(record);
  if (changed === null || changed === undefined) return null;
  const next = { ...as, ...changed };
  return {
    key: asBuffer(next.key, 'the key'),
    value: asBuffer(next.value, 'the value'),
    headers: next.headers.map((one) => ({ key: one.key, value: asBuffer(one.value, 'a header') })),
    timestamp: Number(next.timestamp),
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
      return { failure: error instanceof Error ? error.message : String(error), index };
    }
  }
  return { results };
}

async function main(): Promise<void> {
  const tell = (answer: ModuleAnswer): void => parentPort?.postMessage(answer);
  try {
    const module = (await import(url)) as RecordModule;
    if (module.filter === undefined && module.transform === undefined) {
      tell({ failure: 'it exports neither filter nor transform', index: -1 });
      return;
    }
    parentPort?.on('message', (records: readonly PlacedRecord[]) => {
      void runBatch(module, records).then(tell);
    });
    tell({ ready: true });
  } catch (error) {
    tell({ failure: error instanceof Error ? error.message : String(error), index: -1 });
  }
}

void main();
