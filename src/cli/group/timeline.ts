// tidemark group timeline: what became of a group and why, read from `__tidemark_events` as any client could.

import { formatDuration } from '../../base/duration.ts';
import type { OffsetSpec } from '../../client/index.ts';
import {
  EVENTS_TOPIC,
  type PartitionRanges,
  type TimelineEntry,
} from '../../coordinator/timeline/entry.ts';
import { CliError, ExitCode } from '../exit-codes.ts';
import { type CliIo, paint, processIo, type Style } from '../io.ts';
import { wholeNumber } from '../numbers.ts';
import type { BrokerOptions } from '../program.ts';
import { type Session, withCluster } from '../session.ts';
import { timeSpec } from './typed-time.ts';

/** Options of `group timeline`. */
export interface TimelineOptions extends BrokerOptions {
  readonly since?: string;
  readonly last: string;
  readonly follow?: boolean;
}

/** The version of entries that is understood here. */
const VERSION = 1;

/** `group timeline`; without an id, of all groups. */
export async function showTimeline(
  id: string | undefined,
  options: TimelineOptions,
): Promise<void> {
  const io = processIo();
  const last = wholeNumber('--last', options.last);
  await withCluster(options, async (session) => {
    const places = await placesToRead(session, options.since);
    const print = (entry: Told): Promise<void> =>
      io.data(options.json === true ? jsonLine(entry) : `${describeEntry(entry, id)}\n`);
    const wanted = (entry: Told): boolean =>
      id === undefined || entry.group === id || entry.group === null;
    const past = (await readPast(session, places)).filter(wanted);
    if (past.every(({ group }) => group === null)) await explainNothing(session, io, id);
    for (const entry of past.slice(-last)) await print(entry);
    if (options.follow === true) await follow(session, places, { wanted, print });
  });
}

/** An entry with its place in the topic. */
type Told = TimelineEntry & { readonly offset: number };

interface Place {
  readonly partition: number;
  /** Where reading goes on. */
  next: number;
  readonly end: number;
}

async function placesToRead(session: Session, since: string | undefined): Promise<Place[]> {
  const { client, cluster } = session;
  const spec: OffsetSpec =
    since === undefined
      ? { kind: 'earliest' }
      : timeSpec(session, { option: '--since', text: since, at: sinceSpec(since) });
  const info = await eventsTopic(session);
  return Promise.all(
    info.map(async (partition) => {
      const lookup = client.offsetLookup(cluster, { topic: EVENTS_TOPIC, partition });
      const { offset } = await client.resolveOffset(spec, lookup);
      return { partition, next: offset, end: await lookup.latest() };
    }),
  );
}

/** `2h` is since two hours ago, all else is a time. */
function sinceSpec(text: string): string {
  if (text.startsWith('@')) return text;
  return /^[\d.]+(ms|[smhdw])/i.test(text) ? `@-${text}` : `@${text}`;
}

/** Partitions of the topic. Throws a CliError when there is none. */
async function eventsTopic({ cluster }: Session): Promise<number[]> {
  const topics = await cluster.listTopics();
  const found = topics.find(({ name }) => name === EVENTS_TOPIC);
  if (found !== undefined) return found.partitions.map(({ partition }) => partition);
  throw new CliError(
    ExitCode.notFound,
    `there is no timeline of groups here: no topic ${EVENTS_TOPIC}`,
    'Tidemark makes it when the first group is joined, unless tidemark.events.enable=false; other brokers keep none',
  );
}

async function readPast(session: Session, places: readonly Place[]): Promise<Told[]> {
  const entries: Told[] = [];
  const open = places.filter(({ next, end }) => next < end);
  if (open.length === 0) return entries;
  const reader = new session.client.LogReader(session.cluster, { topic: EVENTS_TOPIC });
  for (const { partition, next } of open) reader.set(partition, next);
  let left = open.length;
  for await (const fetched of reader.read()) {
    const place = open.find(({ partition }) => partition === fetched.partition);
    if (place === undefined || place.next >= place.end) continue;
    place.next = fetched.nextOffset;
    for (const { offset, value } of fetched.records) entries.push(...parse(value, offset));
    if (place.next < place.end) continue;
    reader.remove(place.partition);
    left -= 1;
    if (left === 0) break;
  }
  return entries.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : a.offset - b.offset));
}

async function follow(
  session: Session,
  places: readonly Place[],
  to: { wanted(entry: Told): boolean; print(entry: Told): Promise<void> },
): Promise<void> {
  const reader = new session.client.LogReader(session.cluster, { topic: EVENTS_TOPIC });
  for (const { partition, next, end } of places) reader.set(partition, Math.max(next, end));
  for await (const { records } of reader.read(session.stopSignal().signal)) {
    for (const { offset, value } of records) {
      for (const entry of parse(value, offset)) if (to.wanted(entry)) await to.print(entry);
    }
  }
}

/** The entry in a record; nothing for what a later version wrote that we cannot read. */
function parse(value: Buffer | null, offset: number): Told[] {
  try {
    const entry = JSON.parse(value?.toString() ?? 'null');
    const readable = entry?.schemaVersion === VERSION && typeof entry.what === 'string';
    return readable ? [{ ...entry, offset }] : [];
  } catch {
    return [];
  }
}

async function explainNothing(
  { client, cluster }: Session,
  io: CliIo,
  id: string | undefined,
): Promise<void> {
  if (id === undefined) {
    io.say('nothing has happened to groups in that time');
    return;
  }
  const groups = await client.listGroups(cluster);
  if (groups.some((group) => group.id === id)) {
    io.say(`nothing has happened to group ${id} in that time`);
    return;
  }
  throw new CliError(
    ExitCode.notFound,
    `there is no group '${id}', and nothing is known of one`,
    '"tidemark group list" shows the groups that there are',
  );
}

function jsonLine(entry: Told): string {
  return `${JSON.stringify(entry)}\n`;
}

const styles: Partial<Record<TimelineEntry['event'], Style>> = {
  'member-removed': 'red',
  'member-back': 'yellow',
  flapping: 'yellow',
  'rebalance-waiting': 'yellow',
  rebalance: 'green',
  'broker-started': 'dim',
  'broker-stopped': 'dim',
};

/** Lines for people: time, what, how long, cause, advice. */
export function describeEntry(entry: TimelineEntry, shownId: string | undefined): string {
  const { event, group, what, cause, advice } = entry;
  const style = styles[event];
  const whose = shownId === undefined && group !== null ? `${group}: ` : '';
  const words = style === undefined ? what : paint(style, what);
  const lines = [`${paint('dim', timeOf(entry.time))}  ${whose}${words}${placeOf(entry)}`];
  const more = (text: string): void => void lines.push(`${' '.repeat(25)}${text}`);
  if (cause !== undefined) more(`because: ${cause}`);
  if (event === 'rebalance') for (const text of rebalanceLines(entry)) more(text);
  if (advice !== undefined) more(paint('bold', `advice: ${advice}`));
  return lines.join('\n');
}

/** `2026-11-29 10:16:06.123`, UTC as everywhere. */
function timeOf(time: string): string {
  return time.replace('T', ' ').replace('Z', '');
}

function placeOf({ member }: TimelineEntry): string {
  if (member === undefined) return '';
  return paint('dim', `  (${member.memberId} on ${member.clientHost.replace(/^\//, '')})`);
}

/** Members of a rebalance that are shown. */
const SHOWN_MAX = 12;

function* rebalanceLines(entry: TimelineEntry): Generator<string> {
  const { phases, leader, assignor, restarts, slowest, moved = [], movedOmitted = 0 } = entry;
  if (phases !== undefined) {
    const parts = Object.entries(phases).map(
      ([name, ms]) => `${name.replace('Ms', '')} ${formatDuration(ms)}`,
    );
    const last = slowest === undefined ? '' : `, last was ${slowest.clientId}`;
    yield `took: ${parts.join(', ')}${last}`;
  }
  const by = [
    assignor === undefined ? '' : `assignor ${assignor}`,
    leader === undefined ? '' : `leader ${leader}`,
    restarts === undefined ? '' : `begun again ${restarts} times`,
  ].filter((text) => text !== '');
  if (by.length > 0) yield by.join(', ');
  for (const { clientId, before, after } of moved.slice(0, SHOWN_MAX)) {
    yield `${clientId}: ${rangesText(before)} → ${rangesText(after)}`;
  }
  const more = moved.length + movedOmitted - SHOWN_MAX;
  if (more > 0) yield `… and ${more} more members`;
}

function rangesText(ranges: PartitionRanges): string {
  const parts = Object.entries(ranges).map(([topic, text]) => `${topic} ${text}`.trim());
  return parts.length === 0 ? 'nothing' : parts.join(' ');
}
