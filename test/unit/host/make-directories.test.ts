import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeDirectories } from '../../../src/host/make-directories.ts';

const root = mkdtempSync(join(tmpdir(), 'tidemark-mkdir-'));

test('missing parents are made, and what is there stays', async () => {
  await makeDirectories(join(root, 'a', 'b', 'c'));
  await makeDirectories(join(root, 'a', 'b', 'c'));
  expect(statSync(join(root, 'a', 'b', 'c')).isDirectory()).toBe(true);
});

test('a file in the way is refused', async () => {
  writeFileSync(join(root, 'file'), '');
  await expect(makeDirectories(join(root, 'file', 'below'))).rejects.toMatchObject({
    code: 'ENOTDIR',
  });
});

test.skipIf(!existsSync('/proc/self'))(
  'where nothing can be made it fails instead of trying for ever',
  async () => {
    await expect(makeDirectories('/proc/tidemark/data')).rejects.toMatchObject({ code: 'ENOENT' });
    rmSync(root, { recursive: true, force: true });
  },
);
