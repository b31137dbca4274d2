// A user's module with `filter` and `transform`, in a worker of its own: what it does, and how long it takes, is not
// ours to trust.

import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { CancelTimer, Clock } from '../../src/base/ports.ts';
import { ReplayError } from './errors.ts';
import type { ModuleAnswer, ModuleWorkerData } from './module-worker.ts';
import { type PlacedRecord, placeOf, type ReplayedRecord } from './types.ts';

/** One record may take so long. */
export const RECORD_TIME_LIMIT_MS = 1000;
const LOAD_TIME_LIMIT_MS = 10_000;

/** Runs a module on batches of records, one batch at a time. */
export class ModuleRunner {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #worker: Worker;
  readonly #progress = new Int32Array(new SharedArrayBuffer(4));
  /** Why its thread has ended. */
  #dead: string | null = null;
  #working: readonly PlacedRecord[] = [];
  #waiting: { resolve: (answer: ModuleAnswer) => void; reject: (error: Error) => void } | null =
    null;

  private constructor(path: string, clock: Clock, limitMs: number) {
    this.#path = path;
    this.#clock = clock;
    this.#limitMs = limitMs;
    const workerData: ModuleWorkerData = {
      url: pathToFileURL(resolve(path)).href,
      progress: this.#progress,
    };
    this.#worker = new Worker(new URL(workerFile(), import.meta.url), { workerData, stdout: true });
    // Standard output is for records.
    this.#worker.stdout.pipe(process.stderr, { end: false });
    this.#worker.on('message', (answer: ModuleAnswer) => this.#waiting?.resolve(answer));
    this.#worker.on('error', (error: Error) => this.#die(error.message));
    this.#worker.on('exit', (code) => this.#die(`it ended its thread with process.exit(${code})`));
  }

  /** Loads the module. Throws ReplayError `replay_module_failed`. */
  static async load(
    path: string,
    clock: Clock,
    limitMs = RECORD_TIME_LIMIT_MS,
  ): Promise<ModuleRunner> {
    await access(path).catch((cause: unknown) => {
      const text = `the module ${path} cannot be read`;
      throw new ReplayError('replay_module_failed', text, { cause });
    });
    const runner = new ModuleRunner(path, clock, limitMs);
    try {
      const answer = await runner.#answer(null);
      if ('failure' in answer) throw runner.#failed(answer.failure);
      return runner;
    } catch (error) {
      await runner.close();
      throw error;
    }
  }

  /**
   * What is to be written for each record, null for nothing. Throws ReplayError `replay_module_failed` with the record
   * that it threw at, or took longer than the limit for.
   */
  async run(records: readonly PlacedRecord[]): Promise<readonly (ReplayedRecord | null)[]> {
    if (records.length === 0) return [];
    const answer = await this.#answer(records);
    if ('results' in answer)
      return answer.results.map((one) => (one === null ? null : revive(one)));
    const why = 'failure' in answer ? answer.failure : 'it answered out of turn';
    const record = 'index' in answer ? records[answer.index] : undefined;
    throw this.#failed(why, record);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #answer(records: readonly PlacedRecord[] | null): Promise<ModuleAnswer> {
    let cancel: CancelTimer = () => {};
    const answered = new Promise<ModuleAnswer>((resolve, reject) => {
      if (this.#dead !== null) throw this.#failed(this.#dead, records?.[0]);
      this.#working = records ?? [];
      this.#waiting = { resolve, reject };
      Atomics.store(this.#progress, 0, 0);
      cancel = this.#watch(records, reject);
      if (records !== null) this.#worker.postMessage(records);
    });
    return answered.finally(() => {
      cancel();
      this.#waiting = null;
    });
  }

  /** Ends a module that stays at one record for longer than the limit. */
  #watch(records: readonly PlacedRecord[] | null, reject: (error: Error) => void): CancelTimer {
    const limitMs = records === null ? LOAD_TIME_LIMIT_MS : this.#limitMs;
    let seen = -1;
    let cancel: CancelTimer = () => {};
    const look = (): void => {
      const at = Atomics.load(this.#progress, 0);
      if (at !== seen) {
        seen = at;
        cancel = this.#clock.setTimer(limitMs, look);
        return;
      }
      void this.#worker.terminate();
      reject(this.#failed(`it took longer than ${limitMs} ms`, records?.[at]));
    };
    look();
    return () => cancel();
  }

  /** The thread has ended, by an error that nobody caught, or by itself. */
  #die(why: string): void {
    this.#dead ??= why;
    this.#waiting?.reject(this.#failed(this.#dead, this.#working[this.#progress[0] ?? 0]));
  }

  #failed(why: string, record?: PlacedRecord): ReplayError {
    const place = record && `${placeOf(record.topic, record.partition)} offset ${record.offset}`;
    const where = place === undefined ? '' : ` at ${place}`;
    return new ReplayError(
      'replay_module_failed',
      `the module ${this.#path} failed${where}: ${why}`,
    );
  }
}

/** Beside this file, in its own form: TypeScript where tests run from source, JavaScript once built. */
function workerFile(): string {
  return import.meta.url.endsWith('.ts') ? './module-worker.ts' : './module-worker.js';
}

/** Buffers arrive as plain arrays of bytes. */
function revive(record: ReplayedRecord): ReplayedRecord {
  const bytes = (value: Uint8Array | null): Buffer | null =>
    value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return {
    key: bytes(record.key),
    value: bytes(record.value),
    headers: record.headers.map((one) => ({ key: one.key, value: bytes(one.value) })),
    timestamp: record.timestamp,
  };
}
