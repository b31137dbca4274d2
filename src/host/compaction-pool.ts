// Compaction passes in worker threads, so that the broker's event loop never waits for one.

import { TidemarkError } from '../base/errors.ts';
import {
  CompactionError,
  type CompactionJob,
  type CompactionResult,
  type CompactionRunner,
} from '../storage/index.ts';
import type { CompactionTask } from './compaction-worker.ts';
import { WorkerPool } from './worker-pool.ts';

/** Threads at most; how many are used is the cleaner's business (`log.cleaner.threads`). */
const THREADS_MAX = 16;

/** Runs each pass in a worker of its own over the data directory `root`. */
export class CompactionPool implements CompactionRunner {
  readonly #root: string;
  readonly #pool = new WorkerPool({ file: './compaction-worker.js', threadsMax: THREADS_MAX });

  constructor(options: { readonly root: string }) {
    this.#root = options.root;
  }

  async run(job: CompactionJob): Promise<CompactionResult> {
    const task: CompactionTask = { root: this.#root, job };
    try {
      return (await this.#pool.run('compact', task)) as CompactionResult;
    } catch (error) {
      throw revived(error);
    }
  }

  /** A pass may take minutes; half of one is worth nothing and harms nothing. */
  close(): Promise<void> {
    return this.#pool.close();
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
