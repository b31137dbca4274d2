// tidemark verify <data>: reads a data directory offline, or beside the broker that runs on it.

import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { formatByteSize } from '../../base/byte-size.ts';
import { isTidemarkError } from '../../base/errors.ts';
import {
  type CatalogueFacts,
  INTERVAL_BYTES_DEFAULT,
  partitionOf,
  planRepair,
  type RepairStep,
  runStep,
  type VerifyReport,
  verifyDirectory,
} from '../../inspect/index.ts';
import type { Disk, LockPort } from '../../storage/index.ts';
import { CliError, ExitCode, usageError } from '../exit-codes.ts';
import { type CliIo, processIo } from '../io.ts';
import { ProgressLine } from '../progress-line.ts';
import { readCatalogue, readSnapshot } from './facts.ts';
import { printDirectory } from './report.ts';

export interface VerifyFlags {
  readonly json?: boolean;
  readonly deep?: boolean;
  readonly repair?: boolean;
  readonly dryRun?: boolean;
  readonly live?: boolean;
}

/** What was found, and what was done about it. */
export interface DirectoryResult {
  readonly directory: string;
  readonly live: boolean;
  readonly report: VerifyReport;
  readonly steps: readonly RepairStep[];
  /** The report after the repair; null where none was made. */
  readonly after: VerifyReport | null;
}

/** Runs the command; the exit code says whether the data is whole. */
export async function verifyData(
  target: string,
  topics: readonly string[],
  flags: VerifyFlags,
): Promise<void> {
  const io = processIo();
  const directory = resolve(target);
  const [{ NodeDisk }, { useAccelerators }] = await Promise.all([
    import('../../host/node-disk.ts'),
    import('../../host/accelerators.ts'),
  ]);
  if (!(await stat(directory).catch(() => null))?.isDirectory()) {
    throw new CliError(ExitCode.notFound, `there is no directory ${directory}`);
  }
  useAccelerators();
  const disk = new NodeDisk(directory);
  const lock = await takeLock(disk, directory);
  try {
    const live = flags.live === true || lock === 'held elsewhere';
    const repairing = flags.repair === true && flags.dryRun !== true;
    if (repairing && live) {
      const message = `the data directory ${directory} is in use by a broker; nothing was repaired`;
      throw new CliError(ExitCode.error, message, 'stop the broker, then repair');
    }
    const result = await run({
      io,
      disk,
      directory,
      topics,
      live,
      repairing,
      deep: flags.deep === true,
    });
    await printDirectory(io, result, { json: flags.json === true, repairing });
    if (!(result.after ?? result.report).ok) process.exitCode = ExitCode.error;
  } finally {
    if (lock !== null && lock !== 'held elsewhere') await lock.release();
  }
}

/** Keeps brokers off while we read. Only in directories of ours: a lock file has no business in others. */
async function takeLock(
  disk: Disk,
  directory: string,
): Promise<LockPort | 'held elsewhere' | null> {
  const names = await disk.list('.');
  if (!names.includes('catalogue') && !names.includes('marks')) return null;
  const { dataDirectoryLock } = await import('../../host/data-lock.ts');
  const lock = dataDirectoryLock(directory);
  try {
    await lock.acquire();
    return lock;
  } catch (error) {
    if (isTidemarkError(error) && error.code === 'data_directory_locked') return 'held elsewhere';
    // A directory that we may only read cannot be locked, and need not be.
    await lock.release().catch(() => {});
    return null;
  }
}

interface Run {
  readonly io: CliIo;
  readonly disk: Disk;
  readonly directory: string;
  readonly topics: readonly string[];
  readonly live: boolean;
  readonly repairing: boolean;
  readonly deep: boolean;
}

async function run(options: Run): Promise<DirectoryResult> {
  const { disk, directory, live, repairing } = options;
  const catalogue = await readCatalogue(disk);
  checkTopics(options.topics, catalogue);
  const report = await read(options, catalogue);
  const steps = planRepair(report.findings);
  if (!repairing) return { directory, live, report, steps, after: null };
  if (steps.length === 0) return { directory, live, report, steps, after: null };
  refuseRepair(report, directory);
  const { nodeClock } = await import('../../host/node-clock.ts');
  const intervalBytes = (name: string): number =>
    catalogue?.topics.find((topic) => topic.name === partitionOf(name)?.topic)?.intervalBytes ??
    INTERVAL_BYTES_DEFAULT;
  for (const step of steps) await runStep({ disk, clock: nodeClock, intervalBytes }, step);
  const after = await read(options, await readCatalogue(disk));
  return { directory, live, report, steps, after };
}

function checkTopics(topics: readonly string[], catalogue: CatalogueFacts | null): void {
  if (catalogue === null) return;
  const known = new Set(catalogue.topics.map((topic) => topic.name));
  const unknown = topics.find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new CliError(ExitCode.notFound, `the catalogue has no topic '${unknown}'`);
}

async function read(options: Run, catalogue: CatalogueFacts | null): Promise<VerifyReport> {
  const { io, disk, topics, live, deep } = options;
  const progress = new ProgressLine(io, formatByteSize);
  const wanted = new Set(topics);
  const report = await verifyDirectory({
    disk,
    catalogue,
    live,
    deep,
    only: (name) => wanted.size === 0 || wanted.has(partitionOf(name)?.topic ?? ''),
    readSnapshot,
    onProgress: ({ path, bytesDone, bytesTotal }) => progress.show(bytesDone, bytesTotal, path),
  });
  progress.done();
  return report;
}

function refuseRepair(report: VerifyReport, directory: string): void {
  if (report.flavour === 'kafka') {
    const step =
      "Kafka's own broker rebuilds indexes that are deleted; it has no tool for the rest";
    throw new CliError(
      ExitCode.error,
      `${directory} is Apache Kafka's: verify reads it, and repairs only data of our own`,
      step,
    );
  }
  if (!report.journalPending) return;
  throw new CliError(
    ExitCode.error,
    'the journal of the last run has not been replayed, and its bytes belong where they were',
    'start the broker once and stop it, then repair',
  );
}

/** A target of the command line that names neither a directory nor a broker. */
export function missingTarget(): Error {
  return usageError(
    'name a data directory, or a broker with -b host:port',
    'tidemark verify ./tidemark-data',
  );
}
