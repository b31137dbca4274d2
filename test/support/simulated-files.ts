// Files and directories of the simulated disk: what programs see, and what is on the platter.

import type { SeededRandom } from '../../src/base/seeded-random.ts';

export const SECTOR = 512;

export class FileNode {
  readonly kind = 'file';
  data: Buffer = Buffer.alloc(0);
  length = 0;
  platter: Buffer = Buffer.alloc(0);
  platterLength = 0;
  readonly dirty = new Set<number>();
  /** Sectors that a failed sync left behind: clean in name only. */
  readonly stale = new Set<number>();
  /** Sectors that syncs under way took over from the dirty ones. */
  readonly flying = new Set<Set<number>>();
}

interface Change {
  readonly order: number;
  readonly apply: (entries: Map<string, TreeNode>) => void;
}

export class DirectoryNode {
  readonly kind = 'directory';
  readonly entries = new Map<string, TreeNode>();
  platter = new Map<string, TreeNode>();
  pending: Change[] = [];
  changes = 0;
  synced = 0;

  change(apply: Change['apply']): void {
    apply(this.entries);
    this.pending.push({ order: this.changes++, apply });
  }

  /** Every change made before `until` is on the platter, and with it `entries` as they were then. */
  settle(until: number, entries: Map<string, TreeNode>): void {
    if (until < this.synced) return;
    this.synced = until;
    this.platter = entries;
    this.pending = this.pending.filter(({ order }) => order >= until);
  }
}

export type TreeNode = FileNode | DirectoryNode;

/** The buffer, or a larger copy that holds `length` bytes. */
export function grown(buffer: Buffer, length: number): Buffer {
  if (buffer.length >= length) return buffer;
  const bigger = Buffer.alloc(Math.max(length, buffer.length * 2, 4096));
  buffer.copy(bigger);
  return bigger;
}

/** What is left of a file after a power loss. */
export function survivingFile(file: FileNode, random: SeededRandom): FileNode {
  const survivor = new FileNode();
  const grew = file.length !== file.platterLength;
  const length = grew && random.chance(0.5) ? file.platterLength : file.length;
  const data = Buffer.alloc(length);
  file.platter.copy(data, 0, 0, Math.min(file.platterLength, length));
  for (const [sectors, chance] of [
    [file.dirty, 0.5],
    ...[...file.flying].map((sectors) => [sectors, 0.5] as const),
    [file.stale, 0.2],
  ] as const) {
    for (const sector of sectors) {
      if (!random.chance(chance)) continue;
      const end = Math.min((sector + 1) * SECTOR, length, file.length);
      if (end > sector * SECTOR) file.data.copy(data, sector * SECTOR, sector * SECTOR, end);
    }
  }
  survivor.data = data;
  survivor.length = length;
  survivor.platter = Buffer.from(data);
  survivor.platterLength = length;
  return survivor;
}
