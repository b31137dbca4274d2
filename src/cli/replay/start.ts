// Starting and resuming a replay from the command line: what would be done, then the doing, with progress.

import {
  type BatchSink,
  type JobRecord,
  JobStore,
  ModuleRunner,
  newJob,
  offsetsIn,
  openBatchSink,
  openFileSink,
  openHttpSink,
  openTopicSink,
  type Pace,
  planStretches,
  type ReplaySource,
  type ReplayTarget,
  requireHttpUrl,
  requireNewFile,
  runReplay,
  type Sink,
  streamSink,
  takeOver,
} from '../../../tools/replay/index.ts';
import { formatDuration } from '../../base/duration.ts';
import { formatTime, type OffsetSpec } from '../../client/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { CliError, ExitCode, usageError, withNextStep } from '../exit-codes.ts';
import { type CliIo, processIo } from '../io.ts';
import type { CommandEnding, Session } from '../session.ts';
import { sayStretches, showPlan } from './dry-run.ts';
import { resumption, writtenBy } from './job-text.ts';

export interface ReplayRequest {
  readonly topics: readonly string[];
  readonly partitions: readonly number[] | null;
  readonly group: string | null;
  readonly filter: string | null;
  readonly module: string | null;
  readonly target: ReplayTarget;
  readonly pace: Pace;
  readonly includeReplayed: boolean;
  readonly asIs: boolean;
  readonly skipCut: boolean;
  /** A dry run counts everything, however long that takes. */
  readonly exact: boolean;
  readonly id: string | null;
  readonly execute: boolean;
  readonly json: boolean;
  /** For an answer of an endpoint; null: the default. */
  readonly timeoutMs: number | null;
}

/** Plans, shows, and with `execute` runs a new job. */
export async function startReplay(
  session: Session,
  request: ReplayRequest & { readonly from: OffsetSpec; readonly to: OffsetSpec },
): Promise<void> {
  const io = processIo();
  const { cluster } = session;
  const { topics, partitions, from, to, group, filter, module, target, pace } = request;
  const source: ReplaySource = { topics, partitions, from, to, group };
  const stretches = await planStretches(cluster, source, { skipCut: request.skipCut });
  if (target.kind === 'topic') await cluster.topic(target.topic, { create: false });
  if (target.kind === 'http') requireHttpUrl(target.url);
  if (target.kind === 'file') await requireNewFile(target.path);
  if (request.asIs) await checkAsIs(session, request);
  if (!request.execute) {
    await showPlan(io, session, { request, stretches });
    return;
  }
  if (target.kind !== 'stdout') sayStretches(io, stretches);
  const job = newJob({
    nowMs: nodeClock.now(),
    ...(request.id !== null && { id: request.id }),
    source,
    target,
    filter,
    module,
    pace,
    includeReplayed: request.includeReplayed,
    ...(request.asIs && { asIs: true }),
    stretches,
  });
  const store = new JobStore(cluster);
  if (target.kind !== 'stdout') {
    await store.prepare();
    const known = await store.list();
    if (known.some((one) => one.id === job.id)) {
      const step = `go on with "tidemark replay --resume ${job.id}", or choose another --id`;
      throw new CliError(ExitCode.usage, `there is a job '${job.id}' already`, step);
    }
  }
  const { skipCut, json, timeoutMs } = request;
  await execute(io, session, { job, run: null, skipCut, json, timeoutMs });
}

/** Goes on with a job that stopped before its end. */
export async function resumeReplay(
  session: Session,
  options: {
    readonly id: string;
    /** In place of what the job has. */
    readonly pace: Partial<Pace>;
    readonly skipCut: boolean;
    readonly json: boolean;
    readonly timeoutMs: number | null;
  },
): Promise<void> {
  const io = processIo();
  const store = new JobStore(session.cluster);
  const known = await store.get(options.id);
  if (known.tool !== undefined)
    throw usageError(`job ${known.id} is an ${known.tool}`, `go on with ${resumption(known)}`);
  const { job: left, run } = await goOnWith(io, store, known);
  const job = { ...left, pace: { ...left.pace, ...options.pace } };
  if (job.state === 'done') {
    io.say(`job ${job.id} is done: ${writtenBy(job)} records written`);
    return;
  }
  const { skipCut, json, timeoutMs } = options;
  await execute(io, session, { job, run, skipCut, json, timeoutMs });
}

/** Takes a job over, unless it is done. */
export async function goOnWith(
  io: CliIo,
  store: JobStore,
  known: JobRecord,
): Promise<{ readonly job: JobRecord; readonly run: string | null }> {
  if (known.state === 'done') return { job: known, run: null };
  const heardOf = formatTime(known.updatedMs);
  return takeOver(store, known.id, {
    clock: nodeClock,
    onWait: (waitMs) => {
      const text = `job ${known.id} may be running still (${known.who}, heard of at ${heardOf})`;
      io.say(`${text}: waiting up to ${formatDuration(waitMs)} for it to leave`);
    },
  });
}

/** What a copy as it is cannot do. Throws a usage error. */
async function checkAsIs({ cluster }: Session, request: ReplayRequest): Promise<void> {
  const { target, topics, filter, module } = request;
  if (target.kind !== 'topic') throw usageError('--as-is copies into a topic: add --to TOPIC');
  if (filter !== null || module !== null) {
    throw usageError('--as-is copies everything: leave --filter and --module out');
  }
  const { length } = (await cluster.topic(target.topic)).partitions;
  for (const topic of topics) {
    if (topic === target.topic) {
      throw usageError(`--as-is marks no copies, so ${topic} cannot be copied into itself`);
    }
    const own = (await cluster.topic(topic)).partitions.length;
    if (own === length) continue;
    const text = `--as-is keeps partitions: ${topic} has ${own}, and ${target.topic} has ${length}`;
    throw usageError(text, `"tidemark topic alter ${target.topic} --partitions ${own}" may help`);
  }
}

interface Execution {
  readonly job: JobRecord;
  /** Of a job that is gone on with. */
  readonly run: string | null;
  readonly skipCut: boolean;
  readonly json: boolean;
  readonly timeoutMs: number | null;
}

async function execute(io: CliIo, session: Session, execution: Execution): Promise<void> {
  const { job, run, skipCut, json } = execution;
  const { cluster } = session;
  const stop = session.stopSignal();
  const module = job.module === null ? null : await ModuleRunner.load(job.module, nodeClock);
  let sink: Sink | BatchSink | null = null;
  let last: JobRecord | null = null;
  try {
    sink = await openSink(io, session, execution, stop);
    if (job.target.kind !== 'stdout') {
      io.say(`job ${job.id}${run === null ? '' : ' goes on'}: ${offsetsIn(job.stretches)} offsets`);
    }
    const ended = await runReplay(job, {
      cluster,
      clock: nodeClock,
      store: job.target.kind === 'stdout' ? null : new JobStore(cluster),
      sink,
      module,
      skipCut,
      signal: stop.signal,
      ...(run !== null && { run }),
      onSave: (saved) => {
        last = saved;
      },
      onProgress: ({ done, total, counts, recordsPerSecond, paused, etaMs }) => {
        const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
        const left =
          etaMs === null ? '' : `, ${formatDuration(Math.round(etaMs / 1000) * 1000)} left`;
        const rate = `${Math.round(recordsPerSecond)}/s${left}`;
        const how = paused ? `paused; "tidemark replay resume ${job.id}" lets it go on` : rate;
        io.progress(`${percent} %  ${counts.written} written of ${counts.read} read, ${how}`);
      },
    });
    io.progress('');
    await report(io, ended, { json, noted: last !== null });
  } catch (error) {
    io.progress('');
    // Before anything was remembered there is nothing to go on with.
    throw last === null || job.target.kind === 'stdout' ? error : withResume(error, last);
  } finally {
    await sink?.close().catch(() => {});
    await module?.close();
  }
}

async function openSink(
  io: CliIo,
  { cluster }: Session,
  { job, run, timeoutMs }: Execution,
  { signal, givenUp }: CommandEnding,
): Promise<Sink | BatchSink> {
  const { target, id } = job;
  const resumed = run !== null;
  switch (target.kind) {
    case 'origin':
    case 'nowhere':
      throw usageError(
        `job ${id} is a redrive of dead letters`,
        `tidemark dlq redrive --resume ${id}`,
      );
    case 'stdout':
      return streamSink((text) => io.data(text));
    case 'file':
      // Of all runs so far, as of the last checkpoint.
      return openFileSink(target.path, resumed, job.counts.written + job.counts.skipped);
    case 'http':
      return openHttpSink({
        job: id,
        url: target.url,
        clock: nodeClock,
        signal,
        ...(timeoutMs !== null && { timeoutMs }),
        onRetry: (what) => io.say(`again: ${what}`),
      });
    case 'topic': {
      if (job.asIs === true) {
        const writer = resumed ? (job.writer ?? null) : null;
        const resumeFrom = job.targetPositions;
        return openBatchSink(cluster, { topic: target.topic, writer, resumeFrom, givenUp });
      }
      const counts = new Map<string, number>();
      for (const topic of job.source.topics) {
        counts.set(topic, (await cluster.topic(topic)).partitions.length);
      }
      return openTopicSink(cluster, {
        job: id,
        topic: target.topic,
        sourcePartitions: counts,
        resumeFrom: resumed ? job.targetPositions : null,
        givenUp,
      });
    }
  }
}

async function report(
  io: CliIo,
  job: JobRecord,
  { json, noted }: { readonly json: boolean; readonly noted: boolean },
): Promise<void> {
  const { id, state, counts, target, confirmedSince = 0, error } = job;
  if (state === 'interrupted' || state === 'cancelled') process.exitCode = ExitCode.interrupted;
  const written = counts.written + confirmedSince;
  // How much was read is known as of the last checkpoint only.
  const of = confirmedSince > 0 ? '' : ` of ${counts.read}`;
  if (json && target.kind !== 'stdout') {
    await io.data(`${JSON.stringify({ id, state, ...counts, written, error })}\n`);
    return;
  }
  const again = counts.skipped > 0 ? `, ${counts.skipped} were there already` : '';
  io.say(`${state}: ${written}${of} records written${again}`);
  if (error !== null) io.say(`what was read after them is not written: ${error}`);
  if (state !== 'done' && noted) {
    io.say(`go on with "tidemark replay --resume ${id}"`);
  }
}

function withResume(error: unknown, job: JobRecord): unknown {
  const step = `${writtenBy(job)} records are written; once that is mended, go on with ${resumption(job)}`;
  return withNextStep(error, step);
}
