import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NodeDisk } from '../../../src/host/node-disk.ts';

test('a data directory that was moved away is not made again behind the back of the broker', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'tidemark-moved-'));
  const root = join(parent, 'data');
  try {
    const disk = new NodeDisk(root);
    await disk.makeDirectory('.');
    await disk.makeDirectory('topic-0');
    renameSync(root, join(parent, 'elsewhere'));
    await expect(disk.makeDirectory('topic-1')).rejects.toMatchObject({ code: 'not_found' });
    expect(existsSync(root)).toBe(false);
    // A start does make it.
    await disk.makeDirectory('.');
    await disk.makeDirectory('topic-1');
    expect(existsSync(join(root, 'topic-1'))).toBe(true);
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
});
