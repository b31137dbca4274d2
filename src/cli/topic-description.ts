// What `topic describe` shows.

import type { ConfigEntry, LogDir, TopicInfo } from '../client/index.ts';
import { paint, processIo } from './io.ts';
import type { BrokerOptions } from './program.ts';
import { type Session, withCluster } from './session.ts';
import { renderTable } from './table.ts';

/** By the broker's word, or by the underscores that tools of ours and of others put before their own topics. */
export function isInternal(topic: { readonly name: string; readonly internal: boolean }): boolean {
  return topic.internal || topic.name.startsWith('__');
}

/** `1 topic`, `2 topics`. */
export function plural(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}

interface PartitionRow {
  readonly partition: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
  readonly startOffset: number;
  readonly endOffset: number;
  readonly sizeBytes: number | null;
}

/** `topic describe`: partitions with offsets and sizes, and the configs that were set. No names: all topics. */
export async function describeTopics(
  wanted: readonly string[],
  options: BrokerOptions,
): Promise<void> {
  const io = processIo();
  await withCluster(options, async (session) => {
    const documents: object[] = [];
    const names = wanted.length > 0 ? wanted : await ownTopics(session);
    if (names.length === 0) io.say('no topics yet; make one with "tidemark topic create NAME"');
    for (const name of names) {
      const info = await session.cluster.topic(name);
      const partitions = await partitionRows(session, info);
      const configs = await session.client.describeConfigs(session.cluster, {
        type: 'topic',
        name,
      });
      const own = configs.filter((entry) => entry.source === 'topic');
      if (options.json === true) {
        documents.push({ name, id: info.id, internal: info.internal, partitions, configs: own });
      } else await io.data(describeText(info, partitions, own));
    }
    if (options.json === true) {
      await io.data(`${JSON.stringify(wanted.length === 1 ? documents[0] : documents)}\n`);
    }
  });
}

async function ownTopics({ cluster }: Session): Promise<string[]> {
  const topics = await cluster.listTopics();
  return topics.filter((topic) => !isInternal(topic)).map((topic) => topic.name);
}

async function partitionRows(session: Session, info: TopicInfo): Promise<PartitionRow[]> {
  const { cluster, client } = session;
  const partitions = info.partitions.map((one) => one.partition);
  const ends = (timestamp: number) =>
    client.listOffsets(cluster, info.name, { partitions, timestamp });
  const [starts, latest, dirs] = await Promise.all([
    ends(client.SpecialTime.earliest),
    ends(client.SpecialTime.latest),
    // Sizes are an extra that a cluster may refuse to tell: then the column stays empty.
    client.describeLogDirs(cluster, new Map([[info.name, partitions]])).catch((): LogDir[] => []),
  ]);
  const sizes = new Map(
    dirs.flatMap((dir) => dir.partitions.map((one) => [one.partition, one.sizeBytes] as const)),
  );
  return info.partitions.map((one) => ({
    partition: one.partition,
    leader: one.leaderId,
    leaderEpoch: one.leaderEpoch,
    replicas: one.replicas,
    inSync: one.inSync,
    startOffset: starts.get(one.partition)?.offset ?? -1,
    endOffset: latest.get(one.partition)?.offset ?? -1,
    sizeBytes: sizes.get(one.partition) ?? null,
  }));
}

function describeText(
  info: TopicInfo,
  partitions: readonly PartitionRow[],
  configs: readonly ConfigEntry[],
): string {
  const total = partitions.reduce((sum, one) => sum + (one.endOffset - one.startOffset), 0);
  const head = [
    `${paint('bold', info.name)}  id ${info.id}${info.internal ? '  internal' : ''}`,
    `${plural(partitions.length, 'partition')}, ${plural(total, 'offset')} kept`,
    ...configs.map(({ name, value }) => `  ${name} = ${value ?? '(hidden)'}`),
  ];
  const rows = partitions.map((one) =>
    [
      one.partition,
      one.leader,
      one.replicas.join(','),
      one.inSync.join(','),
      one.startOffset,
      one.endOffset,
      one.sizeBytes ?? '',
    ].map(String),
  );
  const header = ['PARTITION', 'LEADER', 'REPLICAS', 'IN SYNC', 'START', 'END', 'BYTES'];
  return `${head.join('\n')}\n${renderTable(header, rows, { right: [0, 1, 4, 5, 6] })}`;
}
