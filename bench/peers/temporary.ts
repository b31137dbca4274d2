// Folders that do not stay: gone when they are no longer needed, at the latest when this process ends.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const left = new Set<string>();

/** A new folder on the disk that is measured. */
export function temporaryFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  left.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  // A process that was killed just now may still be making files.
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  left.delete(folder);
}

/** Where a run is ended in the middle, its data goes too: gigabytes of it. */
export function removeAllFolders(): void {
  for (const folder of left) {
    try {
      removeFolder(folder);
    } catch (error) {
      process.stderr.write(`${folder} stays: ${String(error)}\n`);
    }
  }
}
