// How rewritten segments take the place of old ones, so that a crash at any step leaves the old log or the new one.
//
// `<base>.swap` in the log's directory says which `.cleaned` files stand for which segments:
//   1 2952031233           version, crc32c of all that follows the first line
//   0 8192 0 120 240       base offset, bytes of its log (-1: nothing is left, no file), segments it replaces
// Once this file and its name are synced the swap has happened, whatever comes: every later step can be done again,
// and the next start does so. Without it, `.cleaned` files mean nothing. They may only be removed while it is
// durably gone, and it may only be removed once all names are as it says, durably.

import { crc32c } from '../../base/crc32c.ts';
import type { Logger } from '../../base/ports.ts';
import { loadDamage, saveDamage } from '../damage/damage-file.ts';
import type { Disk } from '../disk/disk.ts';
import { deletedName, setAsideName, setAsideNumber } from '../disk/gone-name.ts';
import { directoryOf, readFileIfThere, writeSmallFile } from '../disk/small-file.ts';
import { noteCleaned } from '../metadata/cleaned-segments.ts';
import { baseOffsetOf, segmentName } from '../segment/segment.ts';
import { CLEANED_SUFFIX } from './cleaned-writer.ts';
import type { CleanedSegment } from './job.ts';

const SWAP_SUFFIX = '.swap';
/** Files that a segment may have `.cleaned` forms of; the log comes last. */
const SWAPPED_SUFFIXES = ['.index', '.timeindex', '.txnindex', '.log'] as const;
const REPLACED_SUFFIXES = ['.log', '.index', '.timeindex', '.txnindex', '.snapshot'] as const;
const NO_FILE = -1;

export interface SwapEntry {
  readonly baseOffset: number;
  /** Bytes of the new log file; -1 when there is none. */
  readonly bytes: number;
  /** Base offsets, oldest first; the first is `baseOffset`. */
  readonly replaces: readonly number[];
}

/** Where a swap takes place. */
export interface SwapPlace {
  readonly disk: Disk;
  readonly directory: string;
  readonly logger: Logger;
  /** Renames a log that is replaced out of the way, if that is worth it; false, and nothing done, else. */
  readonly setAside?: (path: string) => Promise<boolean>;
}

/** Whether a name in a log's directory is one that compaction made. */
export function isOfCompaction(name: string): boolean {
  return name.endsWith(CLEANED_SUFFIX) || name.endsWith(SWAP_SUFFIX);
}

export function swapEntries(cleaned: readonly CleanedSegment[]): SwapEntry[] {
  return cleaned.map(({ baseOffset, bytes, present, replaces }) => ({
    baseOffset,
    bytes: present ? bytes : NO_FILE,
    replaces,
  }));
}

export function encodeSwap(entries: readonly SwapEntry[]): Buffer {
  const lines = entries.map((e) => `${[e.baseOffset, e.bytes, ...e.replaces].join(' ')}\n`);
  const body = Buffer.from(lines.join(''));
  return Buffer.concat([Buffer.from(`1 ${crc32c(body)}\n`), body]);
}

/** Null for bytes that are not whole. */
export function decodeSwap(bytes: Buffer | null): SwapEntry[] | null {
  const end = bytes?.indexOf('\n') ?? -1;
  if (bytes === null || end < 0) return null;
  const body = bytes.subarray(end + 1);
  if (bytes.toString('latin1', 0, end) !== `1 ${crc32c(body)}`) return null;
  const lines = body.toString('latin1').split('\n').slice(0, -1);
  return lines.map((line) => {
    const [baseOffset = 0, size = NO_FILE, ...replaces] = line.split(' ').map(Number);
    return { baseOffset, bytes: size, replaces };
  });
}

function stemOf(directory: string, baseOffset: number): string {
  return `${directory}/${segmentName(baseOffset)}`;
}

function swapPath(directory: string, entries: readonly SwapEntry[]): string {
  return stemOf(directory, entries[0]?.baseOffset ?? 0) + SWAP_SUFFIX;
}

/** The commit point: when this resolves, the swap will be done, by us or by the next start. */
export async function commitSwap(place: SwapPlace, entries: readonly SwapEntry[]): Promise<void> {
  const { disk, directory } = place;
  await writeSmallFile(disk, swapPath(directory, entries), encodeSwap(entries));
  await disk.syncDirectory(directory);
}

/** Gives the new files their names. Answers the entries that hold now: all of them, unless files are missing. */
export async function exchangeNames(
  { disk, directory, logger, setAside }: SwapPlace,
  entries: readonly SwapEntry[],
): Promise<readonly SwapEntry[]> {
  for (const [index, { baseOffset, bytes }] of entries.entries()) {
    if (bytes === NO_FILE) continue;
    const stem = stemOf(directory, baseOffset);
    const cleaned = await disk.stat(`${stem}.log${CLEANED_SUFFIX}`);
    const size = (cleaned ?? (await disk.stat(`${stem}.log`)))?.bytes;
    // Gone altogether: done before, and since then deleted by retention.
    if (size === undefined && (await lastSetAside(disk, `${stem}.log`)) === 0) continue;
    if (size !== bytes) {
      const what = size === undefined ? 'is gone' : `has ${size}`;
      const message = `${stem}.log was to have ${bytes} bytes and ${what}: not swapped`;
      logger.error({ log: directory, segment: baseOffset }, message);
      await putBack(disk, stem);
      // A later segment may rely on what this one was to drop.
      return entries.slice(0, index);
    }
    if (cleaned === undefined) continue;
    for (const suffix of SWAPPED_SUFFIXES) {
      const path = stem + suffix;
      if ((await disk.stat(path + CLEANED_SUFFIX)) === undefined) continue;
      if (suffix === '.log') await setAside?.(path);
      await disk.rename(path + CLEANED_SUFFIX, path);
    }
  }
  return entries;
}

/**
 * A log that had been set aside when the process ended, before the new one had its name, gets it back. The indexes are
 * those of the new one by then: without any they are built anew.
 */
async function putBack(disk: Disk, stem: string): Promise<void> {
  const log = `${stem}.log`;
  if ((await disk.stat(log)) !== undefined) return;
  const number = await lastSetAside(disk, log);
  if (number === 0) return;
  for (const suffix of ['.index', '.timeindex']) await disk.remove(stem + suffix);
  await disk.rename(setAsideName(log, number), log);
}

/** The number under which a log was set aside last; 0 when it was not, or retention took what came in its place. */
async function lastSetAside(disk: Disk, log: string): Promise<number> {
  const directory = directoryOf(log);
  const paths = (await disk.list(directory)).map((name) => `${directory}/${name}`);
  if (paths.includes(deletedName(log))) return 0;
  // The numbers of a process go up.
  return Math.max(0, ...paths.map((path) => setAsideNumber(path, log)));
}

/** Removes what was replaced, and the damage noted there: the bad bytes are in quarantine. */
export async function removeReplaced(
  { disk, directory, setAside }: SwapPlace,
  entries: readonly SwapEntry[],
): Promise<void> {
  // Nothing goes before what stands for it is there for good: a disk that refuses the rest can still be read.
  await disk.syncDirectory(directory);
  const replaced = new Set<number>();
  for (const { baseOffset, bytes, replaces } of entries) {
    for (const base of replaces) {
      replaced.add(base);
      if (base === baseOffset && bytes !== NO_FILE) continue;
      const stem = stemOf(directory, base);
      await setAside?.(`${stem}.log`);
      for (const suffix of REPLACED_SUFFIXES) await disk.remove(stem + suffix);
    }
  }
  await disk.syncDirectory(directory);
  await noteCleaned(disk, directory, entries);
  const damage = await loadDamage(disk, directory);
  const left = damage.filter((range) => !replaced.has(range.segmentBaseOffset));
  if (left.length < damage.length) await saveDamage(disk, directory, left);
}

/** The last step: durably forgets the swap, so that `.cleaned` files of a later pass are not taken for its own. */
export async function forgetSwap(place: SwapPlace, entries: readonly SwapEntry[]): Promise<void> {
  await place.disk.remove(swapPath(place.directory, entries));
  await place.disk.syncDirectory(place.directory);
}

/** Removes `.cleaned` files of a pass that is not to count. There must be no swap file. */
export async function removeCleaned(disk: Disk, directory: string): Promise<void> {
  for (const name of await disk.list(directory)) {
    if (name.endsWith(CLEANED_SUFFIX)) await disk.remove(`${directory}/${name}`);
  }
}

/** What an opening log does first: ends a swap that was committed, removes what was not. */
export async function settleSwap(place: SwapPlace): Promise<void> {
  const { disk, directory, logger } = place;
  for (const name of await disk.list(directory)) {
    if (baseOffsetOf(name, SWAP_SUFFIX) < 0) continue;
    // Must be read if it is there: a swap that is half done and forgotten would lose segments.
    const entries = decodeSwap(await readFileIfThere(disk, `${directory}/${name}`));
    if (entries !== null) {
      logger.info({ log: directory }, `a swap of compacted segments in ${directory} is finished`);
      const held = await exchangeNames(place, entries);
      await removeReplaced(place, held);
    }
    await disk.remove(`${directory}/${name}`);
    await disk.syncDirectory(directory);
  }
  await removeCleaned(disk, directory);
}
