// Child processes of tests and benchmarks: start, wait, stop by process id.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { endFamilies } from './family.ts';
import { removeAllFolders } from './temporary.ts';

/** How much of a child's standard error is kept for messages (the end of it), in characters. */
const ERROR_TEXT_MAX = 262_144;

/** Each with whether it leads a group of processes, which then ends with it. */
const running = new Map<ChildProcess, boolean>();

process.on('exit', () => {
  for (const [child, leads] of running) {
    if (leads) killGroup(child);
    else child.kill('SIGKILL');
  }
  endFamilies();
  removeAllFolders();
});

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // All of them have ended.
  }
}

/**
 * Starts a program that does not outlive this process, however this process ends by itself. With `detached` neither do
 * the programs that it starts.
 */
export function spawnOwned(
  program: string,
  args: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  const child = spawn(program, args, options);
  running.set(child, options.detached === true);
  const gone = (): void => {
    running.delete(child);
  };
  child.once('error', gone);
  child.once('close', gone);
  return child;
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Written to standard input in order, with back-pressure; then the input is closed. */
  readonly input?: Iterable<Buffer> | AsyncIterable<Buffer>;
  /** Called with each piece of standard output; the child waits while a promise is pending. */
  readonly onOutput?: (piece: Buffer) => void | Promise<void>;
  /** Ends the child with SIGKILL after this many milliseconds and rejects. */
  readonly timeoutMs?: number;
  /** Exit codes that are no failure. Default: 0 only. */
  readonly accept?: readonly number[];
}

export interface ChildResult {
  /** Standard output as text; empty when `onOutput` took it. */
  readonly output: string;
  readonly errors: string;
  readonly code: number;
}

/** Of what a program that failed had written to standard output, in characters: some say there what went wrong. */
const LAST_WORDS_MAX = 2_000;

/** Runs a program to its end. Rejects with its last words, of both outputs, unless it ends well. */
export async function runChild(
  program: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<ChildResult> {
  const child = spawnOwned(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
  });
  const errors = tailOf(child);
  const ended = exitOf(child);
  let timedOut = false;
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          child.kill('SIGKILL');
        }, options.timeoutMs);
  try {
    const [output, , code] = await Promise.all([
      readOutput(child, options),
      writeInput(child, options.input ?? []),
      ended,
    ]);
    if (timedOut) throw new Error(`${program} ran longer than ${options.timeoutMs} ms`);
    if (!(options.accept ?? [0]).includes(code)) {
      const words = [errors(), output.slice(-LAST_WORDS_MAX).trim()].filter((one) => one !== '');
      throw new Error(`${program} ${args.join(' ')}\nended with ${code}: ${words.join('\n')}`);
    }
    return { output, errors: errors(), code };
  } finally {
    clearTimeout(timer);
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  }
}

async function readOutput(child: ChildProcess, options: ChildOptions): Promise<string> {
  const kept: Buffer[] = [];
  if (child.stdout === null) return '';
  for await (const piece of child.stdout as AsyncIterable<Buffer>) {
    if (options.onOutput === undefined) kept.push(piece);
    else await options.onOutput(piece);
  }
  return Buffer.concat(kept).toString('utf8');
}

async function writeInput(
  child: ChildProcess,
  input: Iterable<Buffer> | AsyncIterable<Buffer>,
): Promise<void> {
  const pipe = child.stdin;
  if (pipe === null) return;
  let broken = false;
  // A child that ends early is reported by its exit code; the broken pipe only stops the writing.
  pipe.on('error', () => {
    broken = true;
  });
  for await (const piece of input) {
    if (broken) return;
    if (!pipe.write(piece)) {
      await new Promise<void>((resolve) => {
        const done = () => {
          pipe.off('drain', done);
          pipe.off('close', done);
          resolve();
        };
        pipe.on('drain', done);
        pipe.on('close', done);
      });
    }
  }
  pipe.end();
}

/** Collects the end of the child's standard error; the returned function reads it. */
export function tailOf(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
    text = (text + piece).slice(-ERROR_TEXT_MAX);
  });
  return () => text.trim();
}

/**
 * The child's exit code; 128 + n when a signal ended it, as shells say it; 127 when it never ran. At `close` all that
 * it wrote is here, and whoever has its outputs from it has ended too; `exit` is its own end.
 */
export function exitOf(child: ChildProcess, at: 'close' | 'exit' = 'close'): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once(at, (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)));
  });
}

/** A TCP port that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Asks `ready` every 20 ms until it says yes. Throws when the time is over or `failed` says why. */
export async function waitUntil(
  ready: () => boolean | Promise<boolean>,
  options: { readonly timeoutMs: number; readonly what: string; readonly failed?: () => string },
): Promise<void> {
  const end = performance.now() + options.timeoutMs;
  while (!(await ready())) {
    const failure = options.failed?.() ?? '';
    if (failure !== '') throw new Error(`${options.what}: ${failure}`);
    if (performance.now() > end)
      throw new Error(`${options.what}: not within ${options.timeoutMs} ms`);
    await sleep(20);
  }
}
