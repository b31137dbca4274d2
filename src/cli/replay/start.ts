// Starting and resuming a replay from the command line: what would be done, then the doing, with progress.

import { randomBytes } from 'node:crypto';
import {
  type BatchSink,
  isCopyOf,
  type JobRecord,
  JobStore,
  ModuleRunner,
  makeSelect,
  offsetsIn,
  openBatchSink,
  openFileSink,
  openHttpSink,
  openTopicSink,
  type Pace,
  type PlacedRecord,
  planStretches,
  type ReplayedRecord,
  type ReplaySource,
  type ReplayTarget,
  recordDocument,
  runReplay,
  type Sink,
  type Stretch,
  type StretchTimes,
  streamSink,
  stretchTimes,
} from '../../../tools/replay/index.ts';
import { formatDuration } from '../../base/duration.ts';
import { formatTime, type OffsetSpec } from '../../client/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { CliError, ExitCode, usageError, withNextStep } from '../exit-codes.ts';
import { type CliIo, processIo } from '../io.ts';
import type { Session } from '../session.ts';
import { stopSignal } from '../stop-signal.ts';

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
  readonly id: string | null;
  readonly who: string;
  readonly execute: boolean;
  readonly json: boolean;
}

/** Records that a dry run reads, over all partitions, to see what a filter takes. */
const SAMPLE_MAX = 10_000;
const SHOWN_MAX = 3;
const NOTES_MAX = 8;
/** Partitions whose first and last record are looked at. */
const TIMES_MAX = 100;

/** Plans, shows, and with `execute` runs a new job. */
export async function startReplay(
  session: Session,
  request: ReplayRequest & { readonly from: OffsetSpec; readonly to: OffsetSpec },
): Promise<void> {
  const io = processIo();
  const { cluster } = session;
  const { topics, partitions, from, to, group, filter, module, target, pace } = request;
  const source: ReplaySource = { topics, partitions, from, to, group };
  const stretches = await planStretches(cluster, source);
  if (target.kind === 'topic') await cluster.topic(target.topic, { create: false });
  if (request.asIs) await checkAsIs(session, request);
  if (!request.execute) {
    await showPlan(io, session, { request, stretches });
    return;
  }
  const nowMs = nodeClock.now();
  const job: JobRecord = {
    id: request.id ?? randomBytes(4).toString('hex'),
    state: 'running',
    who: request.who,
    startedMs: nowMs,
    updatedMs: nowMs,
    source,
    target,
    filter,
    module,
    pace,
    includeReplayed: request.includeReplayed,
    ...(request.asIs && { asIs: true }),
    stretches,
    positions: {},
    targetPositions: {},
    counts: { read: 0, selected: 0, written: 0, skipped: 0, bytes: 0 },
    error: null,
  };
  const store = new JobStore(cluster);
  if (target.kind !== 'stdout') {
    await store.prepare();
    const known = await store.list();
    if (known.some((one) => one.id === job.id)) {
      const step = `go on with "tidemark replay --resume ${job.id}", or choose another --id`;
      throw new CliError(ExitCode.usage, `there is a job '${job.id}' already`, step);
    }
  }
  await execute(io, session, { job, resumed: false, skipCut: request.skipCut, json: request.json });
}

/** Goes on with a job that stopped before its end. */
export async function resumeReplay(
  session: Session,
  options: { readonly id: string; readonly skipCut: boolean; readonly json: boolean },
): Promise<void> {
  const io = processIo();
  const store = new JobStore(session.cluster);
  const job = await store.get(options.id);
  if (job.state === 'done') {
    io.say(`job ${job.id} is done: ${job.counts.written} records written`);
    return;
  }
  // Whatever was ordered before is over.
  await store.send(job.id, 'resume', nodeClock.now());
  const { skipCut, json } = options;
  await execute(io, session, { job, resumed: true, skipCut, json });
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
  readonly resumed: boolean;
  readonly skipCut: boolean;
  readonly json: boolean;
}

async function execute(io: CliIo, session: Session, execution: Execution): Promise<void> {
  const { job, resumed, skipCut, json } = execution;
  const { cluster } = session;
  const stop = stopSignal();
  const module = job.module === null ? null : await ModuleRunner.load(job.module, nodeClock);
  let sink: Sink | BatchSink | null = null;
  try {
    sink = await openSink(io, session, job, resumed);
    if (job.target.kind !== 'stdout') {
      io.say(`job ${job.id}${resumed ? ' goes on' : ''}: ${offsetsIn(job.stretches)} offsets`);
    }
    const ended = await runReplay(job, {
      cluster,
      clock: nodeClock,
      store: job.target.kind === 'stdout' ? null : new JobStore(cluster),
      sink,
      module,
      skipCut,
      signal: stop.signal,
      onProgress: ({ done, total, counts, recordsPerSecond, etaMs }) => {
        const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
        const left =
          etaMs === null ? '' : `, ${formatDuration(Math.round(etaMs / 1000) * 1000)} left`;
        const rate = Math.round(recordsPerSecond);
        io.progress(
          `${percent} %  ${counts.written} written of ${counts.read} read, ${rate}/s${left}`,
        );
      },
    });
    io.progress('');
    await report(io, ended, json);
  } catch (error) {
    io.progress('');
    throw job.target.kind === 'stdout' ? error : withResume(error, job.id);
  } finally {
    stop.off();
    await sink?.close().catch(() => {});
    await module?.close();
  }
}

async function openSink(
  io: CliIo,
  { cluster }: Session,
  job: JobRecord,
  resumed: boolean,
): Promise<Sink | BatchSink> {
  const { target, id } = job;
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
      return openFileSink(target.path, resumed);
    case 'http':
      return openHttpSink({ job: id, url: target.url, clock: nodeClock });
    case 'topic': {
      if (job.asIs === true) {
        const writer = resumed ? (job.writer ?? null) : null;
        const resumeFrom = job.targetPositions;
        return openBatchSink(cluster, { topic: target.topic, writer, resumeFrom });
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
      });
    }
  }
}

async function report(io: CliIo, job: JobRecord, json: boolean): Promise<void> {
  const { id, state, counts, target } = job;
  if (state === 'interrupted') process.exitCode = ExitCode.interrupted;
  if (json && target.kind !== 'stdout') {
    await io.data(`${JSON.stringify({ id, state, ...counts })}\n`);
    return;
  }
  const again = counts.skipped > 0 ? `, ${counts.skipped} were there already` : '';
  io.say(`${state}: ${counts.written} of ${counts.read} records written${again}`);
  if (state !== 'done' && target.kind !== 'stdout') {
    io.say(`go on with "tidemark replay --resume ${id}"`);
  }
}

function withResume(error: unknown, id: string): unknown {
  return withNextStep(error, `once that is mended, go on with "tidemark replay --resume ${id}"`);
}

interface Plan {
  readonly request: ReplayRequest;
  readonly stretches: readonly Stretch[];
}

async function showPlan(io: CliIo, session: Session, { request, stretches }: Plan): Promise<void> {
  const total = offsetsIn(stretches);
  const sample = await readSample(session, request, stretches);
  const times = await Promise.all(
    stretches.slice(0, TIMES_MAX).map((one) => stretchTimes(session.cluster, one)),
  );
  const documents = sample.shown.map(([source, record]) => recordDocument(source, record));
  if (request.json) {
    const { read, copies, selected } = sample;
    const timed = stretches.map((one, at) => ({ ...one, ...times[at] }));
    const shown = { read, copies, selected, records: documents };
    const plan = { offsets: total, stretches: timed, sample: shown };
    await io.data(`${JSON.stringify(plan)}\n`);
    return;
  }
  const notes = stretches.map(
    ({ topic, partition, from, to, note }, at) =>
      `${topic}/${partition}: ${to - from} (${note})${timesText(times[at])}`,
  );
  for (const note of notes.slice(0, NOTES_MAX)) io.say(note);
  if (notes.length > NOTES_MAX) io.say(`… and ${notes.length - NOTES_MAX} more partitions`);
  io.say(`${total} offsets in all`);
  const whole = sample.read < SAMPLE_MAX;
  const of = whole ? `all ${sample.read} records` : `the first ${sample.read} records`;
  if (sample.copies > 0) {
    io.say(
      `${sample.copies} of them are copies of earlier replays: --include-replayed takes them too`,
    );
  }
  io.say(`of ${of}, ${sample.selected} would be written${documents.length > 0 ? ', such as' : ''}`);
  for (const one of documents) io.say(`  ${JSON.stringify(one)}`);
  io.say('nothing was written: add --execute to do it');
}

function timesText(times: StretchTimes | undefined): string {
  if (!times || times.firstMs === null || times.lastMs === null) return '';
  return `, records of ${formatTime(times.firstMs)} to ${formatTime(times.lastMs)}`;
}

interface Sample {
  readonly read: number;
  /** Left out, since an earlier replay put them into the topic that is written. */
  readonly copies: number;
  readonly selected: number;
  readonly shown: readonly (readonly [PlacedRecord, ReplayedRecord])[];
}

async function readSample(
  { cluster, client }: Session,
  request: ReplayRequest,
  stretches: readonly Stretch[],
): Promise<Sample> {
  const { filter, target, includeReplayed } = request;
  const module =
    request.module === null ? null : await ModuleRunner.load(request.module, nodeClock);
  const select = makeSelect({ filter, module, target, includeReplayed });
  const shown: [PlacedRecord, ReplayedRecord][] = [];
  let read = 0;
  let copies = 0;
  let selected = 0;
  try {
    for (const { topic, partition, from, to } of stretches) {
      if (from >= to || read >= SAMPLE_MAX) continue;
      const reader = new client.LogReader(cluster, { topic });
      reader.set(partition, from);
      for await (const { records, nextOffset } of reader.read()) {
        const within = records
          .filter((one) => one.offset < to)
          .slice(0, SAMPLE_MAX - read)
          .map((one) => ({ ...one, topic, partition }));
        const results = await select(within);
        read += within.length;
        if (!includeReplayed) copies += within.filter((one) => isCopyOf(target, one)).length;
        for (const [at, result] of results.entries()) {
          const source = within[at];
          if (result === null || source === undefined) continue;
          selected += 1;
          if (shown.length < SHOWN_MAX) shown.push([source, result]);
        }
        if (nextOffset >= to || read >= SAMPLE_MAX) break;
      }
    }
  } finally {
    await module?.close();
  }
  return { read, copies, selected, shown };
}
