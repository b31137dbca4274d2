// tidemark group list | describe | members | lag | reset | delete

import type { Command } from 'commander';
import { formatDuration } from '../../base/duration.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { type DeleteGroupOptions, deleteGroups } from '../group/delete.ts';
import { type LagRow, lagRows } from '../group/lag.ts';
import { type ResetOptions, resetGroup } from '../group/reset.ts';
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

interface ListOptions extends BrokerOptions {
  readonly state?: string;
  readonly type?: string;
}

function build(): Command {
  const group = nounCommand('group', 'list, describe, move and delete consumer groups', [
    'tidemark group list',
    'tidemark group lag billing',
    'tidemark group reset billing --topic orders --by-duration 2h',
    'tidemark group delete billing --yes',
  ]).alias('groups');
  group.addCommand(
    brokerCommand('list', 'list groups', [
      'tidemark group list --state empty',
      'tidemark group list --json',
    ])
      .alias('ls')
      .option('--state <state>', 'only groups in this state: stable, empty …')
      .option('--type <type>', 'only groups of this type: classic, consumer …')
      .action((options: ListOptions) => list(options)),
  );
  group.addCommand(
    brokerCommand('describe', 'show members, committed offsets and lag', [
      'tidemark group describe billing --json',
    ])
      .argument('<id>', 'id of the group')
      .action((id: string, options: BrokerOptions) => describe(id, options)),
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
  group.addCommand(resetCommand());
  group.addCommand(deleteCommand());
  return group;
}

/** The noun `group`. */
export const groupCommand: CommandModule = { build };

function resetCommand(): Command {
  return brokerCommand('reset', 'move what a group has committed; shows it first', [
    'tidemark group reset billing --topic orders --to-earliest',
    'tidemark group reset billing --topic orders:0,2 --to-datetime 2026-11-22T10:00:00Z --execute',
    'tidemark group reset billing --all-topics --shift-by -100 --execute',
    'tidemark group reset billing --all-topics --to-current --export > offsets.csv',
    'tidemark group reset billing --from-file offsets.csv --execute',
  ])
    .argument('<id>', 'id of the group; it must have no live members')
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
    .option('--from-file <file>', 'to the offsets in a file of lines topic,partition,offset')
    .option('--to <offset>', 'any place as consume takes it: -10, @-2h, latest …')
    .option('--execute', 'do it; without this nothing is changed')
    .option('--export', 'print lines topic,partition,offset for --from-file')
    .action((id: string, options: ResetOptions) => resetGroup(id, options));
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

async function list(options: ListOptions): Promise<void> {
  const io = processIo();
  const is = (wanted: string | undefined, found: string): boolean =>
    wanted === undefined || wanted.toLowerCase() === found.toLowerCase();
  await withCluster(options, async ({ cluster, client }) => {
    const all = await client.listGroups(cluster);
    const groups = all.filter((one) => is(options.state, one.state) && is(options.type, one.type));
    if (options.json === true) {
      await io.data(`${JSON.stringify(groups)}\n`);
    } else if (groups.length === 0) {
      io.say(all.length === 0 ? 'no groups' : `none of ${all.length} groups is like that`);
    } else {
      const rows = groups.map((one) => [one.id, one.type, one.protocolType, one.state]);
      await io.data(renderTable(['GROUP', 'TYPE', 'PROTOCOL', 'STATE'], rows));
    }
  });
}

async function describe(id: string, options: BrokerOptions): Promise<void> {
  const io = processIo();
  await withCluster(options, async (session) => {
    const group = await session.client.describeGroup(session.cluster, id);
    const rows = await lagRows(session, group, null);
    if (options.json === true) {
      const { state, protocolType, protocol, members: all } = group;
      const partitions = rows.map(({ lagMs: _, ...row }) => row);
      const document = { id, state, protocolType, protocol, members: all, partitions };
      await io.data(`${JSON.stringify(document)}\n`);
      return;
    }
    const count = group.members.length;
    const words = `${count} member${count === 1 ? '' : 's'}`;
    await io.data(`${id}  ${group.state}  ${words}  ${group.protocol}`.trimEnd().concat('\n'));
    if (rows.length === 0) return;
    const header = ['TOPIC', 'PARTITION', 'COMMITTED', 'END', 'LAG', 'CLIENT'];
    const cells = rows.map((row) => [...placeCells(row), row.clientId ?? '']);
    await io.data(renderTable(header, cells, { right: [1, 2, 3, 4] }));
  });
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
    const rows = group.members.map(({ clientId, clientHost, memberId, instanceId, assignment }) => [
      clientId,
      clientHost,
      String(assignment.length),
      assignment.map(({ topic, partition }) => `${topic}/${partition}`).join(' '),
      instanceId ?? '',
      memberId,
    ]);
    const header = ['CLIENT', 'HOST', 'PARTITIONS', 'READS', 'INSTANCE', 'MEMBER'];
    await io.data(renderTable(header, rows, { right: [2] }));
  });
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
    io.say(`group ${id} is ${total} records behind, the oldest of them ${time(oldestMs)} old`);
  });
}
