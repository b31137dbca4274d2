// Rounds of writing, killing and checking on the user's own disk, within bounded space and time.

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { NodeDisk } from '../../src/host/node-disk.ts';
import { checkLogs } from './check.ts';
import { type RunWriter, runWriter, type WriterEnd } from './child.ts';
import { openLogs } from './log-set.ts';
import { fileSystemOf, measureSyncs } from './probe.ts';
import { makeBatch } from './records.ts';
import {
  notShown,
  type Round,
  type RoundKind,
  type Throughput,
  type TortureReport,
  warningsOf,
} from './report.ts';
import type { WriterTask } from './writer-child.ts';

export interface TortureOptions {
  /** Where to write: a directory below it is made, and removed at the end. */
  readonly directory: string;
  /** Rounds of each run; fewer when time is up. */
  readonly rounds: number;
  /** Time to spend, roughly. */
  readonly seconds: number;
  /** Bytes on disk at any time, roughly. */
  readonly maxBytes: number;
  readonly seed: number;
  /** Keep the data even when all is well. */
  readonly keep: boolean;
  readonly onProgress: (done: number, total: number, what: string) => void;
  readonly signal?: AbortSignal;
}

const WRITER_TIMEOUT_MS = 60_000;
const MEASURE_MS = 2000;
/** Sizes of the parts that `maxBytes` is divided into: what rounds leave behind, and what one may add. */
const KEEP_PART = 0.4;
const ROUND_PART = 0.2;
const ROUND_BYTES_MAX = 32 * 1024 * 1024;

/** The directory that torture works in. */
export function workDirectory(directory: string): string {
  return join(directory, 'tidemark-torture');
}

/** Runs everything. Throws when the work directory exists or cannot be made. */
export async function runTorture(options: TortureOptions): Promise<TortureReport> {
  return new Torture(options).run();
}

class Torture {
  readonly #options: TortureOptions;
  readonly #random: SeededRandom;
  readonly #work: string;
  readonly #rounds: Round[] = [];
  #acked = new Map<number, number>();

  constructor(options: TortureOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#work = workDirectory(options.directory);
  }

  async run(): Promise<TortureReport> {
    const { directory, seed, rounds, seconds, onProgress, signal, keep } = this.#options;
    // Never over the kept data of an earlier run, which may be the evidence of a fault.
    await mkdir(this.#work);
    let failed = true;
    try {
      const fileSystem = await fileSystemOf(this.#work);
      onProgress(0, rounds, 'measuring syncs');
      const syncs = measureSyncs(this.#work, fileSystem.inMemory);
      const throughput = await this.#measure();
      const endMs = performance.now() + seconds * 1000;
      for (let index = 0; index < rounds; index++) {
        const late = performance.now() > endMs || signal?.aborted === true;
        // Each kind gets its turn, however little time there is.
        if (late && index >= kinds.length) break;
        if (signal?.aborted === true) break;
        const kind = kinds[index % kinds.length] ?? 'kill';
        onProgress(index, rounds, kind);
        const round = await this.#round(kind);
        this.#rounds.push(round);
        if (round.problems.length > 0) break;
      }
      failed = this.#rounds.some((round) => round.problems.length > 0);
      return {
        ok: !failed,
        directory,
        seed,
        fileSystem,
        syncs,
        throughput,
        rounds: this.#rounds,
        warnings: warningsOf(fileSystem, syncs),
        notShown,
        kept: failed || keep ? this.#work : null,
      };
    } finally {
      if (!failed && !keep) await rm(this.#work, { recursive: true, force: true });
    }
  }

  /** Writes through the storage for a while, undisturbed. */
  async #measure(): Promise<Throughput> {
    const path = join(this.#work, 'measured');
    const set = await openLogs(new NodeDisk(path), path);
    const started = performance.now();
    const bytesMax = Math.min(ROUND_BYTES_MAX * 2, this.#options.maxBytes * KEEP_PART);
    let bytes = 0;
    let records = 0;
    const lanes = set.logs.map(async (log, partition) => {
      while (performance.now() - started < MEASURE_MS && bytes < bytesMax) {
        const batch = makeBatch({ partition, offset: log.endOffset }, 20, 500);
        bytes += batch.byteLength;
        records += 20;
        await log.append(batch).committed;
      }
    });
    await Promise.all(lanes);
    const seconds = (performance.now() - started) / 1000;
    const { syncs } = set.store.commits;
    await set.store.close();
    await rm(path, { recursive: true, force: true });
    return { seconds, records, bytes, syncs };
  }

  async #round(kind: RoundKind): Promise<Round> {
    const path = join(this.#work, 'data');
    const before = this.#acknowledged();
    const end = await runWriter(this.#writer(kind, path));
    for (const [partition, offset] of end.acked) {
      const known = this.#acked.get(partition) ?? 0;
      this.#acked.set(partition, Math.max(known, offset));
    }
    const acknowledged = this.#acknowledged() - before;
    const problems = writerProblems(kind, end);
    const check = await checkLogs(path, this.#acked);
    problems.push(...check.problems);
    if (check.bytes > this.#options.maxBytes * KEEP_PART && problems.length === 0) {
      await rm(path, { recursive: true, force: true });
      this.#acked = new Map();
    }
    const { records, unacknowledged } = check;
    return { kind, acknowledged, records, unacknowledged, problems };
  }

  #acknowledged(): number {
    return [...this.#acked.values()].reduce((sum, end) => sum + end, 0);
  }

  #writer(kind: RoundKind, directory: string): RunWriter {
    const { maxBytes } = this.#options;
    const bytes = Math.floor(Math.min(ROUND_BYTES_MAX, maxBytes * ROUND_PART));
    const seed = Math.floor(this.#random.next() * 2 ** 32);
    const task: WriterTask = {
      directory,
      seed,
      bytes,
      kind: kind === 'slow' || kind === 'full' ? kind : 'plain',
      quotaBytes: Math.floor(bytes * (0.1 + 0.5 * this.#random.next())),
    };
    const timeoutMs = WRITER_TIMEOUT_MS;
    const common = { task, timeoutMs, fileBytesMax: null, kill: null };
    switch (kind) {
      case 'kill':
        return { ...common, kill: { afterMs: this.#random.next() * 400, from: 'first-ack' } };
      case 'kill-at-start':
        return { ...common, kill: { afterMs: 50 + this.#random.next() * 500, from: 'start' } };
      case 'slow':
        return { ...common, kill: { afterMs: this.#random.next() * 1500, from: 'first-ack' } };
      case 'full':
        return common;
      case 'file-limit':
        return { ...common, fileBytesMax: Math.floor(65_536 + this.#random.next() * 500_000) };
    }
  }
}

/** Kills come most often: they differ most from one time to the next. */
const kinds: readonly RoundKind[] =
  process.platform === 'win32'
    ? ['kill', 'full', 'kill-at-start', 'slow', 'kill', 'kill']
    : ['kill', 'full', 'kill-at-start', 'slow', 'kill', 'file-limit', 'kill', 'kill'];

/** What is wrong with how the writer ended. */
function writerProblems(kind: RoundKind, end: WriterEnd): string[] {
  const killed = end.code === null;
  if (end.code === 3) return [`the writer failed: ${end.errors}`];
  if (!killed && end.code !== 0) return [`the writer ended with ${end.code}: ${end.errors}`];
  if (kind === 'full' && killed) return ['the writer hung on a full disk and was killed'];
  // Such a round would show nothing.
  if (kind === 'full' && !end.said.has('reopened')) return ['the writer never met a full disk'];
  if (kind === 'file-limit' && killed) return ['the writer hung on refused writes and was killed'];
  return [];
}
