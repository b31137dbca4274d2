// Bugs on purpose, planted in the disk that a simulated broker gets, so that the product needs no switch for them. Each
// makes the broker break a promise in the way a real bug would; the simulation must notice.

import type { Disk } from '../../src/storage/index.ts';
import { wrapDisk, wrapFiles } from './simulation-faults.ts';

export interface Canary {
  readonly name: string;
  readonly wrap: (disk: Disk) => Disk;
  /** It must be found within so many seeds. */
  readonly seedsMax: number;
  /** Where the search begins, 1 if nothing is said: seeds that are known not to find it cost time. */
  readonly seedFirst?: number;
}

const isLog = (path: string): boolean => path.endsWith('.log') || path.endsWith('.journal');

export const canaries: readonly Canary[] = [
  {
    name: 'acknowledges before the sync: syncs of logs do nothing',
    seedsMax: 40,
    wrap: (disk) =>
      wrapFiles(disk, (file) => (isLog(file.path) ? { datasync: async () => {} } : {})),
  },
  {
    name: 'tries a failed sync again and believes it',
    seedsMax: 400,
    wrap: (disk) =>
      wrapFiles(disk, (file) => ({
        datasync: () => file.datasync().catch(() => file.datasync().catch(() => {})),
      })),
  },
  {
    name: 'recovers without rewriting what may be in the page cache alone',
    seedsMax: 400,
    seedFirst: 60,
    wrap: (disk) =>
      wrapDisk(disk, {
        rename: async (from, to) => {
          // The file as it is stays in place of its equal copy, unsynced pages and all.
          const old = from.endsWith('.rewrite') ? await disk.stat(to) : undefined;
          const equal = old !== undefined && old.bytes === (await disk.stat(from))?.bytes;
          await (equal ? disk.remove(from) : disk.rename(from, to));
        },
      }),
  },
  {
    name: 'forgets to sync directories',
    seedsMax: 100,
    wrap: (disk) => wrapDisk(disk, { syncDirectory: async () => {} }),
  },
  {
    name: 'keeps the clean-stop marker, so that a crash counts as a clean stop',
    seedsMax: 100,
    wrap: (disk) =>
      wrapDisk(disk, {
        remove: (path) => (path === 'clean-shutdown' ? Promise.resolve() : disk.remove(path)),
      }),
  },
  {
    name: 'never makes the marks durable',
    seedsMax: 400,
    seedFirst: 10,
    wrap: (disk) =>
      wrapFiles(disk, (file) =>
        file.path.startsWith('marks') ? { datasync: async () => {} } : {},
      ),
  },
  {
    name: 'takes a failed write for a good one',
    seedsMax: 400,
    wrap: (disk) =>
      wrapFiles(disk, (file) => ({
        write: (parts, position) => file.write(parts, position).catch(() => {}),
      })),
  },
];
