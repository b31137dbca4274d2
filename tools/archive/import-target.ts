// The topics that an import writes: made where they are missing, looked at where they are not.

import { KafkaError } from '../../src/base/kafka-errors.ts';
import {
  alterConfigs,
  type Cluster,
  createTopics,
  deleteRecords,
  describeConfigs,
  LogReader,
  listOffsets,
  SpecialTime,
} from '../../src/client/index.ts';
import { BatchHeader, type StoredRecord } from '../../src/record/index.ts';
import { batchBytesMax } from '../batches/limit.ts';
import { recordsOf } from '../batches/packer.ts';
import { readingOfRange } from '../batches/reading.ts';
import type { ArchivedTopic } from './documents.ts';
import { ArchiveError } from './errors.ts';
import { ORIGIN_HEADER } from './import-lane.ts';

/** A topic as it is before an import. */
export interface ImportTarget {
  readonly topic: string;
  readonly partitions: number;
  /** By partition: where it ends. */
  readonly ends: ReadonlyMap<number, number>;
  /** Of a batch. */
  readonly bytesMax: number;
  /** Configs of the archive that it gets once everything is in it; see {@link giveLater}. */
  readonly later: Readonly<Record<string, string>>;
}

/** Those that refuse records for their times, or change them: with one of these no import would bring times back. */
const aboutTimes: ReadonlySet<string> = new Set([
  'message.timestamp.type',
  'message.timestamp.before.max.ms',
  'message.timestamp.after.max.ms',
]);

/**
 * Looks at a topic, and makes it as it was where it is missing and `wanted` tells how. Throws KafkaError
 * `UNKNOWN_TOPIC_OR_PARTITION`, `INVALID_CONFIG`.
 */
export async function openTarget(
  cluster: Cluster,
  topic: string,
  { wanted, resume }: { wanted: Omit<ArchivedTopic, 'name'> | null; resume: boolean },
): Promise<ImportTarget> {
  let later: Readonly<Record<string, string>> = {};
  if (wanted !== null) {
    const all = Object.entries(wanted.configs);
    const now = Object.fromEntries(all.filter(([name]) => !aboutTimes.has(name)));
    const [made] = await createTopics(cluster, [{ name: topic, ...wanted, configs: now }]);
    if (made?.error && made.error.code !== 'TOPIC_ALREADY_EXISTS') throw made.error;
    const own = made?.error == null || (resume && (await hasJust(cluster, topic, now)));
    if (own) later = Object.fromEntries(all.filter(([name]) => aboutTimes.has(name)));
  }
  const info = await cluster.topic(topic, { create: false });
  const partitions = info.partitions.map((one) => one.partition);
  const latest = await listOffsets(cluster, topic, { partitions, timestamp: SpecialTime.latest });
  const ends = new Map([...latest].map(([partition, { offset }]) => [partition, offset]));
  const bytesMax = await batchBytesMax(cluster, topic);
  return { topic, partitions: partitions.length, ends, bytesMax, later };
}

/** Whether a topic has these configs and no others, as one that an interrupted import made. */
async function hasJust(
  cluster: Cluster,
  topic: string,
  wanted: Readonly<Record<string, string>>,
): Promise<boolean> {
  const entries = await describeConfigs(cluster, { type: 'topic', name: topic });
  const own = entries.filter((one) => one.source === 'topic');
  return (
    own.length === Object.keys(wanted).length &&
    own.every(({ name, value }) => Object.hasOwn(wanted, name) && wanted[name] === value)
  );
}

/** Gives a topic the configs that had to wait for its records. Throws KafkaError. */
export async function giveLater(cluster: Cluster, { topic, later }: ImportTarget): Promise<void> {
  const changes = Object.entries(later).map(([name, value]) => {
    return { name, operation: 'set', value } as const;
  });
  if (changes.length > 0) await alterConfigs(cluster, { type: 'topic', name: topic }, changes);
}

/** The record at an offset; null when there is none. */
export async function recordAt(
  cluster: Cluster,
  place: { readonly topic: string; readonly partition: number },
  offset: number,
): Promise<StoredRecord | null> {
  const { topic, partition } = place;
  const reader = new LogReader(cluster, { topic, maxWaitMs: 10, isolation: 'read_uncommitted' });
  reader.set(partition, offset);
  for await (const { records, nextOffset, endOffset } of reader.read()) {
    const found = records.find((one) => one.offset === offset);
    if (found !== undefined) return found;
    if (nextOffset > offset || nextOffset >= endOffset) return null;
  }
  return null;
}

/**
 * By `topic/partition` of the archive: the highest offset whose record is in the topic. What an import wrote lies in no
 * transaction, so what others have in theirs is passed over, and nobody waits for the end of an open one. Not all of
 * it once the signal is aborted.
 */
export async function readOrigins(
  cluster: Cluster,
  { topic, ends }: ImportTarget,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const isolation = 'read_uncommitted';
  const reader = new LogReader(cluster, { topic, isolation, ...readingOfRange() });
  const left = new Set<number>();
  for (const [partition, end] of ends) {
    if (end === 0) continue;
    reader.set(partition, 0);
    left.add(partition);
  }
  if (left.size === 0) return found;
  for await (const { partition, batches, nextOffset } of reader.read(signal)) {
    for (const { bytes } of batches) {
      if (new BatchHeader(bytes).isTransactional) continue;
      for (const { headers } of await recordsOf(bytes)) noteOrigin(found, headers);
    }
    if (nextOffset < (ends.get(partition) ?? 0)) continue;
    reader.remove(partition);
    left.delete(partition);
    if (left.size === 0) break;
  }
  return found;
}

function noteOrigin(found: Map<string, number>, headers: StoredRecord['headers']): void {
  const origin = headers.findLast((one) => one.key === ORIGIN_HEADER)?.value?.toString() ?? '';
  const match = /^(.+\/\d+)\/(\d+)$/.exec(origin);
  if (match?.[1] === undefined) return;
  found.set(match[1], Math.max(found.get(match[1]) ?? -1, Number(match[2])));
}

/** Takes the fillers before first records away. Answers what could not be done, for people; null when all could. */
export async function dropFillers(
  cluster: Cluster,
  topic: string,
  before: ReadonlyMap<number, number>,
): Promise<string | null> {
  if (before.size === 0) return null;
  try {
    await deleteRecords(cluster, topic, before);
    return null;
  } catch (error) {
    if (!(error instanceof KafkaError) || error.code !== 'POLICY_VIOLATION') throw error;
    return `${topic} is compacted, so the fillers before its first records stay until compaction takes them`;
  }
}

/** What the topic's configs will do to what is imported, for people. */
export async function configNotes(
  cluster: Cluster,
  topic: string,
  maxTimestamp: number,
): Promise<string[]> {
  const entries = await describeConfigs(cluster, { type: 'topic', name: topic });
  const configOf = (name: string) => entries.find((one) => one.name === name)?.value;
  const notes: string[] = [];
  if (configOf('message.timestamp.type') === 'LogAppendTime') {
    const text = 'gives records the time of their arrival (message.timestamp.type)';
    notes.push(`${topic} ${text}: their own times are lost`);
  }
  const retentionMs = Number(configOf('retention.ms') ?? -1);
  const kept = !(configOf('cleanup.policy') ?? 'delete').includes('delete') || retentionMs < 0;
  if (!kept && maxTimestamp >= 0 && cluster.clock.now() - maxTimestamp >= retentionMs) {
    const text = `keeps records for ${retentionMs} ms (retention.ms), and these are older`;
    notes.push(`${topic} ${text}: it will delete them`);
  }
  return notes;
}

/** Throws ArchiveError `topic_not_empty`. */
export function requireEmpty({ topic, ends }: ImportTarget): void {
  for (const [partition, end] of ends) {
    if (end === 0) continue;
    const text =
      `${topic}/${partition} holds ${end} offsets already: go on with an interrupted import with --resume, import ` +
      'into another topic with --to, or keep the old offsets in a header with --offsets header';
    throw new ArchiveError('topic_not_empty', text);
  }
}
