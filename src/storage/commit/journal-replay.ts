// What a start does with a journal that the last run left: writes its batches into the segments again, syncs these,
// and removes the journal. Done before any log is opened; doing it twice changes nothing. What the disk refuses is
// tried again when its log is opened, and the journal is kept until then, among the older files of the new one
// (journal.ts): what it holds of each log is void before that log is opened and moves on.

import type { Logger } from '../../base/ports.ts';
import type { Disk, DiskFile } from '../disk/disk.ts';
import { parseLogIdentity } from '../metadata/log-identity.ts';
import { readTopicId } from '../metadata/metadata-file.ts';
import { segmentName } from '../segment/segment.ts';
import { Slots } from '../slots.ts';
import { Generation } from './journal-files.ts';
import {
  ENTRY_KIND,
  hasJournalHeader,
  JOURNAL_DIRECTORY,
  JOURNAL_HEADER_BYTES,
  parseJournal,
  type ReplayEntry,
} from './journal-format.ts';

/** Logs written back at the same time: each waits for a sync of its own. */
const REPLAYING_MAX = 16;

export interface ReplayResult {
  /** The files, oldest first, if they are kept: held by each log that could not be written back. */
  readonly kept: readonly Generation[];
  readonly nextGeneration: number;
}

/** Throws JournalVersionError where a journal file is not ours to read, and DiskError. Changes nothing. */
export async function checkJournal(disk: Disk): Promise<void> {
  for (const path of (await journalNames(disk)).map(pathOf)) {
    hasJournalHeader(await read(disk, path, JOURNAL_HEADER_BYTES), path);
  }
}

/**
 * Replays all journal files, and removes them unless a log could not be written back. Throws DiskError only when the
 * journal directory cannot be made, read or emptied.
 */
export async function replayJournal(disk: Disk, logger: Logger): Promise<ReplayResult> {
  await disk.makeDirectory(JOURNAL_DIRECTORY);
  await disk.syncDirectory('.');
  // A file that a killed start removed must not come back by a power cut: its bytes would go into logs that moved on.
  await disk.syncDirectory(JOURNAL_DIRECTORY);
  const names = await journalNames(disk);
  const newest = names.at(-1);
  const nextGeneration = newest === undefined ? 1 : Number(newest.slice(0, 20)) + 1;
  const live = liveEntries(await readEntries(disk, names.map(pathOf)));
  const blocked = await apply(disk, logger, live);
  if (blocked.length > 0)
    return { kept: keptGenerations(names, live.keys(), blocked), nextGeneration };
  await removeAll(disk, names);
  return { kept: [], nextGeneration };
}

/** The files as the new journal sees them; each as long as those before it, whose entries it may void. */
function keptGenerations(
  names: readonly string[],
  keys: Iterable<string>,
  blocked: readonly string[],
): Generation[] {
  const generations: Generation[] = [];
  const all = [...keys];
  for (const name of names) {
    const generation = new Generation(pathOf(name));
    generation.checkpointed = true;
    for (const key of all) generation.names.add(key);
    for (const key of blocked) generation.heldBy.add(key);
    for (const older of generations) generation.voids.add(older);
    generations.push(generation);
  }
  return generations;
}

/** Writes what journal files hold of one log into its segments again, and syncs these. Throws DiskError. */
export async function writeBack(disk: Disk, paths: readonly string[], key: string): Promise<void> {
  const entries = liveEntries(await readEntries(disk, paths)).get(key) ?? [];
  await replayLog(disk, parseLogIdentity(key).name, entries);
}

/** Files with entries, oldest first; none where there is no journal. */
async function journalNames(disk: Disk): Promise<string[]> {
  return (await disk.list(JOURNAL_DIRECTORY)).filter((name) => /^\d{20}\.journal$/.test(name));
}

function pathOf(name: string): string {
  return `${JOURNAL_DIRECTORY}/${name}`;
}

async function readEntries(disk: Disk, paths: readonly string[]): Promise<ReplayEntry[]> {
  const entries: ReplayEntry[] = [];
  for (const path of paths) {
    for (const entry of parseJournal(await read(disk, path), path)) entries.push(entry);
  }
  return entries;
}

/** The file, or its beginning. */
async function read(
  disk: Disk,
  path: string,
  bytesMax = Number.POSITIVE_INFINITY,
): Promise<Buffer> {
  const file = await disk.open(path, 'read');
  try {
    const bytes = Buffer.allocUnsafe(Math.min(bytesMax, await file.size()));
    return bytes.subarray(0, await file.read(bytes, 0));
  } finally {
    await file.close();
  }
}

/** Batches that no later `forget` voids, by log. */
function liveEntries(entries: readonly ReplayEntry[]): Map<string, ReplayEntry[]> {
  const live = new Map<string, ReplayEntry[]>();
  for (const entry of entries) {
    if (entry.kind === ENTRY_KIND.forget) live.delete(entry.key);
    if (entry.kind !== ENTRY_KIND.batches) continue;
    const list = live.get(entry.key);
    if (list === undefined) live.set(entry.key, [entry]);
    else list.push(entry);
  }
  return live;
}

/** Writes the entries back; the keys of the logs whose segments the disk refused to write. */
async function apply(
  disk: Disk,
  logger: Logger,
  live: Map<string, ReplayEntry[]>,
): Promise<string[]> {
  const blocked: string[] = [];
  const slots = new Slots(REPLAYING_MAX);
  const replay = async (key: string, entries: readonly ReplayEntry[]): Promise<void> => {
    const { topicId, name } = parseLogIdentity(key);
    // The name came from a file: it must not lead out of the data directory.
    if (topicId === '' || name.includes('/') || name.startsWith('.')) return;
    // Of another topic: made after these entries. Without readable metadata it is taken for what its name says.
    const found = await readTopicId(disk, name);
    if (found !== null && found !== topicId) return;
    try {
      await replayLog(disk, name, entries);
    } catch (error) {
      const { message } = error as Error;
      logger.error({ log: name, error: message }, `the journal of ${name} could not be replayed`);
      blocked.push(key);
    }
  };
  await Promise.all(Array.from(live, ([key, entries]) => slots.run(() => replay(key, entries))));
  return blocked;
}

async function replayLog(disk: Disk, name: string, entries: readonly ReplayEntry[]): Promise<void> {
  const files = new Map<number, DiskFile | null>();
  try {
    for (const { segmentBase, position, data } of entries) {
      let file = files.get(segmentBase);
      if (file === undefined) {
        file = await openSegment(disk, `${name}/${segmentName(segmentBase)}.log`);
        files.set(segmentBase, file);
      }
      // A segment that is gone was deleted by retention: its name was durable before its bytes were journaled.
      if (file !== null) await file.write([data], position);
    }
    for (const file of files.values()) await file?.datasync();
  } finally {
    for (const file of files.values()) await file?.close();
  }
}

async function openSegment(disk: Disk, path: string): Promise<DiskFile | null> {
  return (await disk.stat(path)) === undefined ? null : disk.open(path, 'write');
}

/** Oldest first, each removal durable before the next: a later file may void entries of an earlier one. */
async function removeAll(disk: Disk, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await disk.remove(pathOf(name));
    await disk.syncDirectory(JOURNAL_DIRECTORY);
  }
}
