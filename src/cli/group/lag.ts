// How far a group is behind: in records, and in time.

import type { GroupDescription } from '../../client/index.ts';
import type { Session } from '../session.ts';

export interface LagRow {
  readonly topic: string;
  readonly partition: number;
  readonly committed: number | null;
  readonly endOffset: number;
  /** Offsets between the two; null without a commit. */
  readonly lag: number | null;
  /** Milliseconds since the first record that is not committed was written; 0 without lag, null when not known. */
  readonly lagMs: number | null;
  readonly memberId: string | null;
  readonly clientId: string | null;
}

/** Longest that the look for first unread records may take, in ms. */
const LOOK_MAX_MS = 3000;

/** Every partition that is committed or assigned, with its lag. `nowMs`: null leaves out the time. */
export async function lagRows(
  session: Session,
  group: GroupDescription,
  nowMs: number | null,
): Promise<LagRow[]> {
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
    const behind = new Map<number, number>();
    const some = partitions.map((partition) => {
      const is = (one: { topic: string; partition: number }): boolean =>
        one.topic === topic && one.partition === partition;
      const committed = group.offsets.find(is)?.offset ?? null;
      const member = group.members.find((one) => one.assignment.some(is));
      const endOffset = ends.get(partition)?.offset ?? -1;
      const lag = committed === null ? null : Math.max(0, endOffset - committed);
      if (committed !== null && lag !== null && lag > 0) behind.set(partition, committed);
      const { memberId = null, clientId = null } = member ?? {};
      return { topic, partition, committed, endOffset, lag, lagMs: null, memberId, clientId };
    });
    const times = nowMs === null ? new Map() : await firstUnread(session, topic, behind);
    for (const row of some) {
      const written = times.get(row.partition);
      let lagMs: number | null = row.lag === 0 ? 0 : null;
      if (written !== undefined && nowMs !== null) lagMs = Math.max(0, nowMs - written);
      rows.push({ ...row, lagMs: nowMs === null ? null : lagMs });
    }
  }
  return rows;
}

/** Timestamps of the first records at or after these offsets, by partition; what does not answer in time is missing. */
async function firstUnread(
  { cluster, client }: Session,
  topic: string,
  offsets: ReadonlyMap<number, number>,
): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  if (offsets.size === 0) return found;
  const reader = new client.LogReader(cluster, { topic, maxWaitMs: 100, partitionBytes: 1 });
  for (const [partition, offset] of offsets) reader.set(partition, offset);
  let left = offsets.size;
  for await (const { partition, records } of reader.read(AbortSignal.timeout(LOOK_MAX_MS))) {
    const [first] = records;
    if (first === undefined) continue;
    found.set(partition, first.timestamp);
    reader.remove(partition);
    left -= 1;
    if (left === 0) break;
  }
  return found;
}
