// `damaged-ranges`: stretches of a log that were found bad below the mark, kept so that later starts skip them too
// without scanning:
//   0                      version
//   1                      entries
//   120 124 0 8192 700     first offset, last offset, segment base offset, position, bytes

import type { DamagedRange } from '../contract.ts';
import type { Disk } from '../disk/disk.ts';
import { readSmallFile, replaceFile } from '../disk/small-file.ts';

export const DAMAGE_FILE = 'damaged-ranges';

/** What the file says; nothing when it is missing or unreadable (a scan finds the damage again). */
export async function loadDamage(disk: Disk, directory: string): Promise<DamagedRange[]> {
  const bytes = await readSmallFile(disk, `${directory}/${DAMAGE_FILE}`);
  if (bytes === null) return [];
  const lines = bytes.toString('latin1').split('\n');
  if (lines[0] !== '0') return [];
  const ranges: DamagedRange[] = [];
  for (const line of lines.slice(2)) {
    const fields = line.split(' ').map(Number);
    if (fields.length !== 5 || !fields.every(Number.isSafeInteger)) continue;
    const [firstOffset, lastOffset, segmentBaseOffset, position, count] = fields as Five;
    ranges.push({ firstOffset, lastOffset, segmentBaseOffset, position, bytes: count });
  }
  return ranges;
}

type Five = [number, number, number, number, number];

/** Replaces the file, durably. */
export async function saveDamage(
  disk: Disk,
  directory: string,
  ranges: readonly DamagedRange[],
): Promise<void> {
  const lines = ranges.map(
    (r) => `${r.firstOffset} ${r.lastOffset} ${r.segmentBaseOffset} ${r.position} ${r.bytes}\n`,
  );
  const text = `0\n${lines.length}\n${lines.join('')}`;
  await replaceFile(disk, `${directory}/${DAMAGE_FILE}`, Buffer.from(text));
}
