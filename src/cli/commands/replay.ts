// tidemark replay: records of a range, filtered and changed, written again somewhere else. Shows what it would do, and
// does it with --execute.

import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { Pace, ReplayTarget } from '../../../tools/replay/index.ts';
import { parseByteSize } from '../../base/byte-size.ts';
import { parseDuration } from '../../base/duration.ts';
import type { OffsetSpec } from '../../client/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { usageError } from '../exit-codes.ts';
import { positiveNumber } from '../numbers.ts';
import { partitionsOf } from '../partition-list.ts';
import { type BrokerOptions, brokerCommand, type CommandModule, collect } from '../program.ts';
import { compareCommand } from '../replay/compare.ts';
import { controlCommand, listCommand, showCommand } from '../replay/jobs.ts';
import { type ReplayRequest, resumeReplay, startReplay } from '../replay/start.ts';
import { withCluster } from '../session.ts';

interface ReplayFlags extends BrokerOptions {
  readonly partition?: readonly string[];
  readonly offset?: readonly string[];
  readonly group?: string;
  readonly filter?: string;
  readonly module?: string;
  readonly to?: string;
  readonly toFile?: string;
  readonly toUrl?: string;
  readonly toStdout?: boolean;
  readonly rate?: string;
  readonly bytesRate?: string;
  readonly speed?: string;
  readonly includeReplayed?: boolean;
  readonly skipCut?: boolean;
  readonly urlTimeout?: string;
  readonly exact?: boolean;
  readonly asIs?: boolean;
  readonly id?: string;
  readonly resume?: string;
  readonly execute?: boolean;
}

const details = `
A range is written as in consume: -o @2026-11-22T10:00Z..@2026-11-22T11:00Z, -o earliest..42, -o -1000, -o committed
with --group. Without one it is everything up to where the log ends now. A range whose first records
are gone, or that begins after the end, is refused.

A filter looks at key, value (JSON by path), header.NAME (the last one), topic, partition, offset, timestamp and size:
  value.total > 100 && header.region == "eu"      key in ["a", "b"] || startsWith(key, "user-")
  exists(value.error) && !contains(value.error.message, "timeout")      timestamp >= "2026-11-22T10:00:00Z"
It has == != < <= > >= in && || ! and brackets; exists, contains, startsWith, endsWith, lower, length and number. Texts
and numbers are never equal: number(value.total) == 5. What is not there is null.
A module exports filter(record), transform(record) or both. Keys, values and values of headers are Buffers or null:
  export const transform = (record) => ({ value: { ...JSON.parse(record.value), fixed: true } });
transform answers { key?, value?, headers?, timestamp? }, where what is left out stays and an object becomes JSON, or
null to leave the record out. Each record may take a second.

Copies in a topic carry the headers tidemark.replay.job and tidemark.replay.source. An interrupted job goes on with
--resume ID, and writes each record once all the same; to HTTP, what was not yet noted is sent again with the same
Idempotency-Key. Jobs are kept in the topic __tidemark_jobs.`;

function build(): Command {
  const command = brokerCommand('replay', 'write records of a range again, somewhere else', [
    'tidemark replay orders -o @-2h.. --to orders-fixed --module ./fix.js      shows what it would do',
    'tidemark replay orders -o @-2h.. --to orders-fixed --module ./fix.js --execute',
    `tidemark replay orders --filter 'value.total > 100' --to-stdout --execute | jq .value`,
    'tidemark replay orders -o committed --group billing --to-url http://localhost:8080/orders --execute',
    'tidemark replay orders --to staging --speed 10x --execute',
    'tidemark replay --resume 3f2a9c                                            after a crash',
    'tidemark replay compare --job 3f2a9c                                       what it changed',
    'tidemark replay list',
  ])
    .argument('[topics...]', 'topics to read')
    .option('-p, --partition <list>', 'only these partitions: 0,2 or 0-3, repeatable', collect)
    .option('-o, --offset <range>', 'from where, up to where (default: earliest..latest)', collect)
    .option('-g, --group <id>', 'whose committed offsets "committed" means')
    .option('-f, --filter <expression>', 'only records for which this holds')
    .option('-m, --module <file>', 'a module that exports filter and/or transform')
    .option('--to <topic>', 'write to this topic; it must exist')
    .option('--to-file <path>', 'write to this file, a JSON document a line')
    .option('--to-url <url>', 'POST each record as JSON, in order per partition')
    .option('--url-timeout <duration>', 'how long the endpoint may take to answer (default: 30s)')
    .option('--to-stdout', 'write to standard output, a JSON document a line')
    .option('--rate <records>', 'records per second')
    .option('--bytes-rate <size>', 'bytes per second, such as 10MiB')
    .addOption(
      new Option('--speed <factor>', 'as the records came, by their timestamps: 1x, 10x, max'),
    )
    .option('--include-replayed', 'also copies that an earlier replay put into the same topic')
    .option('--skip-cut', 'go on behind records that retention took, before or during the job')
    .option('--as-is', 'copy whole batches, and add no headers: several times as fast')
    .option('--id <id>', 'name of the job (default: a random one)')
    .option('--resume <id>', 'go on with a job that was interrupted or failed')
    .option('--exact', 'count everything, not only what 10 s allow, to say what would be done')
    .option('--execute', 'do it; without this only what would be done is shown')
    .addHelpText('after', details)
    .action((topics: string[], flags: ReplayFlags) => replay(topics, flags));
  command.addCommand(listCommand());
  command.addCommand(showCommand());
  command.addCommand(compareCommand());
  for (const verb of ['pause', 'resume', 'cancel'] as const)
    command.addCommand(controlCommand(verb));
  return command;
}

/** The verb `replay`. */
export const replayCommand: CommandModule = { build };

async function replay(topics: readonly string[], flags: ReplayFlags): Promise<void> {
  const json = flags.json ?? false;
  if (flags.resume !== undefined) {
    const { resume, skipCut = false } = flags;
    refuseAnew(topics, flags);
    const how = { id: resume, pace: paceOf(flags), skipCut, json, timeoutMs: timeoutOf(flags) };
    await withCluster(flags, (session) => resumeReplay(session, how));
    return;
  }
  if (topics.length === 0) {
    throw usageError('which topics?', 'tidemark replay TOPIC --to OTHER; --help has examples');
  }
  const request: ReplayRequest = {
    topics,
    partitions: partitionsOf(flags.partition),
    group: flags.group ?? null,
    filter: flags.filter ?? null,
    // Whoever goes on with the job may be elsewhere.
    module: flags.module === undefined ? null : resolve(flags.module),
    target: targetOf(flags),
    pace: { recordsPerSecond: null, bytesPerSecond: null, speed: null, ...paceOf(flags) },
    includeReplayed: flags.includeReplayed ?? false,
    skipCut: flags.skipCut ?? false,
    asIs: flags.asIs ?? false,
    exact: flags.exact ?? false,
    id: flags.id ?? null,
    execute: flags.execute ?? false,
    json,
    timeoutMs: timeoutOf(flags),
  };
  await withCluster(flags, (session) => {
    const range: { from?: OffsetSpec; to?: OffsetSpec } = {};
    for (const text of flags.offset ?? []) {
      Object.assign(range, session.client.parseOffsetRange(text, nodeClock.now()));
    }
    const from: OffsetSpec = range.from ?? { kind: 'earliest' };
    const to: OffsetSpec = range.to ?? { kind: 'latest' };
    return startReplay(session, { ...request, from, to });
  });
}

function targetOf({ to, toFile, toUrl, toStdout }: ReplayFlags): ReplayTarget {
  const given: ReplayTarget[] = [];
  if (to !== undefined) given.push({ kind: 'topic', topic: to });
  if (toFile !== undefined) given.push({ kind: 'file', path: resolve(toFile) });
  if (toUrl !== undefined) given.push({ kind: 'http', url: toUrl });
  if (toStdout === true) given.push({ kind: 'stdout' });
  const [target, more] = given;
  if (target === undefined || more !== undefined) {
    throw usageError('give one of --to TOPIC, --to-file PATH, --to-url URL, --to-stdout');
  }
  return target;
}

/** What a job has from its start, by option. */
const ofJobs = {
  partition: '--partition',
  offset: '--offset',
  group: '--group',
  filter: '--filter',
  module: '--module',
  to: '--to',
  toFile: '--to-file',
  toUrl: '--to-url',
  toStdout: '--to-stdout',
  includeReplayed: '--include-replayed',
  asIs: '--as-is',
  id: '--id',
} as const satisfies { readonly [K in keyof ReplayFlags]?: string };

function refuseAnew(topics: readonly string[], flags: ReplayFlags): void {
  const given = Object.entries(ofJobs).find(([name]) => name in flags)?.[1];
  const what = topics.length > 0 ? `topic ${topics.join(' ')}` : given;
  if (what === undefined) return;
  const text = `--resume goes on with the job as it was begun: leave ${what} out`;
  throw usageError(text, 'its pace can be given anew, --skip-cut and --url-timeout, too');
}

/** What is given of it. */
function paceOf({ rate, bytesRate, speed }: ReplayFlags): Partial<Pace> {
  const factor = speed?.replace(/x$/, '');
  return {
    ...(rate !== undefined && { recordsPerSecond: positiveNumber('--rate', rate) }),
    ...(bytesRate !== undefined && {
      bytesPerSecond: above0('--bytes-rate', bytesRate, parseByteSize(bytesRate)),
    }),
    ...(factor !== undefined && {
      speed: factor === 'max' ? null : positiveNumber('--speed', factor),
    }),
  };
}

function timeoutOf({ urlTimeout }: ReplayFlags): number | null {
  if (urlTimeout === undefined) return null;
  return above0('--url-timeout', urlTimeout, parseDuration(urlTimeout));
}

function above0(option: string, text: string, value: number): number {
  if (value > 0) return value;
  throw usageError(`${option} ${text}: write more than 0`);
}
