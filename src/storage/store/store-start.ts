// How a data directory was left, and the marks with which a start begins.

import { crc32c } from '../../base/crc32c.ts';
import type { Logger } from '../../base/ports.ts';
import type { IntegrityStats } from '../contract.ts';
import { type Disk, DiskError } from '../disk/disk.ts';
import { readSmallFile } from '../disk/small-file.ts';
import { loadMarks, MARKS_FILE, MarkTable, type MarkTableOptions } from '../metadata/marks.ts';
import type { Mark } from '../metadata/marks-format.ts';

export const CLEAN_FILE = 'clean-shutdown';

/** Whether the last run wrote the marker, and the marks are those it wrote. */
export async function readCleanMarker(disk: Disk): Promise<boolean> {
  const marker = await readSmallFile(disk, CLEAN_FILE);
  const marks = await readSmallFile(disk, MARKS_FILE);
  if (marker === null || marks === null) return false;
  return marker.toString('latin1') === cleanMarker(marks);
}

/** The same, and the marker is gone: a crash from here on is a crash. Throws DiskError. */
export async function takeCleanMarker(disk: Disk): Promise<boolean> {
  const clean = await readCleanMarker(disk);
  await disk.remove(CLEAN_FILE);
  await disk.syncDirectory('.');
  return clean;
}

/** What the clean-shutdown marker says beside these marks. */
export function cleanMarker(marks: Buffer): string {
  return `version: 1\nmarks: ${marks.length} ${crc32c(marks)}\n`;
}

/** The marks of the last run, made durable. Throws DiskError when they cannot be read. */
export async function openMarks(
  options: Omit<MarkTableOptions, 'loaded'> & { readonly clean: boolean; readonly isNew: boolean },
): Promise<MarkTable> {
  const { disk, logger, clean, isNew } = options;
  const loaded = await loadMarks(disk);
  // Refused is not lost: it may pass, and starting without the marks would forget what was deleted.
  if (loaded.refused !== null) throw loaded.refused;
  const known = clean ? loaded.marks : unclean(loaded.marks);
  const marks = new MarkTable({
    ...options,
    loaded: { marks: known, lost: loaded.lost && !isNew, refused: null },
  });
  // After a kill, what we read may be in the page cache alone: it is made durable before anyone acts on it. And
  // from now on a missing file means that it was lost, never that it was not written yet.
  if (!marks.lost) await renewMarks(marks, logger);
  return marks;
}

/**
 * A full disk keeps nobody from reading. The marks are in memory and written as soon as there is room; should power
 * fail before that, an older mark than the one we act on only makes more of a log count as not committed yet.
 */
async function renewMarks(marks: MarkTable, logger: Logger): Promise<void> {
  try {
    await marks.rewrite();
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'disk_full') {
      await marks.close();
      throw error;
    }
    logger.error({ error: error.message }, `the marks could not be written: ${error.message}`);
  }
}

function unclean(marks: ReadonlyMap<string, Mark>): Map<string, Mark> {
  return new Map([...marks].map(([name, mark]) => [name, { ...mark, clean: false }]));
}

/** Counters at zero. */
export function newIntegrityStats(): IntegrityStats {
  return {
    verifiedBytes: 0,
    scrubbedBytes: 0,
    scrubPasses: 0,
    damagedRanges: 0,
    damagedOffsets: 0,
  };
}
