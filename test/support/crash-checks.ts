// What must be true of a broker after crashes, given what its clients were told (crash-load.ts).

import { Metadata, OffsetFetch } from '../../src/protocol/index.ts';
import type { Link, PartitionContents } from './crash-link.ts';
import { type Known, type Load, numberOf, TOPICS } from './crash-load.ts';

/** Everything that is wrong; empty when nothing is. The load must be paused. */
export async function findWrongs(load: Load, link: Link): Promise<string[]> {
  const wrongs: string[] = [];
  for (const known of load.known) {
    const contents = await link.readAll(known.topic, known.partition);
    const name = `${known.topic}-${known.partition}`;
    const found = known.topic === 'keyed' ? checkKeyed(known, contents) : checkAll(known, contents);
    for (const wrong of [...checkEach(known, contents), ...found]) wrongs.push(`${name}: ${wrong}`);
  }
  wrongs.push(...(await checkTopics(load, link)), ...(await checkCommitted(load, link)));
  return wrongs;
}

/** What holds for every partition: sent, in order, once, where it was said to be. */
function checkEach(known: Known, { records }: PartitionContents): string[] {
  const wrongs: string[] = [];
  let [offset, number] = [-1, -1];
  for (const record of records) {
    const now = numberOf(known, record.value);
    if (now < 0 || now >= known.sent) wrongs.push(`offset ${record.offset}: was never sent`);
    if (record.offset <= offset || now <= number) {
      wrongs.push(`offset ${record.offset}, record ${now} comes after ${offset}, ${number}`);
    }
    [offset, number] = [record.offset, now];
    const said = known.acknowledged.get(record.offset);
    if (said !== undefined && said !== now) {
      wrongs.push(`offset ${record.offset} holds ${now}, acknowledged was ${said}`);
    }
    const seen = known.seen.get(record.offset);
    if (seen !== undefined && seen !== record.value) {
      wrongs.push(`offset ${record.offset} held something else when it was read before`);
    }
  }
  return wrongs;
}

/** Nothing missing between the start and the end of the log. */
function checkAll(known: Known, { records, startOffset, highWatermark }: PartitionContents) {
  const wrongs: string[] = [];
  const offsets = new Set(records.map((record) => record.offset));
  const numbers = new Set(records.map((record) => numberOf(known, record.value)));
  const start = Math.max(startOffset, known.deletedBelow);
  if (startOffset < known.deletedBelow) wrongs.push('records that were deleted are back');
  if (known.topic !== 'short' && startOffset !== 0) wrongs.push(`begins at ${startOffset}`);
  for (const offset of known.acknowledged.keys()) {
    if (offset >= start && !offsets.has(offset)) wrongs.push(`acknowledged ${offset} is lost`);
  }
  for (const offset of known.seen.keys()) {
    if (offset >= start && !offsets.has(offset)) wrongs.push(`${offset}, which was read, is lost`);
  }
  const first = numberOf(known, records[0]?.value ?? '');
  for (const number of known.acknowledgedUnplaced) {
    if (number > first && !numbers.has(number))
      wrongs.push(`acknowledged record ${number} is lost`);
  }
  const holes = highWatermark - startOffset - records.length;
  if (holes !== 0) wrongs.push(`${holes} offsets hold nothing`);
  return wrongs;
}

/** Compacted: the last acknowledged record of each key is there, or a later one. */
function checkKeyed(known: Known, { records }: PartitionContents): string[] {
  const latest = new Map<string | null, number>();
  for (const record of records) latest.set(record.key, record.offset);
  const wanted = new Map<string, number>();
  for (const [offset, number] of known.acknowledged) {
    const key = `key-${number % 20}`;
    wanted.set(key, Math.max(offset, wanted.get(key) ?? -1));
  }
  return [...wanted]
    .filter(([key, offset]) => (latest.get(key) ?? -1) < offset)
    .map(([key, offset]) => `the last of ${key}, at ${offset}, is lost`);
}

async function checkTopics(load: Load, link: Link): Promise<string[]> {
  const { topics } = await link.ask(Metadata, 4, { topics: null });
  const there = new Set(topics.map((topic) => topic.name));
  const wrongs: string[] = [];
  for (const name of Object.keys(TOPICS)) if (!there.has(name)) wrongs.push(`${name} is gone`);
  for (const [name, state] of load.passing) {
    if (state === 'created' && !there.has(name)) wrongs.push(`topic ${name} is gone`);
    if (state === 'deleted' && there.has(name)) wrongs.push(`topic ${name} is back`);
  }
  return wrongs;
}

async function checkCommitted(load: Load, link: Link): Promise<string[]> {
  const answer = await link.settled(
    OffsetFetch,
    7,
    { groupId: 'crash-group', topics: [{ name: 'numbers', partitionIndexes: [0] }] },
    (one) => one.errorCode,
  );
  const found = Number(answer.topics?.[0]?.partitions[0]?.committedOffset ?? -1);
  const { sent, acknowledged } = load.committed;
  return found >= acknowledged && found <= sent
    ? []
    : [`the group is at ${found}, acknowledged was ${acknowledged}, sent ${sent}`];
}
