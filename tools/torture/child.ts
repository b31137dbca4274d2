// Starts the writer as a process of its own, listens to it, and ends it.

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { WriterTask } from './writer-child.ts';

/** 512-byte blocks: the unit of `ulimit -f` in a POSIX shell. */
const LIMIT_BLOCK_BYTES = 512;

/** What the writer said before its end. */
export interface WriterEnd {
  /** By partition: everything below is acknowledged. */
  readonly acked: ReadonlyMap<number, number>;
  readonly said: ReadonlySet<string>;
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly errors: string;
}

export interface RunWriter {
  readonly task: WriterTask;
  /** Ends it with SIGKILL; `after` counts from the start of the process or from its first acknowledgement. */
  readonly kill: { readonly afterMs: number; readonly from: 'start' | 'first-ack' } | null;
  /** Largest file that the kernel lets it write; null for no limit. */
  readonly fileBytesMax: number | null;
  readonly timeoutMs: number;
}

/** The compiled program: worker threads and child processes of Node 20 cannot run TypeScript. */
function writerPath(): string {
  const here = import.meta.url;
  const url = here.endsWith('.ts')
    ? new URL('../../dist/tools/torture/writer-child.js', here)
    : new URL('./writer-child.js', here);
  return fileURLToPath(url);
}

function start({ task, fileBytesMax }: RunWriter): ChildProcess {
  const node = [process.execPath, writerPath(), JSON.stringify(task)];
  if (fileBytesMax === null) {
    return spawn(node[0] ?? '', node.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  }
  // The signal of the limit is ignored, so that writes fail with EFBIG instead.
  const blocks = Math.floor(fileBytesMax / LIMIT_BLOCK_BYTES);
  const script = `trap '' XFSZ; ulimit -f ${blocks} && exec "$@"`;
  return spawn('/bin/sh', ['-c', script, 'sh', ...node], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs a writer to its end, its kill, or the time-out, which also kills. */
export function runWriter(options: RunWriter): Promise<WriterEnd> {
  const child = start(options);
  const acked = new Map<number, number>();
  const said = new Set<string>();
  let errors = '';
  let rest = '';
  const timers: NodeJS.Timeout[] = [];
  const killIn = (ms: number): void => {
    timers.push(setTimeout(() => child.kill('SIGKILL'), ms));
  };
  killIn(options.timeoutMs);
  if (options.kill?.from === 'start') killIn(options.kill.afterMs);
  const take = (line: string): void => {
    const [word = '', partition, end] = line.split(' ');
    if (word !== 'ack') {
      said.add(word);
      return;
    }
    if (acked.size === 0 && options.kill?.from === 'first-ack') killIn(options.kill.afterMs);
    const known = acked.get(Number(partition)) ?? 0;
    acked.set(Number(partition), Math.max(known, Number(end)));
  };
  child.stdout?.setEncoding('latin1').on('data', (piece: string) => {
    const lines = (rest + piece).split('\n');
    // A line without its end was cut short by the kill, and said nothing.
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
    errors = (errors + piece).slice(-4000);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      for (const timer of timers) clearTimeout(timer);
      resolve({ acked, said, code, errors });
    });
  });
}
