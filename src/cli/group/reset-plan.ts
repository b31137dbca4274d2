// Where a reset moves a group: the grammar of Kafka's own tool, and ours.

import { parseDuration } from '../../base/duration.ts';
import { KafkaError } from '../../base/kafka-errors.ts';
import type { OffsetSpec } from '../../client/index.ts';
import { usageError } from '../exit-codes.ts';
import { wholeNumber } from '../numbers.ts';
import type { Session } from '../session.ts';
import { filedFor, type OffsetsFile } from './offsets-file.ts';
import { timeSpec } from './typed-time.ts';

export interface ResetFlags {
  readonly topic?: readonly string[];
  readonly allTopics?: boolean;
  readonly to?: string;
  readonly toEarliest?: boolean;
  readonly toLatest?: boolean;
  readonly toCurrent?: boolean;
  readonly toOffset?: string;
  readonly toDatetime?: string;
  readonly byDuration?: string;
  readonly shiftBy?: string;
  readonly fromFile?: string;
}

/** One partition of a group before and after. */
export interface ResetRow {
  readonly topic: string;
  readonly partition: number;
  readonly before: number | null;
  readonly after: number;
  /** How `after` came about. */
  readonly note: string;
}

/** ISO 8601's form, which Kafka's tool takes: P1DT2H30M, PT0.5S. */
const ISO_DURATION = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,9})?)S)?)?$/i;

/** `P1DT2H`, or words such as `26h`; milliseconds. Throws a usage error. */
export function durationMs(text: string): number {
  const iso = ISO_DURATION.exec(text);
  if (iso === null) return parseDuration(text);
  if (text.length < 3) throw usageError(`--by-duration ${text}: write P1DT2H or 26h`);
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = iso
    .slice(1)
    .map((part) => Number(part ?? 0));
  return Math.floor((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
}

/** What the rows of a plan come from. */
export interface ResetSource {
  readonly flags: ResetFlags;
  /** That of `--from-file`. */
  readonly file: OffsetsFile | null;
  readonly nowMs: number;
}

/** The place that the options name, or the file of places. Throws a usage error unless there is exactly one. */
export function specOf(
  session: Session,
  { flags, file, nowMs }: ResetSource,
): OffsetSpec | OffsetsFile {
  const specs: (OffsetSpec | OffsetsFile)[] = [];
  const { to, toOffset, toDatetime, byDuration, shiftBy } = flags;
  if (to !== undefined) specs.push(session.client.parseOffsetSpec(to, nowMs));
  if (flags.toEarliest === true) specs.push({ kind: 'earliest' });
  if (flags.toLatest === true) specs.push({ kind: 'latest' });
  if (flags.toCurrent === true) specs.push({ kind: 'committed', shift: 0 });
  if (toOffset !== undefined)
    specs.push({ kind: 'offset', offset: wholeNumber('--to-offset', toOffset) });
  if (toDatetime !== undefined)
    specs.push(timeSpec(session, { option: '--to-datetime', text: toDatetime }, nowMs));
  if (byDuration !== undefined) {
    specs.push({ kind: 'timestamp', timestampMs: nowMs - durationMs(byDuration) });
  }
  if (shiftBy !== undefined) {
    const shift = wholeNumber('--shift-by', shiftBy, { from: Number.MIN_SAFE_INTEGER });
    specs.push({ kind: 'committed', shift });
  }
  if (file !== null) specs.push(file);
  const [spec, more] = specs;
  if (spec === undefined || more !== undefined) {
    const all =
      '--to-earliest, --to-latest, --to-current, --to-offset, --to-datetime, --by-duration, --shift-by, --from-file';
    throw usageError('say where to, in one way', `one of ${all}, or --to with -10, @-2h …`);
  }
  return spec;
}

/** What a reset would do, by topic and partition. Throws CliError, or KafkaError. */
export async function planReset(
  session: Session,
  group: string,
  source: ResetSource,
): Promise<ResetRow[]> {
  const { client, cluster } = session;
  const spec = specOf(session, source);
  const committed = await committedPlaces(session, group);
  if (spec.kind === 'file') return planFromFile(session, { file: spec, group }, committed);
  const rows: ResetRow[] = [];
  for (const { topic, partitions } of await scope(session, source.flags, committed)) {
    for (const partition of partitions) {
      const lookup = client.offsetLookup(cluster, { topic, partition, group });
      const before = committed.get(topic)?.get(partition) ?? null;
      const place = before === null ? uncommitted(spec, `${topic}-${partition}`) : spec;
      const { offset, note } = await client.resolveOffset(place, lookup);
      rows.push({ topic, partition, before, after: offset, note });
    }
  }
  return rows;
}

/** Where a partition without a commit goes, as in Kafka's tool: from nowhere there is no shift. */
function uncommitted(spec: OffsetSpec, where: string): OffsetSpec {
  if (spec.kind !== 'committed') return spec;
  if (spec.shift === 0) return { kind: 'latest' };
  throw usageError(
    `${where} has no committed offset to shift`,
    'name partitions that have one (--topic orders:0,2), or use --all-topics',
  );
}

type Committed = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** Everything that the group has committed; nothing for one that does not exist yet. */
async function committedPlaces({ client, cluster }: Session, group: string): Promise<Committed> {
  const found = new Map<string, Map<number, number>>();
  try {
    for (const { topic, partition, offset } of (await client.describeGroup(cluster, group))
      .offsets) {
      found.set(topic, (found.get(topic) ?? new Map<number, number>()).set(partition, offset));
    }
  } catch (error) {
    if (!(error instanceof KafkaError) || error.code !== 'GROUP_ID_NOT_FOUND') throw error;
  }
  return found;
}

interface Scope {
  readonly topic: string;
  readonly partitions: readonly number[];
}

async function scope(session: Session, flags: ResetFlags, committed: Committed): Promise<Scope[]> {
  if ((flags.topic === undefined) === (flags.allTopics !== true)) {
    throw usageError('say which topics', '--topic orders, --topic orders:0,2, or --all-topics');
  }
  if (flags.topic === undefined) {
    return [...committed].map(([topic, offsets]) => ({ topic, partitions: [...offsets.keys()] }));
  }
  const scopes: Scope[] = [];
  for (const text of flags.topic) {
    const [topic = '', list] = text.split(':');
    const info = await session.cluster.topic(topic, { create: false });
    const all = info.partitions.map((one) => one.partition);
    const wanted = list?.split(',').map(Number);
    const wrong = wanted?.find((one) => !all.includes(one));
    if (wrong !== undefined) {
      throw usageError(`--topic ${text}: '${topic}' has the partitions 0 to ${all.length - 1}`);
    }
    scopes.push({ topic, partitions: wanted ?? all });
  }
  return scopes;
}

async function planFromFile(
  { client, cluster }: Session,
  { file, group }: { readonly file: OffsetsFile; readonly group: string },
  committed: Committed,
): Promise<ResetRow[]> {
  const rows: ResetRow[] = [];
  for (const { topic, partition, offset } of filedFor(file, group)) {
    const lookup = client.offsetLookup(cluster, { topic, partition });
    const resolved = await client.resolveOffset({ kind: 'offset', offset }, lookup);
    const before = committed.get(topic)?.get(partition) ?? null;
    rows.push({ topic, partition, before, after: resolved.offset, note: resolved.note });
  }
  return rows;
}
