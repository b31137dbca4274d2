// A pool of worker threads that is made when it is first needed: a start costs about 35 ms, which no broker should pay
// before it listens.

import type { Piscina } from 'piscina';

const IDLE_TIMEOUT_MS = 30_000;

export interface WorkerPoolOptions {
  /** The worker's module, beside this one. */
  readonly file: `./${string}.js`;
  readonly threadsMax: number;
}

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  #pool: Promise<Piscina> | null = null;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Calls a function of the module by name. `moved`: memory that is not copied, and gone here. */
  async run(name: string, task: object, moved: readonly ArrayBuffer[] = []): Promise<unknown> {
    this.#pool ??= this.#start().catch((error: unknown) => {
      // The next task may have better luck.
      this.#pool = null;
      throw error;
    });
    const pool = await this.#pool;
    return await pool.run(task, { name, transferList: [...moved] });
  }

  /** Ends what is at work. */
  async close(): Promise<void> {
    const pool = await this.#pool?.catch(() => null);
    await pool?.destroy();
  }

  async #start(): Promise<Piscina> {
    const { Piscina } = await import('piscina');
    return new Piscina({
      filename: new URL(this.#options.file, import.meta.url).href,
      minThreads: 0,
      maxThreads: this.#options.threadsMax,
      idleTimeout: IDLE_TIMEOUT_MS,
    });
  }
}

/** Whether worker threads can load our code: not when the sources run unbuilt on Node 20. */
export function workersAvailable(): boolean {
  return !import.meta.url.endsWith('.ts');
}
