import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { prepareDataDirectory } from '../../../src/host/data-directory.ts';

const root = mkdtempSync(join(tmpdir(), 'tidemark-directory-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function kafkaDirectory(name: string): string {
  const directory = join(root, name);
  mkdirSync(directory);
  writeFileSync(join(directory, 'meta.properties'), '#\nversion=1\ncluster.id=abc-123\n');
  return directory;
}

describe('a data directory before it is opened', () => {
  test('is made with its parents', async () => {
    await prepareDataDirectory(join(root, 'a', 'b'), false);
    expect(existsSync(join(root, 'a', 'b'))).toBe(true);
  });

  test('is refused when it is a file, or below one', async () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    for (const path of [file, join(file, 'below')]) {
      await expect(prepareDataDirectory(path, false)).rejects.toMatchObject({
        code: 'data_directory_unusable',
        message: expect.stringMatching(/cannot be used: (it is a file|a part of the path)/),
      });
    }
  });

  test.skipIf(process.getuid?.() === 0)('is refused when it cannot be written', async () => {
    const directory = join(root, 'read-only');
    mkdirSync(directory);
    chmodSync(directory, 0o500);
    await expect(prepareDataDirectory(directory, false)).rejects.toMatchObject({
      code: 'data_directory_unusable',
      message: expect.stringContaining('may not write'),
    });
  });

  test("is refused when it is Kafka's, unless that is asked for or it is ours by now", async () => {
    const directory = kafkaDirectory('kafka');
    await expect(prepareDataDirectory(directory, false)).rejects.toMatchObject({
      code: 'data_directory_foreign',
      message: expect.stringContaining('cluster abc-123'),
    });
    await prepareDataDirectory(directory, true);
    mkdirSync(join(directory, 'catalogue'));
    await prepareDataDirectory(directory, false);
  });

  test('is refused, and not made, where something is to be taken over and nothing is there', async () => {
    const missing = join(root, 'mistyped');
    const empty = join(root, 'empty');
    mkdirSync(empty);
    for (const path of [missing, empty]) {
      await expect(prepareDataDirectory(path, true)).rejects.toMatchObject({
        code: 'data_directory_unusable',
        message: expect.stringContaining('nothing in it to take over'),
      });
    }
    expect(existsSync(missing)).toBe(false);
  });
});
