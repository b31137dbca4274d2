// The topics that an import writes: made where they are missing, looked at where they are not.

import { KafkaError } from '../../src/base/kafka-errors.ts';
import {
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
}

/**
 * Looks at a topic, and makes it as it was where it is missing and `wanted` tells how. Throws KafkaError
 * `UNKNOWN_TOPIC_OR_PARTITION`, `INVALID_CONFIG`.
 */
export async function openTarget(
  cluster: Cluster,
  topic: string,
  wanted: Omit<ArchivedTopic, 'name'> | null,
): Promise<ImportTarget> {
  if (wanted !== null) {
    const [made] = await createTopics(cluster, [{ name: topic, ...wanted }]);
    if (made?.error && made.error.code !== 'TOPIC_ALREADY_EXISTS') throw made.error;
  }
  const info = await cluster.topic(topic, { create: false });
  const partitions = info.partitions.map((one) => one.partition);
  const latest = await listOffsets(cluster, topic, { partitions, timestamp: SpecialTime.latest });
  const ends = new Map([...latest].map(([partition, { offset }]) => [partition, offset]));
  const bytesMax = await batchBytesMax(cluster, topic);
  return { topic, partitions: partitions.length, ends, bytesMax };
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

/** Says when retention would take what is being imported. */
export async function retentionNote(
  cluster: Cluster,
  topic: string,
  maxTimestamp: number,
): Promise<string | null> {
  const entries = await describeConfigs(cluster, { type: 'topic', name: topic });
  const configOf = (name: string) => entries.find((one) => one.name === name)?.value;
  const retentionMs = Number(configOf('retention.ms') ?? -1);
  const kept = !(configOf('cleanup.policy') ?? 'delete').includes('delete') || retentionMs < 0;
  if (kept || maxTimestamp < 0 || cluster.clock.now() - maxTimestamp < retentionMs) return null;
  return `${topic} keeps records for ${retentionMs} ms (retention.ms), and these are older: it will delete them`;
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
