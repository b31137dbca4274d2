// From "where" to stretches of partitions, with the offsets and times that people want to see before anything is
// written.

import {
  type Cluster,
  LogReader,
  type OffsetSpec,
  offsetLookup,
  resolveOffset,
} from '../../src/client/index.ts';
import { ReplayError } from './errors.ts';
import type { ReplaySource, Stretch } from './types.ts';

/** Partitions resolved at a time. */
const RESOLVING_MAX = 16;

/** Looks the source up. Throws KafkaError for unknown topics, ReplayError `invalid_replay` for partitions. */
export async function planStretches(cluster: Cluster, source: ReplaySource): Promise<Stretch[]> {
  const places: { topic: string; partition: number }[] = [];
  for (const topic of source.topics) {
    const info = await cluster.topic(topic, { create: false });
    const all = info.partitions.map((one) => one.partition);
    const wrong = source.partitions?.find((one) => !all.includes(one));
    if (wrong !== undefined) {
      const text = `topic '${topic}' has no partition ${wrong}, only 0 to ${all.length - 1}`;
      throw new ReplayError('invalid_replay', text);
    }
    for (const partition of source.partitions ?? all) places.push({ topic, partition });
  }
  const stretches: Stretch[] = [];
  for (let at = 0; at < places.length; at += RESOLVING_MAX) {
    const some = places.slice(at, at + RESOLVING_MAX);
    stretches.push(...(await Promise.all(some.map((place) => stretch(cluster, source, place)))));
  }
  return stretches;
}

async function stretch(
  cluster: Cluster,
  source: ReplaySource,
  place: { readonly topic: string; readonly partition: number },
): Promise<Stretch> {
  const { group } = source;
  // What open transactions hold back is not there yet: a reader would wait for it.
  const at = { ...place, ...(group === null ? {} : { group }) };
  const lookup = offsetLookup(cluster, at, 'read_committed');
  const resolve = (spec: OffsetSpec) => resolveOffset(spec, lookup);
  const from = await resolve(source.from);
  const to = await resolve(source.to);
  return {
    ...place,
    from: from.offset,
    to: Math.max(from.offset, to.offset),
    note: `from ${from.note}, before ${to.note}`,
  };
}

/** Times of the first and the last record of a stretch, in ms; null where there is none. */
export interface StretchTimes {
  readonly firstMs: number | null;
  readonly lastMs: number | null;
}

/** Looks at the two records. Throws KafkaError. */
export async function stretchTimes(cluster: Cluster, stretch: Stretch): Promise<StretchTimes> {
  const { from, to } = stretch;
  if (from >= to) return { firstMs: null, lastMs: null };
  return {
    firstMs: await timeAt(cluster, stretch, from),
    lastMs: await timeAt(cluster, stretch, to - 1),
  };
}

/** Of the first record at or after an offset, inside the stretch. */
async function timeAt(
  cluster: Cluster,
  { topic, partition, to }: Stretch,
  offset: number,
): Promise<number | null> {
  const reader = new LogReader(cluster, { topic, maxWaitMs: 10, partitionBytes: 64 * 1024 });
  reader.set(partition, offset);
  for await (const { records, nextOffset } of reader.read()) {
    const found = records.find((one) => one.offset < to);
    if (found !== undefined) return found.timestamp;
    if (nextOffset >= to) return null;
  }
  return null;
}

/** Offsets in all stretches: at least as many as records. */
export function offsetsIn(stretches: readonly Pick<Stretch, 'from' | 'to'>[]): number {
  return stretches.reduce((sum, { from, to }) => sum + to - from, 0);
}
