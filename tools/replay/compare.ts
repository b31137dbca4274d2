// Two topics side by side: which records of one have a partner in the other, and whether the two say the same. By the
// source that a replay notes in its copies, by the n-th record of each key, or by partition and offset.

import { createHash } from 'node:crypto';
import { type Cluster, LogReader } from '../../src/client/index.ts';
import { JOB_HEADER, SOURCE_HEADER, sourceOf } from './sink.ts';
import type { PlacedRecord, Stretch } from './types.ts';

/** What makes two records partners. */
export type CompareBy = 'source' | 'key' | 'offset';

export interface CompareOptions {
  readonly cluster: Cluster;
  readonly left: readonly Stretch[];
  readonly right: readonly Stretch[];
  readonly by: CompareBy;
  /** Records of the left side that are meant; the others are as if they were not there. */
  wants(record: PlacedRecord): boolean;
  /** Of the right side: only copies that this job made; null: all. */
  readonly job: string | null;
  /** Examples of each kind. */
  readonly shownMax: number;
  readonly signal: AbortSignal;
  onProgress?(read: number): void;
}

/** Records, or pairs of them, with some to look at. */
export interface Compared<T> {
  readonly count: number;
  readonly shown: readonly T[];
}

export interface Comparison {
  readonly equal: number;
  readonly changed: Compared<{ readonly left: PlacedRecord; readonly right: PlacedRecord }>;
  readonly onlyLeft: Compared<PlacedRecord>;
  /** Without a partner, or with one that an earlier record has already. */
  readonly onlyRight: Compared<PlacedRecord>;
}

/** Of a record of the left side: where it is, and what it says in short. About 200 bytes with its name. */
interface Remembered {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly digest: string;
}

/**
 * Reads both sides once, the left one into memory: names and digests, not values. Key, value and headers are compared,
 * the headers of replays aside. Throws KafkaError.
 */
export async function compareTopics(options: CompareOptions): Promise<Comparison> {
  const { cluster, signal, shownMax, job } = options;
  // What a job read is named by its own place, even if an earlier replay had put it there.
  const leftName = job !== null && options.by === 'source' ? sourceOf : namer(options.by);
  const rightName = namer(options.by);
  const waiting = new Map<string, Remembered>();
  let read = 0;
  for await (const record of recordsIn(cluster, options.left, signal)) {
    read += 1;
    options.onProgress?.(read);
    const { topic, partition, offset } = record;
    const name = leftName(record);
    if (options.wants(record)) {
      waiting.set(name, { topic, partition, offset, digest: digestOf(record) });
    }
  }
  let equal = 0;
  const changed: { place: Remembered; right: PlacedRecord }[] = [];
  const onlyRight: PlacedRecord[] = [];
  let [changedCount, onlyRightCount] = [0, 0];
  for await (const right of recordsIn(cluster, options.right, signal)) {
    read += 1;
    options.onProgress?.(read);
    if (job !== null && headerOf(right, JOB_HEADER) !== job) continue;
    const name = rightName(right);
    const place = waiting.get(name);
    if (place === undefined) {
      onlyRightCount += 1;
      if (onlyRight.length < shownMax) onlyRight.push(right);
      continue;
    }
    waiting.delete(name);
    if (place.digest === digestOf(right)) equal += 1;
    else {
      changedCount += 1;
      if (changed.length < shownMax) changed.push({ place, right });
    }
  }
  const pairs: { left: PlacedRecord; right: PlacedRecord }[] = [];
  for (const { place, right } of changed) {
    for (const left of await recordAt(cluster, place, signal)) pairs.push({ left, right });
  }
  const onlyLeft: PlacedRecord[] = [];
  for (const place of waiting.values()) {
    if (onlyLeft.length >= shownMax) break;
    onlyLeft.push(...(await recordAt(cluster, place, signal)));
  }
  return {
    equal,
    changed: { count: changedCount, shown: pairs },
    onlyLeft: { count: waiting.size, shown: onlyLeft },
    onlyRight: { count: onlyRightCount, shown: onlyRight },
  };
}

/** Names records of one side, which come in the order of their partitions. */
function namer(by: CompareBy): (record: PlacedRecord) => string {
  if (by === 'offset') return ({ partition, offset }) => `${partition}/${offset}`;
  if (by === 'source') return (record) => headerOf(record, SOURCE_HEADER) ?? sourceOf(record);
  const seen = new Map<string, number>();
  return ({ key, partition }) => {
    const name = key === null ? `${partition}` : `k${key.toString('latin1')}`;
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return `${name}#${count}`;
  };
}

function headerOf({ headers }: PlacedRecord, name: string): string | undefined {
  return headers.findLast((one) => one.key === name)?.value?.toString();
}

function digestOf({ key, value, headers }: PlacedRecord): string {
  const hash = createHash('sha1');
  const put = (bytes: Buffer | null): void => {
    hash.update(`${bytes === null ? -1 : bytes.length}:`);
    if (bytes !== null) hash.update(bytes);
  };
  put(key);
  put(value);
  for (const header of headers) {
    if (header.key === JOB_HEADER || header.key === SOURCE_HEADER) continue;
    put(Buffer.from(header.key));
    put(header.value);
  }
  return hash.digest('base64');
}

async function* recordsIn(
  cluster: Cluster,
  stretches: readonly Stretch[],
  signal: AbortSignal,
): AsyncGenerator<PlacedRecord, void, undefined> {
  for (const topic of new Set(stretches.map((one) => one.topic))) {
    const left = new Map<number, Stretch>();
    const reader = new LogReader(cluster, { topic, isolation: 'read_committed', maxWaitMs: 10 });
    for (const stretch of stretches) {
      if (stretch.topic !== topic || stretch.from >= stretch.to) continue;
      left.set(stretch.partition, stretch);
      reader.set(stretch.partition, stretch.from);
    }
    if (left.size === 0) continue;
    for await (const { partition, records, nextOffset } of reader.read(signal)) {
      const to = left.get(partition)?.to ?? 0;
      for (const record of records) if (record.offset < to) yield { ...record, topic, partition };
      if (nextOffset < to) continue;
      reader.remove(partition);
      left.delete(partition);
      if (left.size === 0) break;
    }
    signal.throwIfAborted();
  }
}

/** None where it was taken meanwhile. */
async function recordAt(
  cluster: Cluster,
  { topic, partition, offset }: Remembered,
  signal: AbortSignal,
): Promise<PlacedRecord[]> {
  const stretch = { topic, partition, from: offset, to: offset + 1, note: '' };
  const found: PlacedRecord[] = [];
  for await (const record of recordsIn(cluster, [stretch], signal)) found.push(record);
  return found;
}
