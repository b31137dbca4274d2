import { linkSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { NodeDisk } from '../../../../src/host/node-disk.ts';
import { DiskError, MemoryDisk } from '../../../../src/storage/index.ts';
import { diskSuite } from '../../../storage-suite/disk-suite.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

diskSuite('memory', () => new MemoryDisk());
diskSuite('simulated', () => new SimulatedDisk({ seed: 1 }));
diskSuite('node', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-disk-'));
  directories.push(directory);
  return new NodeDisk(directory);
});

test('the node disk tells how many names a file has', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-disk-'));
  directories.push(directory);
  const disk = new NodeDisk(directory);
  await (await disk.open('f', 'create')).close();
  expect(await disk.stat('f')).toMatchObject({ links: 1 });
  linkSync(join(directory, 'f'), join(directory, 'backup'));
  expect(await disk.stat('f')).toMatchObject({ links: 2 });
});

async function write(disk: SimulatedDisk, text: string, sync: boolean): Promise<void> {
  const file = await disk.open('f', 'create');
  await file.write([Buffer.from(text)], 0);
  if (sync) await file.datasync();
}

test('the simulated disk keeps what was synced, and loses the rest for some seeds', async () => {
  const left = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const disk = new SimulatedDisk({ seed });
    await write(disk, 'synced', true);
    await disk.syncDirectory('.');
    await write(disk, 'SYNCED and more', false);
    const after = disk.crash();
    const file = await after.open('f', 'read');
    const bytes = Buffer.alloc(await file.size());
    await file.read(bytes, 0);
    left.add(bytes.toString('latin1'));
  }
  expect([...left].sort()).toEqual([
    'SYNCED',
    'SYNCED and more',
    'synced',
    'synced\0\0\0\0\0\0\0\0\0',
  ]);
});

test('the simulated disk loses names that no directory sync covered, for some seeds', async () => {
  const sizes = new Set<number>();
  for (let seed = 0; seed < 20; seed++) {
    const disk = new SimulatedDisk({ seed });
    await write(disk, 'synced', true);
    sizes.add((await disk.crash().list('.')).length);
  }
  expect([...sizes].sort()).toEqual([0, 1]);
});

test('after a failed sync, a second one succeeds and saves nothing', async () => {
  let lost = 0;
  for (let seed = 0; seed < 20; seed++) {
    const disk = new SimulatedDisk({ seed });
    const file = await disk.open('f', 'create');
    await disk.syncDirectory('.');
    await file.write([Buffer.from('text')], 0);
    disk.hook = (operation, path) => {
      if (operation === 'sync') throw new DiskError('io_error', path, 'no');
    };
    await expect(file.datasync()).rejects.toMatchObject({ code: 'io_error' });
    disk.hook = () => {};
    await file.datasync();
    const bytes = Buffer.alloc(4);
    const after = await disk.crash().open('f', 'read');
    await after.read(bytes, 0);
    if (bytes.toString() !== 'text') lost++;
  }
  expect(lost).toBeGreaterThan(5);
});

test('the simulated disk is full at its capacity', async () => {
  const disk = new SimulatedDisk({ seed: 1, capacity: 10 });
  const file = await disk.open('f', 'create');
  await file.write([Buffer.alloc(8)], 0);
  await expect(file.write([Buffer.alloc(3)], 8)).rejects.toMatchObject({ code: 'disk_full' });
  await disk.remove('f');
  await write(disk, 'fits again', true);
});
