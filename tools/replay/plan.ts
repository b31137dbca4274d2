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
import { placeOf, type ReplaySource, type Stretch } from './types.ts';

/** Partitions resolved at a time. */
const RESOLVING_MAX = 16;

export interface PlanOptions {
  /** Takes what is left of a range whose first records are gone, instead of refusing it. */
  readonly skipCut?: boolean;
}

/**
 * Looks the source up. Throws KafkaError for unknown topics, ReplayError `invalid_replay` for partitions that there
 * are not and a group that is not named, `range_outside_log` where records that were asked for are gone, or the whole
 * range begins after the end, `unknown_group` for one that has committed nothing of them.
 */
export async function planStretches(
  cluster: Cluster,
  source: ReplaySource,
  { skipCut = false }: PlanOptions = {},
): Promise<Stretch[]> {
  if (source.group === null && [source.from, source.to].some((one) => one.kind === 'committed')) {
    const text = 'an offset of the range is where a group is, and no group is named';
    throw new ReplayError('invalid_replay', `${text}: which one? (--group)`);
  }
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
  const planned: Planned[] = [];
  for (let at = 0; at < places.length; at += RESOLVING_MAX) {
    const some = places.slice(at, at + RESOLVING_MAX);
    planned.push(...(await Promise.all(some.map((place) => plan(cluster, source, place)))));
  }
  if (planned.length > 0 && planned.every((one) => one.uncommitted)) {
    const text = `group '${source.group}' has committed no offset of ${source.topics.join(', ')}`;
    throw new ReplayError('unknown_group', text);
  }
  refuseOutside(planned, skipCut);
  return planned.map((one) => one.stretch);
}

/** Names places up to here. */
const NAMED_MAX = 5;

function refuseOutside(planned: readonly Planned[], skipCut: boolean): void {
  const refuse = (these: readonly Planned[], what: string, then: string): void => {
    const names = these.slice(0, NAMED_MAX).map(({ stretch, begins }) => {
      const { earliest, latest } = begins;
      const log = latest > earliest ? `has offsets ${earliest} to ${latest - 1}` : 'is empty';
      return `${placeOf(stretch.topic, stretch.partition)} (the log ${log})`;
    });
    if (these.length > NAMED_MAX) names.push(`${these.length - NAMED_MAX} more`);
    throw new ReplayError('range_outside_log', `${what} in ${names.join(', ')}: ${then}`);
  };
  const cut = planned.filter((one) => one.begins.moved === 'earliest');
  if (cut.length > 0 && !skipCut) {
    const then = 'retention took them, or they were deleted; --skip-cut takes what is left';
    refuse(cut, 'the range begins before the first record', then);
  }
  // A range that only some partitions reach is one of those; the plan says what became of the others.
  if (planned.length > 0 && planned.every((one) => one.begins.moved === 'latest')) {
    refuse(planned, 'the range begins after the last record', 'nothing lies in it');
  }
}

interface Planned {
  readonly stretch: Stretch;
  /** An end of it is where a group is that has committed nothing there. */
  readonly uncommitted: boolean;
  /** Where the range began outside the log: which end is nearer, and where the ends are. */
  readonly begins: {
    readonly moved: 'earliest' | 'latest' | null;
    readonly earliest: number;
    readonly latest: number;
  };
}

async function plan(
  cluster: Cluster,
  source: ReplaySource,
  place: { readonly topic: string; readonly partition: number },
): Promise<Planned> {
  const { group } = source;
  // What open transactions hold back is not there yet: a reader would wait for it.
  const at = { ...place, ...(group === null ? {} : { group }) };
  const lookup = offsetLookup(cluster, at, 'read_committed');
  const resolve = (spec: OffsetSpec) => resolveOffset(spec, lookup);
  const from = await resolve(source.from);
  const to = await resolve(source.to);
  return {
    stretch: {
      ...place,
      from: from.offset,
      to: Math.max(from.offset, to.offset),
      note: `from ${from.note}, before ${to.note}`,
    },
    uncommitted: from.uncommitted === true || to.uncommitted === true,
    begins: {
      moved: from.moved ?? null,
      earliest: from.moved === undefined ? 0 : await lookup.earliest(),
      latest: from.moved === undefined ? 0 : await lookup.latest(),
    },
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
