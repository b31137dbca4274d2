// tidemark group list | describe | members | lag | timeline | reset | delete

import type { Command } from 'commander';
import { formatDuration } from '../../base/duration.ts';
import type { GroupDescription, TopicPartition } from '../../client/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { usageError } from '../exit-codes.ts';
import { type DeleteGroupOptions, deleteGroups } from '../group/delete.ts';
import { type LagRow, lagRows } from '../group/lag.ts';
import { type ResetOptions, resetGroups } from '../group/reset.ts';
import { showTimeline, type TimelineOptions } from '../group/timeline.ts';
import { checkWhich, groupIds, type WhichGroups } from '../group/which.ts';
import { processIo } from '../io.ts';
import {
  addGuards,
  type BrokerOptions,
  brokerCommand,
  type CommandModule,
  collect,
  nounCommand,
} from '../program.ts';
import { withCluster } from '../session.ts';
import { renderTable } from '../table.ts';
import { plural } from '../topic-description.ts';

interface DescribeOptions extends BrokerOptions, WhichGroups {}

interface ListOptions extends BrokerOptions {
  readonly state?: string;
  readonly type?: string;
}

function build(): Command {
  const group = nounCommand('group', 'list, describe, move and delete consumer groups', [
    'tidemark group list',
    'tidemark group lag billing',
    'tidemark group timeline billing --since 2h',
    'tidemark group reset billing --topic orders --by-duration 2h',
    'tidemark group delete billing --yes',
  ]).alias('groups');
  group.addCommand(
    brokerCommand('list', 'list groups', [
      'tidemark group list --state empty,dead --type classic',
      'tidemark group list --json',
    ])
      .alias('ls')
      .option('--state <state>', 'only groups in these states: stable,empty …')
      .option('--type <type>', 'only groups of these types: classic,consumer …')
      .action((options: ListOptions) => list(options)),
  );
  group.addCommand(
    brokerCommand('describe', 'show state, coordinator, assignor, committed offsets and lag', [
      'tidemark group describe billing',
      'tidemark group describe --all-groups --json',
    ])
      .argument('[ids...]', 'ids of the groups')
      .option('--all-groups', 'every group')
      .action((ids: string[], options: DescribeOptions) => describe(ids, options)),
  );
  group.addCommand(
    brokerCommand('members', 'show who is in a group and what each one reads', [
      'tidemark group members billing',
    ])
      .argument('<id>', 'id of the group')
      .action((id: string, options: BrokerOptions) => members(id, options)),
  );
  group.addCommand(
    brokerCommand('lag', 'show how far a group is behind, in records and in time', [
      'tidemark group lag billing',
      'tidemark group lag billing --json',
    ])
      .argument('<id>', 'id of the group')
      .action((id: string, options: BrokerOptions) => lag(id, options)),
  );
  group.addCommand(timelineCommand());
  group.addCommand(resetCommand());
  group.addCommand(deleteCommand());
  return group;
}

/** The noun `group`. */
export const groupCommand: CommandModule = { build };

function timelineCommand(): Command {
  return brokerCommand('timeline', 'show what became of a group, why, and what to do about it', [
    'tidemark group timeline billing',
    'tidemark group timeline billing --since 2h --last 20',
    'tidemark group timeline --follow',
    'tidemark group timeline billing --json | jq .cause',
  ])
    .argument('[id]', 'id of the group; without it, all groups')
    .option('--since <time>', 'from this time on: 2h (ago), 2026-11-29T10:00:00Z')
    .option('--last <count>', 'at most so many entries, the latest', '50')
    .option('-f, --follow', 'go on and show what happens')
    .action((id: string | undefined, options: TimelineOptions) => showTimeline(id, options));
}

function resetCommand(): Command {
  return brokerCommand('reset', 'move what a group has committed; shows it first', [
    'tidemark group reset billing --topic orders --to-earliest',
    'tidemark group reset billing --topic orders:0,2 --to-datetime 2026-11-22T10:00:00Z --execute',
    'tidemark group reset billing --all-topics --shift-by -100 --execute',
    'tidemark group reset billing --all-topics --to-current --export > offsets.csv',
    'tidemark group reset billing --from-file offsets.csv --execute',
    'tidemark group reset --all-groups --all-topics --to-current --export > groups.csv',
    'tidemark group reset --all-groups --from-file groups.csv --execute',
  ])
    .argument('[ids...]', 'ids of the groups; with --execute they must have no live members')
    .option('--all-groups', 'every group; with --from-file, every one that it names')
    .option(
      '--topic <name[:partitions]>',
      'a topic, or some of its partitions, repeatable',
      collect,
    )
    .option('--all-topics', 'every topic in which the group has committed')
    .option('--to-earliest', 'to the first record that there is')
    .option('--to-latest', 'after the last record')
    .option('--to-current', 'to where it is: with --export, a copy of its offsets')
    .option('--to-offset <offset>', 'to this offset')
    .option('--to-datetime <time>', 'to the first record at or after a time')
    .option('--by-duration <duration>', 'to the first record since so long ago: 2h, PT2H')
    .option('--shift-by <records>', 'so many records forward, or back with a minus')
    .option(
      '--from-file <file>',
      'to the offsets in a file of lines topic,partition,offset, with a group before it if need be',
    )
    .option('--to <offset>', 'any place as consume takes it: -10, @-2h, latest …')
    .option('--dry-run', 'only show what would be done: the default')
    .option('--execute', 'do it; without this nothing is changed')
    .option('--export', 'print lines topic,partition,offset for --from-file')
    .action((ids: string[], options: ResetOptions) => resetGroups(ids, options));
}

function deleteCommand(): Command {
  const command = brokerCommand('delete', 'delete groups, or their offsets in some topics', [
    'tidemark group delete billing --dry-run',
    'tidemark group delete billing --topic orders --yes',
  ])
    .alias('rm')
    .argument('<ids...>', 'ids of the groups')
    .option('--topic <name>', 'only forget the offsets in this topic, repeatable', collect);
  return addGuards(command).action((ids: string[], options: DeleteGroupOptions) =>
    deleteGroups(ids, options),
  );
}

/** Of both group protocols and of other kinds of groups, as Kafka spells them. */
const STATES =
  'Unknown, PreparingRebalance, CompletingRebalance, Stable, Dead, Empty, Assigning, Reconciling, NotReady';
const TYPES = 'classic, consumer, share, streams, unknown';

/** Throws a usage error for a name that no group can have: most often it is misspelt. */
function checkNames(option: string, given: string | undefined, known: string): void {
  const names = known.toLowerCase().split(', ');
  const wrong = given?.split(/[, ]+/).find((name) => !names.includes(name.toLowerCase()));
  if (wrong !== undefined) throw usageError(`${option} ${wrong}: write one or more of ${known}`);
}

async function list(options: ListOptions): Promise<void> {
  const io = processIo();
  checkNames('--state', options.state, STATES);
  checkNames('--type', options.type, TYPES);
  const is = (wanted: string | undefined, found: string): boolean =>
    wanted === undefined || wanted.toLowerCase().split(/[, ]+/).includes(found.toLowerCase());
  await withCluster(options, async ({ cluster, client }) => {
    const all = await client.listGroups(cluster);
    const groups = all.filter((one) => is(options.state, one.state) && is(options.type, one.type));
    if (options.json === true) {
      await io.data(`${JSON.stringify(groups)}\n`);
    } else if (groups.length === 0) {
      io.say(all.length === 0 ? 'no groups' : `no group is like that (of ${all.length})`);
    } else {
      const rows = groups.map((one) => [one.id, one.type, one.protocolType, one.state]);
      await io.data(renderTable(['GROUP', 'TYPE', 'PROTOCOL', 'STATE'], rows));
    }
  });
}

/** One group is one object in JSON, several are an array. */
async function describe(named: readonly string[], options: DescribeOptions): Promise<void> {
  const io = processIo();
  checkWhich(named, options);
  await withCluster(options, async (session) => {
    const ids = await groupIds(session, named, options);
    const all: object[] = [];
    for (const id of ids) {
      const group = await session.client.describeGroup(session.cluster, id);
      const rows = await lagRows(session, group, null);
      const { offsets: _, ...rest } = group;
      all.push({ ...rest, partitions: rows.map(({ lagMs: _, ...row }) => row) });
      if (options.json !== true) await io.data(`${describedText(group, rows)}\n`);
    }
    if (options.json !== true) return;
    const several = options.allGroups === true || ids.length > 1;
    await io.data(`${JSON.stringify(several ? all : all[0])}\n`);
  });
}

function describedText(group: GroupDescription, rows: readonly LagRow[]): string {
  const count = group.members.length;
  const words = `${count} member${count === 1 ? '' : 's'}`;
  const head = `${group.id}  ${group.state}  ${words}  ${group.type}\n${detailsOf(group)}`;
  if (rows.length === 0) return head;
  const header = ['TOPIC', 'PARTITION', 'COMMITTED', 'END', 'LAG', 'CLIENT'];
  const cells = rows.map((row) => [...placeCells(row), row.clientId ?? '']);
  return `${head}\n${renderTable(header, cells, { right: [1, 2, 3, 4] }).trimEnd()}`;
}

/** `coordinator 127.0.0.1:9092 (broker 1), assignor uniform, epoch 5, target epoch 5` */
function detailsOf(group: GroupDescription): string {
  const { coordinator, protocol, epoch, targetEpoch } = group;
  const parts = [`coordinator ${coordinator.host}:${coordinator.port} (broker ${coordinator.id})`];
  if (protocol !== '') parts.push(`assignor ${protocol}`);
  if (epoch !== null) parts.push(`epoch ${epoch}, target epoch ${targetEpoch}`);
  return parts.join(', ');
}

function placeCells(row: LagRow): string[] {
  const { topic, partition, committed, endOffset, lag: behind } = row;
  return [
    topic,
    String(partition),
    String(committed ?? '-'),
    String(endOffset),
    String(behind ?? '-'),
  ];
}

async function members(id: string, options: BrokerOptions): Promise<void> {
  const io = processIo();
  await withCluster(options, async ({ cluster, client }) => {
    const group = await client.describeGroup(cluster, id);
    if (options.json === true) {
      await io.data(`${JSON.stringify(group.members)}\n`);
      return;
    }
    if (group.members.length === 0) {
      io.say(`group ${id} has no members; it is ${group.state}`);
      return;
    }
    const rows = group.members.map((member) => [
      member.clientId,
      member.clientHost,
      String(member.assignment.length),
      readsOf(member.assignment),
      member.instanceId ?? '',
      member.memberId,
      ...(group.type === 'consumer' ? [String(member.epoch), member.protocol] : []),
    ]);
    const header = ['CLIENT', 'HOST', 'PARTITIONS', 'READS', 'INSTANCE', 'MEMBER'];
    if (group.type === 'consumer') header.push('EPOCH', 'PROTOCOL');
    await io.data(renderTable(header, rows, { right: [2] }));
  });
}

function readsOf(assignment: readonly TopicPartition[]): string {
  return assignment.map(({ topic, partition }) => `${topic}/${partition}`).join(' ');
}

async function lag(id: string, options: BrokerOptions): Promise<void> {
  const io = processIo();
  await withCluster(options, async (session) => {
    const group = await session.client.describeGroup(session.cluster, id);
    const rows = await lagRows(session, group, nodeClock.now());
    const total = rows.reduce((sum, row) => sum + (row.lag ?? 0), 0);
    const oldestMs = rows.reduce((most, row) => Math.max(most, row.lagMs ?? 0), 0);
    if (options.json === true) {
      await io.data(`${JSON.stringify({ id, lag: total, lagMs: oldestMs, partitions: rows })}\n`);
      return;
    }
    const time = (ms: number | null): string =>
      ms === null ? '-' : formatDuration(Math.round(ms / 1000) * 1000);
    const cells = rows.map((row) => [...placeCells(row), time(row.lagMs)]);
    const header = ['TOPIC', 'PARTITION', 'COMMITTED', 'END', 'LAG', 'BEHIND'];
    await io.data(renderTable(header, cells, { right: [1, 2, 3, 4, 5] }));
    const behind = `${plural(total, 'record')} behind, the oldest of them ${time(oldestMs)} old`;
    io.say(`group ${id} is ${total === 0 ? 'not behind' : behind}`);
  });
}
