// Compaction passes in worker threads, so that the broker's event loop never waits for one. The pool is made when the
// first pass runs: a start costs about 35 ms, which no broker should pay before it listens.

import type { Piscina } from 'piscina';
import { TidemarkError } from '../base/errors.ts';
import {
  CompactionError,
  type CompactionJob,
  type CompactionResult,
  type CompactionRunner,
} from '../storage/index.ts';
import type { CompactionTask } from './compaction-worker.ts';

const IDLE_TIMEOUT_MS = 30_000;

/** Threads at most; how many are used is the cleaner's business (`log.cleaner.threads`). */
const THREADS_MAX = 16;

/** Runs each pass in a worker of its own over the data directory `root`. */
export class CompactionPool implements CompactionRunner {
  readonly #root: string;
  #pool: Promise<Piscina> | null = null;

  constructor(options: { readonly root: string }) {
    this.#root = options.root;
  }

  async run(job: CompactionJob): Promise<CompactionResult> {
    this.#pool ??= this.#start().catch((error: unknown) => {
      // The next pass may have better luck.
      this.#pool = null;
      throw error;
    });
    const pool = await this.#pool;
    const task: CompactionTask = { root: this.#root, job };
    try {
      return (await pool.run(task, { name: 'compact' })) as CompactionResult;
    } catch (error) {
      throw revived(error);
    }
  }

  async close(): Promise<void> {
    const pool = await this.#pool?.catch(() => null);
    // A pass may take minutes; half of one is worth nothing and harms nothing.
    await pool?.destroy();
  }

  async #start(): Promise<Piscina> {
    const { Piscina } = await import('piscina');
    return new Piscina({
      filename: new URL('./compaction-worker.js', import.meta.url).href,
      minThreads: 0,
      maxThreads: THREADS_MAX,
      idleTimeout: IDLE_TIMEOUT_MS,
    });
  }
}

/** Errors lose their class on the way between threads; their code tells which they were. */
function revived(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code } = error as { code?: unknown };
  if (code === 'damaged' || code === 'map_too_small')
    return new CompactionError(code, error.message);
  return new TidemarkError('compaction_failed', error.message, { cause: error });
}

/** Whether worker threads can load our code: not when the sources run unbuilt on Node 20. */
export function workersAvailable(): boolean {
  return !import.meta.url.endsWith('.ts');
}
