// Where reading begins: where the group left off, else where the options say.

import type { TopicPartition } from '../admin-cluster.ts';
import type { Cluster } from '../cluster.ts';
import { nameOf } from '../fetch-reading.ts';
import { fetchGroupOffsets, outsider } from '../group-offsets.ts';
import { type Isolation, listOffsets, offsetLookup, SpecialTime } from '../list-offsets.ts';
import { resolveOffset } from '../offset-resolve.ts';
import type { OffsetSpec } from '../offset-spec.ts';
import { Assigned } from './assigned.ts';

export interface StartOptions {
  readonly group: string | undefined;
  readonly from: OffsetSpec;
  readonly isolation: Isolation;
}

/** The partitions as they begin. Throws KafkaError and ClientError. */
export async function beginAt(
  cluster: Cluster,
  places: readonly TopicPartition[],
  options: StartOptions,
): Promise<Assigned[]> {
  const { group, isolation } = options;
  const committed =
    group === undefined
      ? []
      : await fetchGroupOffsets(cluster, outsider(group), places, isolation === 'read_committed');
  const found = new Map(committed.map((one) => [nameOf(one), one]));
  const open = places.filter((place) => !found.has(nameOf(place)));
  const begun = await beginnings(cluster, open, options);
  return places.map((place) => {
    const name = nameOf(place);
    const left = found.get(name);
    if (left === undefined)
      return new Assigned(place, { offset: begun.get(name) ?? 0, epoch: -1 }, -1);
    return new Assigned(place, { offset: left.offset, epoch: left.leaderEpoch }, left.offset);
  });
}

/** Offsets of a place in many partitions, by name: few requests for what every broker can tell of many at once. */
export async function beginnings(
  cluster: Cluster,
  places: readonly TopicPartition[],
  { from, isolation, group }: StartOptions,
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const timestamp = timestampOf(from);
  if (timestamp === null) {
    for (const place of places) {
      const at = { ...place, ...(group === undefined ? {} : { group }) };
      const { offset } = await resolveOffset(from, offsetLookup(cluster, at, isolation));
      found.set(nameOf(place), offset);
    }
    return found;
  }
  for (const topic of new Set(places.map((one) => one.topic))) {
    const partitions = places.filter((one) => one.topic === topic).map((one) => one.partition);
    const ask = (time: number, some: number[]) =>
      listOffsets(cluster, topic, { partitions: some, timestamp: time, isolation });
    const offsets = await ask(timestamp, partitions);
    const late = partitions.filter((partition) => (offsets.get(partition)?.offset ?? -1) < 0);
    // No record so late: then the next one that comes.
    const ends = late.length === 0 ? new Map() : await ask(SpecialTime.latest, late);
    for (const partition of partitions) {
      const { offset } = ends.get(partition) ?? offsets.get(partition) ?? { offset: 0 };
      found.set(nameOf({ topic, partition }), offset);
    }
  }
  return found;
}

function timestampOf(from: OffsetSpec): number | null {
  switch (from.kind) {
    case 'earliest':
      return SpecialTime.earliest;
    case 'latest':
      return SpecialTime.latest;
    case 'timestamp':
      return from.timestampMs;
    default:
      return null;
  }
}
