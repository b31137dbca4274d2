// Batches that expand to much are looked into in worker threads: 11 KiB of zstd can be 120 MiB of records, which take
// 1.6 s that the event loop would owe to everybody else.

import type {
  BatchBytes,
  FoundRecord,
  LookOutcome,
  RecordLook,
  RecordWorker,
  TimeSearch,
} from '../record/index.ts';
import { WorkerPool } from './worker-pool.ts';

/** One for who means harm, one for the rest. */
const THREADS_MAX = 2;

export class RecordPool implements RecordWorker {
  readonly #pool = new WorkerPool({ file: './record-worker.js', threadsMax: THREADS_MAX });

  async look(look: RecordLook): Promise<LookOutcome> {
    const batch = copyOf(look.batch);
    const outcome = (await this.#pool.run('look', { ...look, batch }, [
      batch.buffer,
    ])) as LookOutcome;
    if (outcome.refused !== null || outcome.rebuilt === null) return outcome;
    return { ...outcome, rebuilt: bufferOf(outcome.rebuilt) };
  }

  async find(search: TimeSearch): Promise<FoundRecord | null> {
    const batch = copyOf(search.batch);
    const found = await this.#pool.run('find', { ...search, batch }, [batch.buffer]);
    return found as FoundRecord | null;
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

/** Memory of its own: the batch is a part of a larger buffer, and that belongs to others. */
function copyOf(batch: BatchBytes): Uint8Array<ArrayBuffer> {
  const parts = Buffer.isBuffer(batch) ? [batch] : batch;
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Buffers arrive as plain arrays of bytes. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
