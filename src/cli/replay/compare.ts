// tidemark replay compare: what a replay changed, pair by pair.

import type { Command } from 'commander';
import {
  type CompareBy,
  type CompareOptions,
  type Comparison,
  compareTopics,
  compileFilter,
  isCopyOf,
  JobStore,
  type PlacedRecord,
  planStretches,
  type ReplaySource,
  recordDocument,
  type Stretch,
} from '../../../tools/replay/index.ts';
import type { OffsetSpec } from '../../client/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { ExitCode, usageError } from '../exit-codes.ts';
import { type CliIo, processIo } from '../io.ts';
import { partitionsOf } from '../partition-list.ts';
import { type BrokerOptions, brokerCommand, collect } from '../program.ts';
import { type Session, withCluster } from '../session.ts';

interface CompareFlags extends BrokerOptions {
  readonly partition?: readonly string[];
  readonly offset?: string | readonly string[];
  readonly filter?: string;
  readonly by: string;
  readonly job?: string;
  readonly equal?: boolean;
}

const details = `
Partners are found by the source that a replay notes in its copies (two copies of the same original are partners, too);
--by key takes the n-th record of each key, --by offset partition and offset, for copies made with --as-is. Range and
filter say which records of the first topic are meant. Both topics are read side by side; names and digests of records
whose partner has not come yet are held in memory, five million at most.`;

/** `replay compare`. */
export function compareCommand(): Command {
  return brokerCommand('compare', 'what a replay changed, pair by pair', [
    'tidemark replay compare --job 3f2a9c                     its source with what it wrote',
    'tidemark replay compare orders orders-fixed -o @-2h..',
    'tidemark replay compare orders orders-copy --by offset --equal',
  ])
    .argument('[topics...]', 'the topic that was read, and the one that was written')
    .option('--job <id>', 'the topics, the range and the --filter of this job')
    .option('-o, --offset <range>', 'of the first topic (default: all)', collect)
    .option('-p, --partition <list>', 'of the first topic: 0,2 or 0-3, repeatable', collect)
    .option('-f, --filter <expression>', 'records of the first topic for which this holds')
    .option('--by <what>', 'source, key or offset', 'source')
    .option('--equal', 'end with 1 unless every record has a partner that is equal')
    .addHelpText('after', details)
    .action((topics: string[], _: unknown, command: Command) =>
      run(topics, command.optsWithGlobals<CompareFlags>()),
    );
}

const ways: readonly string[] = ['source', 'key', 'offset'] satisfies CompareBy[];

function isWay(text: string): text is CompareBy {
  return ways.includes(text);
}

interface Sides {
  readonly names: readonly [string, string];
  readonly left: readonly Stretch[];
  readonly right: readonly Stretch[];
  readonly wants: CompareOptions['wants'];
}

async function run(topics: readonly string[], flags: CompareFlags): Promise<void> {
  const io = processIo();
  const { by, job = null } = flags;
  if (!isWay(by)) throw usageError(`--by ${by}: write source, key or offset`);
  if (topics.length !== (job === null ? 2 : 0)) {
    throw usageError('compare takes two topics, or --job ID alone');
  }
  await withCluster(flags, async (session) => {
    const { signal } = session.stopSignal();
    const sides = await (job === null ? sidesOf(session, topics, flags) : sidesOfJob(session, job));
    const { left, right, wants } = sides;
    let shownMs = 0;
    const found = await compareTopics({
      cluster: session.cluster,
      left,
      right,
      by,
      wants,
      job,
      shownMax: 3,
      signal,
      onProgress: (read) => {
        if (read % 1000 !== 0 || nodeClock.monotonic() < shownMs + 200) return;
        shownMs = nodeClock.monotonic();
        io.progress(`${read} records read`);
      },
    });
    io.progress('');
    const differ = found.changed.count + found.onlyLeft.count + found.onlyRight.count > 0;
    if (flags.equal === true && differ) process.exitCode = ExitCode.error;
    await show(io, found, sides.names, flags.json === true);
  });
}

const everything = { from: { kind: 'earliest' }, to: { kind: 'latest' } } as const;

function sourceOfTopic(topic: string): ReplaySource {
  return { topics: [topic], partitions: null, group: null, ...everything };
}

async function sidesOf(
  { cluster, client }: Session,
  [first = '', second = '']: readonly string[],
  { offset, partition, filter }: CompareFlags,
): Promise<Sides> {
  const range: { from?: OffsetSpec; to?: OffsetSpec } = {};
  for (const text of [offset ?? []].flat()) {
    Object.assign(range, client.parseOffsetRange(text, nodeClock.now()));
  }
  const source = { ...sourceOfTopic(first), ...range, partitions: partitionsOf(partition) };
  const left = await planStretches(cluster, source);
  const right = await planStretches(cluster, sourceOfTopic(second));
  return { names: [first, second], left, right, wants: filterOf(filter ?? null) };
}

function filterOf(filter: string | null): CompareOptions['wants'] {
  return filter === null ? () => true : compileFilter(filter);
}

async function sidesOfJob({ cluster }: Session, id: string): Promise<Sides> {
  const job = await new JobStore(cluster).get(id);
  const { target, source, stretches, asIs } = job;
  if (target.kind !== 'topic') throw usageError(`job ${id} wrote no topic`);
  if (asIs === true) {
    const topics = `${source.topics.join(' ')} ${target.topic}`;
    throw usageError(
      `job ${id} made copies without headers`,
      `tidemark replay compare ${topics} --by offset`,
    );
  }
  const right = await planStretches(cluster, sourceOfTopic(target.topic));
  const chosen = filterOf(job.filter);
  const wants: CompareOptions['wants'] = (record) =>
    (job.includeReplayed || !isCopyOf(target, record)) && chosen(record);
  return { names: [source.topics.join(','), target.topic], left: stretches, right, wants };
}

function documentOf(record: PlacedRecord): object {
  return recordDocument(record, record);
}

async function show(
  io: CliIo,
  found: Comparison,
  [first, second]: Sides['names'],
  json: boolean,
): Promise<void> {
  const { equal, changed, onlyLeft, onlyRight } = found;
  if (json) {
    const shown = {
      equal,
      changed: {
        count: changed.count,
        pairs: changed.shown.map(({ left, right }) => [documentOf(left), documentOf(right)]),
      },
      onlyFirst: { count: onlyLeft.count, records: onlyLeft.shown.map(documentOf) },
      onlySecond: { count: onlyRight.count, records: onlyRight.shown.map(documentOf) },
    };
    await io.data(`${JSON.stringify(shown)}\n`);
    return;
  }
  const lines = [`${equal + changed.count} pairs: ${equal} equal, ${changed.count} changed`];
  for (const { left, right } of changed.shown) {
    lines.push(
      `  - ${JSON.stringify(documentOf(left))}`,
      `  + ${JSON.stringify(documentOf(right))}`,
    );
  }
  for (const [name, side] of [
    [first, onlyLeft],
    [second, onlyRight],
  ] as const) {
    lines.push(`${side.count} only in ${name}`);
    for (const one of side.shown) lines.push(`  ${JSON.stringify(documentOf(one))}`);
  }
  await io.data(`${lines.join('\n')}\n`);
}
