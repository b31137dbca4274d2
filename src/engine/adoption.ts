// Compares the directories on disk with the catalogue at the start: directories of deleted topics
// go, topics that the catalogue lost come back, and what nobody can account for is reported and
// left alone.

import { type Disk, DiskError } from '../storage/index.ts';
import { type CatalogueRecord, type CatalogueState, topicRecord } from './catalogue-state.ts';
import type { Topic } from './contract.ts';
import type { TopicConfigs } from './kafka-remains.ts';
import { forEachLimited } from './limited.ts';
import { isInternalTopic, parsePartitionDirectory } from './topic-names.ts';

/** A directory that looks like a partition's. */
export interface FoundDirectory {
  readonly directory: string;
  readonly topic: string;
  readonly index: number;
  /** From `partition.metadata`; null when that is missing or unreadable. */
  readonly topicId: string | null;
  /** The store moved it out of the way of a topic with the same name: its index is -1. */
  readonly stray?: true;
}

/** Names that the store gives to directories of other topics than the one it opens. */
const STRAY_DIRECTORY = /^(.+)\.[0-9a-f]{32}-stray$/;

export interface AdoptionPlan {
  /** Topics that the catalogue does not know (any more), and partitions of known ones. */
  readonly records: readonly CatalogueRecord[];
  readonly adopted: readonly Topic[];
  /** Directories of deleted topics. */
  readonly remove: readonly string[];
  /** Deleted topics of which nothing is left once `remove` is done. */
  readonly purged: readonly string[];
  readonly strays: readonly { readonly directory: string; readonly reason: string }[];
}

/** The log of Kafka's controller, in a directory that was Kafka's: no topic of anybody's. */
const CONTROLLER_TOPIC = '__cluster_metadata';

/** Directories read at a time. */
const READING_MAX = 16;
const METADATA_BYTES_MAX = 4096;

/**
 * The partition directories of the data directory, but for those that `known` accounts for: reading
 * the metadata of thousands at each start would take seconds. Throws DiskError when the data
 * directory cannot be listed.
 */
export async function findPartitionDirectories(
  disk: Disk,
  known: (topic: string, index: number) => boolean,
): Promise<readonly FoundDirectory[]> {
  const found: FoundDirectory[] = [];
  await forEachLimited(await disk.list('.'), READING_MAX, async (name) => {
    const stray = STRAY_DIRECTORY.exec(name);
    if (stray?.[1] !== undefined) {
      const topicId = await readTopicId(disk, name);
      found.push({ directory: name, topic: stray[1], index: -1, topicId, stray: true });
      return;
    }
    const parsed = parsePartitionDirectory(name);
    if (parsed === null || parsed.topic === CONTROLLER_TOPIC) return;
    if (known(parsed.topic, parsed.index)) return;
    found.push({ directory: name, ...parsed, topicId: await readTopicId(disk, name) });
  });
  return found.sort((a, b) => (a.directory < b.directory ? -1 : 1));
}

/**
 * Whether a directory can be taken for what its name says, unread: its topic and partition are in
 * the catalogue, and no deleted topic may have left it (the log checks the topic id once more).
 */
export function accountedFor(state: CatalogueState): (topic: string, index: number) => boolean {
  if (state.deleted.size > 0) return () => false;
  const counts = new Map<string, number>();
  for (const { name, partitionCount } of state.topics.values()) counts.set(name, partitionCount);
  return (topic, index) => index < (counts.get(topic) ?? 0);
}

/**
 * Kafka's `partition.metadata`: `version: 0`, then `topic_id: ` and 22 characters. Null when it is
 * missing, is something else, or the disk will not read it: whose directory it is, is then unknown.
 */
export async function readTopicId(disk: Disk, directory: string): Promise<string | null> {
  try {
    const file = await disk.open(`${directory}/partition.metadata`, 'read');
    try {
      const bytes = Buffer.alloc(Math.min(await file.size(), METADATA_BYTES_MAX));
      await file.read(bytes, 0);
      const match = /^version: 0\s+topic_id: ([A-Za-z0-9_-]{22})\s*$/.exec(
        bytes.toString('latin1'),
      );
      return match?.[1] ?? null;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof DiskError) return null;
    throw error;
  }
}

/** What is to be done about the directories found; `configs` is what is known of lost topics'. Pure. */
export function planAdoption(
  found: readonly FoundDirectory[],
  state: CatalogueState,
  nowMs: number,
  configs: TopicConfigs = new Map(),
): AdoptionPlan {
  const records: CatalogueRecord[] = [];
  const adopted: Topic[] = [];
  const remove: string[] = [];
  const strays: { directory: string; reason: string }[] = [];
  const names = new Map([...state.topics.values()].map((topic) => [topic.name, topic]));
  for (const { directory, topicId } of found.filter((item) => item.stray)) {
    if (topicId !== null && state.deleted.has(topicId)) remove.push(directory);
    else strays.push({ directory, reason: 'a topic of the same name took its place' });
  }
  const own = found.filter((item) => !item.stray);
  for (const [id, group] of groupById(own, names, strays)) {
    if (state.deleted.has(id)) {
      remove.push(...group.map((item) => item.directory));
      continue;
    }
    const count = 1 + Math.max(...group.map((item) => item.index));
    const name = group[0]?.topic ?? '';
    const known = names.get(name);
    if (known === undefined) {
      const topic = adoptedTopic({ name, id, partitionCount: count, createdMs: nowMs }, configs);
      names.set(name, topic);
      adopted.push(topic);
      records.push(topicRecord(topic));
    } else if (known.id !== id) {
      const reason = `it belongs to topic id ${id}, but ${name} is ${known.id}`;
      strays.push(...group.map((item) => ({ directory: item.directory, reason })));
    } else if (count > known.partitionCount) {
      records.push({ kind: 'topic-grown', id, partitionCount: count });
    }
  }
  // A directory that cannot be told apart may be a deleted topic's: it stays deleted.
  const unknown = strays.some((stray) =>
    found.some((item) => item.topicId === null && item.directory === stray.directory),
  );
  return { records, adopted, remove, purged: unknown ? [] : [...state.deleted], strays };
}

/**
 * Directories by topic id, the ids with most directories first; ones without an id go to the
 * strays.
 */
function groupById(
  found: readonly FoundDirectory[],
  names: ReadonlyMap<string, Topic>,
  strays: { directory: string; reason: string }[],
): [string, FoundDirectory[]][] {
  const groups = new Map<string, FoundDirectory[]>();
  for (const item of found) {
    if (item.topicId === null) {
      // A crash while a partition was made leaves one of these; its log puts that right.
      const topic = names.get(item.topic);
      if (topic !== undefined && item.index < topic.partitionCount) continue;
      const reason = 'its partition.metadata is missing or unreadable';
      strays.push({ directory: item.directory, reason });
      continue;
    }
    const group = groups.get(item.topicId);
    if (group === undefined) groups.set(item.topicId, [item]);
    else if (group[0]?.topic === item.topic) group.push(item);
    else {
      const reason = `topic id ${item.topicId} is also that of ${group[0]?.directory}`;
      strays.push({ directory: item.directory, reason });
    }
  }
  return [...groups].sort((a, b) => b[1].length - a[1].length);
}

/**
 * A topic whose configs are lost, but for those that are known. Until somebody says how long it keeps
 * its records nothing of it may be deleted, so it keeps everything.
 */
function adoptedTopic(
  topic: Pick<Topic, 'name' | 'id' | 'partitionCount' | 'createdMs'>,
  known: TopicConfigs,
): Topic {
  const internal = isInternalTopic(topic.name);
  const safe: [string, string][] = internal
    ? [['cleanup.policy', 'compact']]
    : [
        ['retention.ms', '-1'],
        ['retention.bytes', '-1'],
      ];
  return { ...topic, internal, configs: new Map([...safe, ...(known.get(topic.name) ?? [])]) };
}
