// Runs the built command line as a user does: in child processes, on free ports of the loopback.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';

/** The command as it is built. */
export const bin = resolve(import.meta.dirname, '../../dist/lib/bin.cjs');

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Buffer;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** The environment without what the machine may have set for Kafka programs. */
function environment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(TIDEMARK_|KAFKA_|BOOTSTRAP_SERVERS|FORCE_COLOR)/.test(name),
  );
  return { ...Object.fromEntries(kept), NO_COLOR: '1', ...extra };
}

/** Runs `tidemark ARGS` to its end. */
export async function tidemark(
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const child = start(args, options);
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input ?? '');
  return finished(child);
}

/** Starts `tidemark ARGS` and leaves it running. */
export function start(args: readonly string[], options: RunOptions = {}): ChildProcess {
  return spawn(process.execPath, [bin, ...args], {
    env: environment(options.env),
    cwd: options.cwd,
    stdio: 'pipe',
  });
}

/** Everything that a child writes, and its exit code. */
export async function finished(child: ChildProcess): Promise<Finished> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}

/** Resolves when a stream has shown `text`. Call it before the text can come. */
export function saw(stream: Readable | null, text: string): Promise<void> {
  return new Promise((done) => {
    let seen = '';
    stream?.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes(text)) done();
    });
  });
}

export interface ServedBroker {
  readonly bootstrap: string;
  readonly port: number;
  readonly address: Record<string, unknown>;
  readonly child: ChildProcess;
  /** Runs a command against this broker. */
  run(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; stderr: string }>;
}

/** Starts `tidemark serve --json ARGS` and waits for its line. */
export async function serve(
  args: readonly string[],
  options: RunOptions = {},
): Promise<ServedBroker> {
  const child = start(['serve', '--json', '--port', '0', ...args], options);
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const line = await firstLine(child, () => stderr);
  const address = JSON.parse(line) as Record<string, unknown>;
  const bootstrap = String(address['bootstrap']);
  return {
    bootstrap,
    port: Number(address['port']),
    address,
    child,
    run: (more, given = {}) =>
      tidemark(more, { ...given, env: { TIDEMARK_BROKERS: bootstrap, ...given.env } }),
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null) return { code: child.exitCode, stderr };
      child.kill(signal);
      const [code] = (await once(child, 'close')) as [number | null];
      return { code, stderr };
    },
  };
}

function firstLine(child: ChildProcess, stderr: () => string): Promise<string> {
  return new Promise((done, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const end = text.indexOf('\n');
      if (end >= 0) done(text.slice(0, end));
    });
    child.once('close', (code) => reject(new Error(`serve ended with ${code}: ${stderr()}`)));
  });
}

/** A directory of its own, removed by `remove`. */
export function scratch(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'tidemark-story-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
