// Sets bad bytes aside: `<data>/quarantine/<log>/<segment>-<position>-<time>.bin`, with a report beside it. Nothing in
// there is ever read again by us; it is kept for people.

import type { Clock } from '../../base/ports.ts';
import type { Disk, DiskFile } from '../disk/disk.ts';
import { replaceFile } from '../disk/small-file.ts';
import { withScanMemory } from '../scan/scan-memory.ts';
import { segmentName } from '../segment/segment.ts';

export const QUARANTINE_DIRECTORY = 'quarantine';

export interface Quarantined {
  readonly log: string;
  readonly segmentBaseOffset: number;
  readonly position: number;
  readonly bytes: number;
  readonly firstOffset: number;
  /** Inclusive; null where it is not known what the bytes held. */
  readonly lastOffset: number | null;
  readonly why: string;
}

/** Copies a stretch of a segment, durably, before it is cut or skipped. Answers the copy's path. */
export async function setAside(
  disk: Disk,
  clock: Clock,
  file: DiskFile,
  what: Quarantined,
): Promise<string> {
  const directory = `${QUARANTINE_DIRECTORY}/${what.log}`;
  await disk.makeDirectory(directory);
  const name = `${segmentName(what.segmentBaseOffset)}-${what.position}-${clock.now()}`;
  const path = `${directory}/${name}.bin`;
  await copyRange(disk, file, { from: what.position, bytes: what.bytes, path });
  const report = `${JSON.stringify({ ...what, copy: path, atMs: clock.now() }, null, 2)}\n`;
  await replaceFile(disk, `${directory}/${name}.json`, Buffer.from(report));
  await disk.syncDirectory(QUARANTINE_DIRECTORY);
  await disk.syncDirectory('.');
  return path;
}

/** Copies part of a file into a new file and syncs that; the new name still needs a sync of its directory. */
export async function copyRange(
  disk: Disk,
  from: DiskFile,
  range: { readonly from: number; readonly bytes: number; readonly path: string },
): Promise<void> {
  const to = await disk.open(range.path, 'create');
  try {
    await to.truncate(0);
    await withScanMemory(async (chunk) => {
      for (let at = 0; at < range.bytes; ) {
        const want = Math.min(chunk.length, range.bytes - at);
        const count = await from.read(chunk.subarray(0, want), range.from + at);
        if (count === 0) break;
        await to.write([chunk.subarray(0, count)], at);
        at += count;
      }
    });
    await to.datasync();
  } finally {
    await to.close();
  }
}
