// tidemark group list | describe

import type { Command } from 'commander';
import type { GroupDescription } from '../../client/index.ts';
import { processIo } from '../io.ts';
import { type BrokerOptions, brokerCommand, type CommandModule, nounCommand } from '../program.ts';
import { type Session, withCluster } from '../session.ts';
import { renderTable } from '../table.ts';

function build(): Command {
  const group = nounCommand('group', 'list and describe consumer groups', [
    'tidemark group list',
    'tidemark group describe billing',
  ]).alias('groups');
  group.addCommand(
    brokerCommand('list', 'list groups', ['tidemark group list --json'])
      .alias('ls')
      .action((options: BrokerOptions) => list(options)),
  );
  group.addCommand(
    brokerCommand('describe', 'show members, committed offsets and lag', [
      'tidemark group describe billing --json',
    ])
      .argument('<id>', 'id of the group')
      .action((id: string, options: BrokerOptions) => describe(id, options)),
  );
  return group;
}

/** The noun `group`. */
export const groupCommand: CommandModule = { build };

async function list(options: BrokerOptions): Promise<void> {
  const io = processIo();
  await withCluster(options, async ({ cluster, client }) => {
    const groups = await client.listGroups(cluster);
    if (options.json === true) {
      await io.data(`${JSON.stringify(groups)}\n`);
    } else if (groups.length === 0) {
      io.say('no groups');
    } else {
      const rows = groups.map(({ id, type, protocolType, state }) => [
        id,
        type,
        protocolType,
        state,
      ]);
      await io.data(renderTable(['GROUP', 'TYPE', 'PROTOCOL', 'STATE'], rows));
    }
  });
}

interface LagRow {
  readonly topic: string;
  readonly partition: number;
  readonly committed: number | null;
  readonly endOffset: number;
  readonly lag: number | null;
  readonly memberId: string | null;
  readonly clientId: string | null;
}

async function describe(id: string, options: BrokerOptions): Promise<void> {
  const io = processIo();
  await withCluster(options, async (session) => {
    const group = await session.client.describeGroup(session.cluster, id);
    const rows = await lagRows(session, group);
    if (options.json === true) {
      const { state, protocolType, protocol, members } = group;
      const document = { id, state, protocolType, protocol, members, partitions: rows };
      await io.data(`${JSON.stringify(document)}\n`);
      return;
    }
    const count = group.members.length;
    const members = `${count} member${count === 1 ? '' : 's'}`;
    await io.data(`${id}  ${group.state}  ${members}  ${group.protocol}`.trimEnd().concat('\n'));
    if (rows.length === 0) return;
    const cells = rows.map((row) => [
      row.topic,
      String(row.partition),
      String(row.committed ?? '-'),
      String(row.endOffset),
      String(row.lag ?? '-'),
      row.clientId ?? '',
    ]);
    const header = ['TOPIC', 'PARTITION', 'COMMITTED', 'END', 'LAG', 'CLIENT'];
    await io.data(renderTable(header, cells, { right: [1, 2, 3, 4] }));
  });
}

/** Every partition that is committed or assigned, with its lag. */
async function lagRows(session: Session, group: GroupDescription): Promise<LagRow[]> {
  const { cluster, client } = session;
  const byTopic = new Map<string, Set<number>>();
  const assigned = group.members.flatMap((member) => member.assignment);
  for (const { topic, partition } of [...group.offsets, ...assigned]) {
    const partitions = byTopic.get(topic) ?? new Set();
    byTopic.set(topic, partitions.add(partition));
  }
  const rows: LagRow[] = [];
  for (const [topic, found] of [...byTopic].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const partitions = [...found].sort((a, b) => a - b);
    const timestamp = client.SpecialTime.latest;
    const ends = await client.listOffsets(cluster, topic, { partitions, timestamp });
    for (const partition of partitions) {
      const is = (one: { topic: string; partition: number }): boolean =>
        one.topic === topic && one.partition === partition;
      const committed = group.offsets.find(is)?.offset ?? null;
      const member = group.members.find((one) => one.assignment.some(is));
      const endOffset = ends.get(partition)?.offset ?? -1;
      rows.push({
        topic,
        partition,
        committed,
        endOffset,
        lag: committed === null ? null : Math.max(0, endOffset - committed),
        memberId: member?.memberId ?? null,
        clientId: member?.clientId ?? null,
      });
    }
  }
  return rows;
}
