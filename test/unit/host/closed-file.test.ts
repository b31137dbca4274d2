// The system gives the number of a closed descriptor to the next file: who still has the old one must not reach that.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { nativeIoOrNull } from '../../../src/host/native-io.ts';
import { NodeDisk } from '../../../src/host/node-disk.ts';

test('a file that is closed reads, writes and closes nothing any more', async () => {
  const root = mkdtempSync(join(tmpdir(), 'closed-file-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const disk = new NodeDisk(root, nativeIoOrNull());
  const old = await disk.open('old', 'create');
  const { descriptor } = old;
  await old.write([Buffer.from('old')], 0);
  await old.close();
  // The lowest free number is given first, and other tests of the process may have left lower ones.
  let next = await disk.open('next', 'create');
  const others = [];
  while (next.descriptor !== descriptor && others.length < 50) {
    others.push(next);
    next = await disk.open('next', 'create');
  }
  expect(next.descriptor).toBe(descriptor);
  await next.write([Buffer.from('next')], 0);

  expect(old.descriptor).toBeNull();
  const into = Buffer.alloc(4);
  const refused = { code: 'io_error', message: expect.stringContaining('closed') as unknown };
  await expect(old.write([Buffer.from('lost')], 0)).rejects.toMatchObject(refused);
  await expect(old.read(into, 0)).rejects.toMatchObject(refused);
  await expect(old.datasync()).rejects.toMatchObject(refused);
  await expect(old.truncate(0)).rejects.toMatchObject(refused);
  await expect(old.size()).rejects.toMatchObject(refused);
  expect(() => old.writeNow?.([Buffer.from('lost')], 0)).toThrow('closed');
  expect(old.isCached?.(0, 4)).toBe(false);
  expect(old.readNow?.(into, 0)).toBe(-1);
  await old.close();

  await next.write([Buffer.from('!')], 4);
  for (const file of [next, ...others]) await file.close();
  expect(readFileSync(join(root, 'next'), 'utf8')).toBe('next!');
});
