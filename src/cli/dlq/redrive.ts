// tidemark dlq redrive: letters go back, once each. Shows what it would do, and does it with --execute.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import {
  Ledger,
  type LetterChoice,
  letterSelect,
  readLetters,
  redrive,
  targetOf,
  unfinishedRedrive,
} from '../../../tools/dlq/index.ts';
import {
  type JobRecord,
  JobStore,
  ModuleRunner,
  newJob,
  offsetsIn,
  recordDocument,
} from '../../../tools/replay/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { CliError, ExitCode, usageError } from '../exit-codes.ts';
import { type CliIo, processIo } from '../io.ts';
import { positiveNumber } from '../numbers.ts';
import { brokerCommand } from '../program.ts';
import { goOnWith } from '../replay/start.ts';
import { type Session, withCluster } from '../session.ts';
import { plural } from '../topic-description.ts';
import { type ChoiceFlags, type Chosen, chosen, saySettled, withChoice } from './choice.ts';

interface RedriveFlags extends ChoiceFlags {
  readonly module?: string;
  readonly to?: string;
  readonly id?: string;
  readonly rate?: string;
  readonly resume?: string;
  readonly execute?: boolean;
}

const details = `
Each letter goes to the topic and, if its key stays, the partition that it came from, with its own headers and time. A
module is one of replay: filter(letter) and transform(letter). Letters that were redriven are not pending any more, so
the same command again redrives only what came since. An interrupted redrive goes on with --resume ID, and writes each
letter once all the same; --filter and --module may then be given anew. Jobs show up in "tidemark replay list", where
they can be paused and cancelled.`;

/** `dlq redrive`. */
export function redriveCommand(): Command {
  return withChoice(
    brokerCommand('redrive', 'send letters back to where they came from', [
      'tidemark dlq redrive orders.dlq                               shows what it would do',
      'tidemark dlq redrive orders.dlq --execute',
      'tidemark dlq redrive orders.dlq --letter 0/17 --letter 0/20 --execute',
      `tidemark dlq redrive orders.dlq -f 'value.version == 2' --module ./fix.js --execute`,
      'tidemark dlq redrive --resume 3f2a9c',
    ]).argument('[topic]', 'the topic of the letters'),
  )
    .option('-m, --module <file>', 'a module that exports filter and/or transform')
    .option('--to <topic>', 'all to this topic instead')
    .option('--rate <records>', 'letters per second')
    .option('--id <id>', 'name of the job (default: a random one)')
    .option('--resume <id>', 'go on with a redrive that was interrupted or failed')
    .option('--execute', 'do it; without this only what would be done is shown')
    .addHelpText('after', details)
    .action((topic: string | undefined, flags: RedriveFlags) => run(topic, flags));
}

async function run(topic: string | undefined, flags: RedriveFlags): Promise<void> {
  const io = processIo();
  if (flags.resume !== undefined) {
    if (topic !== undefined) throw usageError('--resume knows its letters: leave the topic out');
    const id = flags.resume;
    await withCluster(flags, (session) => resume(io, session, id, flags));
    return;
  }
  if (topic === undefined) throw usageError('which letters?', 'tidemark dlq redrive TOPIC');
  const perSecond = rateOf(flags);
  await withCluster(flags, async (session) => {
    const store = new JobStore(session.cluster);
    const open = await unfinishedRedrive(store, topic);
    if (open !== null) {
      const text = `redrive ${open.id} of ${topic} did not end (it is ${open.state})`;
      const step = `if nobody runs it any more, go on with "tidemark dlq redrive --resume ${open.id}"`;
      throw new CliError(ExitCode.error, text, step);
    }
    const ledger = new Ledger(session.cluster);
    await ledger.load();
    const found = await chosen(session, topic, flags);
    saySettled(io, ledger, topic, found.choice);
    const module = await moduleOf(flags.module ?? null);
    try {
      const survey = await look(session, found, { ledger, module, to: flags.to ?? null });
      if (flags.execute !== true) return await showPlan(io, survey, flags.json === true);
      const job = jobOf(found, flags, perSecond);
      await Promise.all([store.prepare(), ledger.prepare()]);
      const topics = [...survey.topics.keys()];
      await execute(io, session, {
        job,
        run: null,
        choice: found.choice,
        topics,
        ledger,
        module,
        flags,
      });
    } finally {
      await module?.close();
    }
  });
}

function moduleOf(path: string | null): Promise<ModuleRunner> | null {
  return path === null ? null : ModuleRunner.load(path, nodeClock);
}

function rateOf({ rate }: RedriveFlags): number | null {
  return rate === undefined ? null : positiveNumber('--rate', rate);
}

function jobOf(
  { source, stretches, choice }: Chosen,
  flags: RedriveFlags,
  recordsPerSecond: number | null,
): JobRecord {
  return newJob({
    nowMs: nodeClock.now(),
    ...(flags.id !== undefined && { id: flags.id }),
    source,
    target: { kind: 'origin', topic: flags.to ?? null },
    filter: choice.filter,
    module: flags.module === undefined ? null : resolve(flags.module),
    pace: { recordsPerSecond, bytesPerSecond: null, speed: null },
    ...(choice.only !== null && { only: [...choice.only] }),
    stretches,
  });
}

async function resume(io: CliIo, session: Session, id: string, flags: RedriveFlags): Promise<void> {
  const store = new JobStore(session.cluster);
  const { job: known, run } = await goOnWith(io, store, await store.get(id));
  if (known.state === 'done') {
    io.say(`redrive ${id} is done: ${known.counts.written} letters written`);
    return;
  }
  const { filter = known.filter } = flags;
  const path = flags.module === undefined ? known.module : resolve(flags.module);
  const job = { ...known, filter, module: path };
  const choice: LetterChoice = { only: job.only === undefined ? null : new Set(job.only), filter };
  const ledger = new Ledger(session.cluster);
  await ledger.load();
  const module = await moduleOf(path);
  try {
    await execute(io, session, { job, run, choice, topics: [], ledger, module, flags });
  } finally {
    await module?.close();
  }
}

interface Execution {
  readonly job: JobRecord;
  /** Of a redrive that is gone on with. */
  readonly run: string | null;
  readonly choice: LetterChoice;
  readonly topics: readonly string[];
  readonly ledger: Ledger;
  readonly module: ModuleRunner | null;
  readonly flags: RedriveFlags;
}

async function execute(io: CliIo, session: Session, given: Execution): Promise<void> {
  const { job, run, choice, topics, ledger, module, flags } = given;
  const { cluster } = session;
  const { signal, givenUp } = session.stopSignal();
  io.say(`redrive ${job.id}: ${offsetsIn(job.stretches)} offsets`);
  const again = `go on with "tidemark dlq redrive --resume ${job.id}"`;
  let noted = false;
  try {
    const ended = await redrive(job, {
      cluster,
      clock: nodeClock,
      store: new JobStore(cluster),
      ledger,
      choice,
      module,
      topics,
      resumed: run !== null,
      ...(run !== null && { run }),
      changed: flags.filter !== undefined || flags.module !== undefined,
      signal,
      givenUp,
      onProgress: ({ done, total, counts }) => {
        const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
        io.progress(`${percent} %  ${counts.written} written of ${counts.read} read`);
      },
      onSave: () => {
        noted = true;
      },
    });
    io.progress('');
    const { id, state, counts, error } = ended;
    if (state === 'interrupted' || state === 'cancelled') process.exitCode = ExitCode.interrupted;
    if (flags.json === true) await io.data(`${JSON.stringify({ id, state, ...counts, error })}\n`);
    else io.say(`${state}: ${plural(counts.written, 'letter')} redriven`);
    if (error !== null) io.say(`what was read after them is not redriven: ${error}`);
    if (state !== 'done' && noted && flags.json !== true) io.say(again);
  } catch (error) {
    io.progress('');
    if (!(error instanceof Error)) throw error;
    throw new CliError(ExitCode.error, error.message, `once that is mended, ${again}`, {
      cause: error,
    });
  }
}

interface Survey {
  readonly letters: number;
  readonly selected: number;
  /** By topic that they go to: how many. */
  readonly topics: ReadonlyMap<string, number>;
  readonly errors: ReadonlyMap<string, number>;
  readonly sample: readonly object[];
}

const SHOWN_MAX = 3;

async function look(
  { cluster }: Session,
  { choice, stretches }: Chosen,
  how: {
    readonly ledger: Ledger;
    readonly module: ModuleRunner | null;
    readonly to: string | null;
  },
): Promise<Survey> {
  const select = letterSelect(choice, how.ledger, how.module);
  const topics = new Map<string, number>();
  const errors = new Map<string, number>();
  const sample: object[] = [];
  let letters = 0;
  let selected = 0;
  for await (const some of readLetters(cluster, stretches, how.ledger)) {
    letters += some.length;
    const results = await select(some.map((one) => one.record));
    for (const [at, result] of results.entries()) {
      const letter = some[at];
      if (result === null || letter === undefined) continue;
      selected += 1;
      const target = targetOf(letter.record, how.to);
      topics.set(target, (topics.get(target) ?? 0) + 1);
      const error = letter.facts.error ?? 'unknown';
      errors.set(error, (errors.get(error) ?? 0) + 1);
      if (sample.length < SHOWN_MAX)
        sample.push({ to: target, ...recordDocument(letter.record, result) });
    }
  }
  for (const topic of topics.keys()) await cluster.topic(topic, { create: false });
  return { letters, selected, topics, errors, sample };
}

async function showPlan(io: CliIo, survey: Survey, json: boolean): Promise<void> {
  const { letters, selected, topics, errors, sample } = survey;
  if (json) {
    const [to, by] = [Object.fromEntries(topics), Object.fromEntries(errors)];
    await io.data(`${JSON.stringify({ letters, selected, topics: to, errors: by, sample })}\n`);
    return;
  }
  io.say(`${selected} of ${plural(letters, 'letter')} would be redriven`);
  for (const [topic, count] of topics) io.say(`  ${count} to ${topic}`);
  for (const [error, count] of errors) io.say(`  ${count} failed with ${error}`);
  for (const one of sample) io.say(`  ${JSON.stringify(one)}`);
  io.say('nothing was written: add --execute to do it');
}
