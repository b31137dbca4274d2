// Child processes of a demo: started again when they die, so that killing any of them is part of the show.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { WITH_PARENT } from '../stop-signal.ts';

/** The entry of this command, as this process was started with it. */
const bin = process.argv[1] ?? '';

const RESTART_MS = 500;

/** One program that is kept running. */
export class KeptProcess {
  readonly name: string;
  readonly #args: readonly string[];
  readonly #onLine: (line: string) => void;
  #child: ChildProcess | null = null;
  #stopping = false;
  #stderr = '';
  #lastWords: string | null = null;
  /** How often it was started again. */
  restarts = 0;

  /** `onLine` hears each line of its standard output. */
  constructor(name: string, args: readonly string[], onLine: (line: string) => void = () => {}) {
    this.name = name;
    this.#args = args;
    this.#onLine = onLine;
    this.#start();
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** What it said last when it ended of itself the last time; null: it was killed, or has not ended. */
  get lastWords(): string | null {
    return this.#lastWords;
  }

  /** SIGTERM, and SIGKILL for one that does not end within ten seconds. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'close');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(timer);
  }

  #start(): void {
    const child = spawn(process.execPath, [bin, ...this.#args, WITH_PARENT], {
      // By the channel it knows that we are gone, however we ended.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A group of its own: Ctrl-C in a terminal is for the demo, which ends its processes in order.
      detached: true,
    });
    this.#child = child;
    let rest = '';
    this.#stderr = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#onLine(line);
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-4000);
    });
    child.once('close', (code) => {
      this.#child = null;
      if (this.#stopping) return;
      const lines = this.#stderr.split('\n').filter((line) => line.startsWith('error: '));
      this.#lastWords = code === null ? null : (lines.at(-1) ?? `it ended with ${code}`);
      this.restarts += 1;
      setTimeout(() => {
        if (!this.#stopping) this.#start();
      }, RESTART_MS);
    });
  }
}
