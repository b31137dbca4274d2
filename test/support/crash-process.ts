// Lives of the broker that kills itself (crash-broker.mjs). The next process is started while the present one still
// serves, so that a restart costs no more than opening the data.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { exitOf, projectRoot, tailOf } from '../../bench/peers/index.ts';

/** Where a life ends: at the n-th time that `point` ("<kind of file> <operation>") is reached. */
export interface Fault {
  readonly point: string;
  readonly occurrence: number;
  readonly when: 'before' | 'torn' | 'after';
}

/** How often each point was reached, by phase of the life. */
export type Reached = Readonly<
  Record<'open' | 'serve' | 'close', Readonly<Record<string, number>>>
>;

/** How a life ended: killed, or stopped in order. */
export type Ending =
  | { readonly kind: 'killed' }
  | { readonly kind: 'stopped'; readonly reached: Reached };

const KILLED = 128 + 9;

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

/** One broker process. */
class Life {
  readonly ended: Promise<number>;
  readonly errors: () => string;
  readonly #child: ChildProcess;
  readonly #said: Record<string, unknown> = {};
  #wake: () => void = () => undefined;

  constructor() {
    const program = join(projectRoot(), 'test/support/crash-broker.mjs');
    this.#child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.errors = tailOf(this.#child);
    this.ended = exitOf(this.#child);
    this.#child.stdin?.on('error', () => undefined);
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      Object.assign(this.#said, JSON.parse(line));
      this.#wake();
    });
    void this.ended.then(() => this.#wake());
  }

  tell(text: string): void {
    this.#child.stdin?.write(`${text}\n`);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  said(name: string): unknown {
    return this.#said[name];
  }

  /** The field once it is said; undefined when the process ended instead. */
  async waitFor(name: string): Promise<unknown> {
    while (this.#said[name] === undefined) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) break;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#said[name];
  }

  /** All that it said is read by then. */
  async drained(): Promise<number> {
    const code = await this.ended;
    if (this.#child.stdout?.readableEnded === false) await once(this.#child.stdout, 'end');
    return code;
  }
}

/** The brokers of one data directory, one after the other, always on the same port. */
export class Lives {
  readonly #directory: string;
  readonly #configs: Readonly<Record<string, string>>;
  readonly port: number;
  #next = new Life();
  #current: Life | null = null;

  constructor(directory: string, port: number, configs: Readonly<Record<string, string>>) {
    this.#directory = directory;
    this.port = port;
    this.#configs = configs;
  }

  /**
   * Starts a broker. Resolves with true once it serves, with false when its fault ended it before. Throws when it ended
   * in any other way.
   */
  async start(fault: Fault | null): Promise<boolean> {
    const life = this.#next;
    this.#next = new Life();
    this.#current = life;
    const orders = { directory: this.#directory, port: this.port, configs: this.#configs, fault };
    life.tell(JSON.stringify(orders));
    if (isNumber(await life.waitFor('port'))) return true;
    await this.#checkKilled(life);
    return false;
  }

  /** Waits for the fault for so long, then asks for an orderly stop (which may meet the fault as well). */
  async finish(serveMs: number): Promise<Ending> {
    const life = this.#current;
    if (life === null) throw new Error('no broker was started');
    const timer = setTimeout(() => life.tell('stop'), serveMs);
    const code = await life.drained();
    clearTimeout(timer);
    if (code === KILLED) return { kind: 'killed' };
    if (code === 0) return { kind: 'stopped', reached: life.said('reached') as Reached };
    throw new Error(`the broker ended with ${code}: ${life.errors()}`);
  }

  /** kill -9 from outside. */
  async kill(): Promise<void> {
    this.#current?.kill();
    await this.#current?.ended;
  }

  /** What the present broker wrote to standard error. */
  errors(): string {
    return this.#current?.errors() ?? '';
  }

  async dispose(): Promise<void> {
    for (const life of [this.#next, this.#current]) {
      life?.kill();
      await life?.ended;
    }
  }

  async #checkKilled(life: Life): Promise<void> {
    const code = await life.drained();
    if (code !== KILLED) throw new Error(`the broker ended with ${code}: ${life.errors()}`);
  }
}
