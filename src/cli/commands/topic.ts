// tidemark topic create | list | describe | alter | delete

import type { Command } from 'commander';
import type { ConfigChange, Outcome } from '../../client/index.ts';
import { changeConfigs } from '../config/change.ts';
import { refusedConfigs } from '../config/refused.ts';
import { changeWords, configPairs } from '../config-pairs.ts';
import { confirm } from '../confirm.ts';
import { CliError, ExitCode, messageOf, usageError } from '../exit-codes.ts';
import { type CliIo, paint, processIo } from '../io.ts';
import { wholeNumber } from '../numbers.ts';
import {
  addGuards,
  type BrokerOptions,
  brokerCommand,
  type CommandModule,
  collect,
  nounCommand,
} from '../program.ts';
import { type Session, withCluster } from '../session.ts';
import { renderTable } from '../table.ts';
import { describeTopics, isInternal, plural } from '../topic-description.ts';

interface CreateOptions extends BrokerOptions {
  readonly partitions?: string;
  readonly replicationFactor?: string;
  readonly config?: readonly string[];
  readonly ifNotExists?: boolean;
  readonly dryRun?: boolean;
}

interface ListOptions extends BrokerOptions {
  readonly internal?: boolean;
}

interface AlterOptions extends BrokerOptions {
  readonly partitions?: string;
  readonly set?: readonly string[];
  readonly unset?: readonly string[];
  readonly deleteRecords?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

interface DeleteOptions extends BrokerOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly ifExists?: boolean;
}

function build(): Command {
  const topic = nounCommand('topic', 'create, list, describe, alter and delete topics', [
    'tidemark topic create orders -p 6 -c retention.ms=7d',
    'tidemark topic list',
    'tidemark topic describe orders',
    'tidemark topic alter orders -p 12 --set cleanup.policy=compact',
    'tidemark topic delete orders --yes',
  ]).alias('topics');
  topic.addCommand(createCommand());
  topic.addCommand(listCommand());
  topic.addCommand(describeCommand());
  topic.addCommand(alterCommand());
  topic.addCommand(deleteCommand());
  return topic;
}

/** The noun `topic`. */
export const topicCommand: CommandModule = { build };

function createCommand(): Command {
  return brokerCommand('create', 'make one or more topics', [
    'tidemark topic create orders payments -p 6',
    'tidemark topic create users -c cleanup.policy=compact -c segment.bytes=64MiB',
  ])
    .argument('<names...>', 'names of the topics')
    .option(
      '-p, --partitions <count>',
      "number of partitions (default: the broker's num.partitions)",
    )
    .option('-r, --replication-factor <count>', "copies (default: the broker's)")
    .option(
      '-c, --config <key=value>',
      'topic config, repeatable; 7d and 64MiB are understood',
      collect,
    )
    .option('--if-not-exists', 'a topic that exists is no error')
    .option('--dry-run', 'only check')
    .action((names: string[], options: CreateOptions) => create(names, options));
}

function listCommand(): Command {
  return brokerCommand('list', 'list topics', ['tidemark topic list --json'])
    .alias('ls')
    .option('-i, --internal', 'also internal topics and others that begin with __')
    .action((options: ListOptions) => list(options));
}

function describeCommand(): Command {
  return brokerCommand('describe', 'show partitions, offsets, sizes and configs of topics', [
    'tidemark topic describe orders',
    'tidemark topic describe orders --json',
    'tidemark topic describe             all topics but internal ones',
  ])
    .argument('[names...]', 'names of the topics')
    .action((names: string[], options: BrokerOptions) => describeTopics(names, options));
}

function alterCommand(): Command {
  const command = brokerCommand('alter', 'add partitions, change configs, delete records', [
    'tidemark topic alter orders --partitions 12',
    'tidemark topic alter orders --set retention.ms=1d --unset segment.bytes',
    'tidemark topic alter orders --delete-records @-7d --yes',
  ])
    .argument('<name>', 'name of the topic')
    .option('-p, --partitions <count>', 'grow to so many partitions')
    .option(
      '-s, --set <key=value>',
      'set a config, repeatable (key+=value appends to a list)',
      collect,
    )
    .option('-u, --unset <key>', 'give a config its default again, repeatable', collect)
    .option('--delete-records <offset>', 'delete records before it: an offset, latest, @TIME …');
  return addGuards(command).action((name: string, options: AlterOptions) => alter(name, options));
}

function deleteCommand(): Command {
  const command = brokerCommand('delete', 'delete topics with all their records', [
    'tidemark topic delete orders --dry-run',
    'tidemark topic delete orders payments --yes',
  ])
    .alias('rm')
    .argument('<names...>', 'names of the topics')
    .option('--if-exists', 'a topic that does not exist is no error');
  return addGuards(command).action((names: string[], options: DeleteOptions) =>
    remove(names, options),
  );
}

function count(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  return wholeNumber(option, text, { from: 1, to: 1_000_000 });
}

async function create(names: readonly string[], options: CreateOptions): Promise<void> {
  const io = processIo();
  const partitions = count(options.partitions, '--partitions');
  const replicationFactor = count(options.replicationFactor, '--replication-factor');
  const configs = Object.fromEntries(
    configPairs(options.config ?? [], '--config').map(({ name, value }) => [name, value ?? '']),
  );
  await withCluster(options, async ({ cluster, client }) => {
    const specs = names.map((name) => ({
      name,
      configs,
      ...(partitions === undefined ? {} : { partitions }),
      ...(replicationFactor === undefined ? {} : { replicationFactor }),
    }));
    const validateOnly = options.dryRun ?? false;
    const made = await client.createTopics(cluster, specs, { validateOnly });
    const exists = (one: Outcome): boolean =>
      options.ifNotExists === true && one.error?.code === 'TOPIC_ALREADY_EXISTS';
    const done = made.filter((one) => one.error === null || exists(one));
    if (options.json === true) {
      const rows = done.map(({ name, id, partitions: made, replicationFactor: copies, error }) => ({
        name,
        id: error === null ? id : null,
        partitions: error === null ? made : null,
        replicationFactor: error === null ? copies : null,
        created: error === null && !validateOnly,
      }));
      await io.data(`${JSON.stringify(rows)}\n`);
    } else {
      for (const one of done) {
        const words = exists(one)
          ? 'exists already'
          : validateOnly
            ? 'could be created'
            : 'created';
        const size = one.partitions > 0 ? ` (${plural(one.partitions, 'partition')})` : '';
        io.say(`topic ${paint('bold', one.name, 'words')} ${words}${exists(one) ? '' : size}`);
      }
    }
    const failed = made.filter((one) => !done.includes(one));
    throwLast(io, failed, (error) => refusedConfigs(error, 'topic', Object.keys(configs)));
  });
}

/** Says all errors but the last, and throws that, so that each is seen and the exit code is right. */
function throwLast(
  io: CliIo,
  failed: readonly Outcome[],
  worded: (error: unknown) => unknown = (error) => error,
): void {
  const errors = failed.flatMap(({ error }) => error ?? []);
  const last = errors.pop();
  for (const error of errors) io.say(`${paint('red', 'error:', 'words')} ${messageOf(error)}`);
  if (last !== undefined) throw worded(last);
}

async function list(options: ListOptions): Promise<void> {
  const io = processIo();
  await withCluster(options, async ({ cluster }) => {
    const all = await cluster.listTopics();
    const topics = all.filter((topic) => options.internal === true || !isInternal(topic));
    if (options.json === true) {
      const rows = topics.map(({ name, id, internal, partitions }) => ({
        name,
        id,
        internal,
        partitions: partitions.length,
        replicationFactor: partitions[0]?.replicas.length ?? 0,
      }));
      await io.data(`${JSON.stringify(rows)}\n`);
      return;
    }
    if (topics.length === 0) {
      io.say('no topics yet; make one with "tidemark topic create NAME"');
      return;
    }
    const rows = topics.map(({ name, partitions }) => [
      name,
      String(partitions.length),
      String(partitions[0]?.replicas.length ?? 0),
    ]);
    await io.data(renderTable(['TOPIC', 'PARTITIONS', 'REPLICAS'], rows, { right: [1, 2] }));
  });
}

async function alter(name: string, options: AlterOptions): Promise<void> {
  const io = processIo();
  const partitions = count(options.partitions, '--partitions');
  const changes: ConfigChange[] = [
    ...configPairs(options.set ?? [], '--set'),
    ...(options.unset ?? []).map(
      (key): ConfigChange => ({ name: key, operation: 'delete', value: null }),
    ),
  ];
  if (partitions === undefined && changes.length === 0 && options.deleteRecords === undefined) {
    throw usageError('nothing to alter', 'give --partitions, --set, --unset or --delete-records');
  }
  const validateOnly = options.dryRun ?? false;
  await withCluster(options, async (session) => {
    const { cluster, client } = session;
    await cluster.topic(name);
    const done: Record<string, unknown> = { name, dryRun: validateOnly };
    if (changes.length > 0) {
      await changeConfigs(session, { type: 'topic', name }, changes, { validateOnly });
      done['configs'] = changes;
      for (const change of changes) io.say(changeWords(change, validateOnly));
    }
    if (partitions !== undefined) {
      await client.createPartitions(cluster, name, partitions, { validateOnly });
      done['partitions'] = partitions;
      io.say(`topic ${name} ${validateOnly ? 'would have' : 'has'} ${partitions} partitions`);
    }
    if (options.deleteRecords !== undefined) {
      done['startOffsets'] = await deleteBefore(io, session, name, options);
    }
    if (options.json === true) await io.data(`${JSON.stringify(done)}\n`);
  });
}

/** Deletes records before a place; answers the new start offsets by partition. */
async function deleteBefore(
  io: CliIo,
  session: Session,
  topic: string,
  options: AlterOptions,
): Promise<Record<string, number> | null> {
  const { cluster, client } = session;
  const spec = client.parseOffsetSpec(options.deleteRecords ?? '', Date.now());
  const info = await cluster.topic(topic);
  const before = new Map<number, number>();
  for (const { partition } of info.partitions) {
    const lookup = client.offsetLookup(cluster, { topic, partition });
    const { offset, note } = await client.resolveOffset(spec, lookup);
    before.set(partition, offset);
    io.say(`${topic}/${partition}: records before ${note}`);
  }
  if (options.dryRun === true) return Object.fromEntries(before);
  if (!(await confirm(io, `delete these records of ${topic}`, options))) return null;
  const starts = await client.deleteRecords(cluster, topic, before);
  io.say(`deleted: ${topic} begins at these offsets`);
  return Object.fromEntries(starts);
}

async function remove(names: readonly string[], options: DeleteOptions): Promise<void> {
  const io = processIo();
  await withCluster(options, async ({ cluster, client }) => {
    const known = new Set((await cluster.listTopics()).map((topic) => topic.name));
    const missing = names.filter((name) => !known.has(name));
    if (missing.length > 0 && options.ifExists !== true) {
      throw new CliError(
        ExitCode.notFound,
        `there is no topic ${missing.map((name) => `'${name}'`).join(', ')}`,
        '"tidemark topic list" shows what there is; --if-exists skips what is missing',
      );
    }
    const wanted = names.filter((name) => known.has(name));
    const dryRun = options.dryRun === true;
    if (!dryRun && wanted.length > 0) {
      const what = `delete ${plural(wanted.length, 'topic')} with all records: ${wanted.join(', ')}`;
      if (!(await confirm(io, what, options)))
        throw new CliError(ExitCode.error, 'nothing was deleted');
    }
    const outcomes =
      dryRun || wanted.length === 0 ? [] : await client.deleteTopics(cluster, wanted);
    const failed = outcomes.filter((one) => one.error !== null);
    const done = dryRun
      ? wanted
      : outcomes.filter((one) => one.error === null).map(({ name }) => name);
    if (options.json === true) await io.data(`${JSON.stringify({ deleted: done, dryRun })}\n`);
    else
      for (const name of done) io.say(`topic ${name} ${dryRun ? 'would be deleted' : 'deleted'}`);
    throwLast(io, failed);
  });
}
