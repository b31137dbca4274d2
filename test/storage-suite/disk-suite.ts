// What every Disk must do. Run over each implementation by test/unit/storage/disk/disk.test.ts; whoever writes another one
// runs it over theirs.

import { beforeEach, describe, expect, test } from 'vitest';
import type { Disk } from '../../src/storage/index.ts';

async function contents(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path, 'read');
  try {
    const bytes = Buffer.alloc(await file.size());
    expect(await file.read(bytes, 0)).toBe(bytes.length);
    return bytes.toString('latin1');
  } finally {
    await file.close();
  }
}

async function put(disk: Disk, path: string, text: string): Promise<void> {
  const file = await disk.open(path, 'create');
  await file.write([Buffer.from(text, 'latin1')], 0);
  await file.datasync();
  await file.close();
}

/** Declares the suite's tests for one kind of disk; `make` gives an empty one each time. */
export function diskSuite(name: string, make: () => Disk): void {
  describe(`the ${name} disk`, () => {
    let disk: Disk;
    beforeEach(() => {
      disk = make();
    });

    test('makes directories with their parents, any number of times', async () => {
      await disk.makeDirectory('a/b/c');
      await disk.makeDirectory('a/b/c');
      expect(await disk.stat('a/b')).toMatchObject({ kind: 'directory' });
      expect(await disk.list('a')).toEqual(['b']);
      await disk.syncDirectory('a/b');
    });

    test('knows the root as "." and lists names in order', async () => {
      await put(disk, 'b', '');
      await put(disk, 'a', '');
      await disk.makeDirectory('c/d');
      expect(await disk.list('.')).toEqual(['a', 'b', 'c']);
      await disk.syncDirectory('.');
    });

    test('lists nothing and stats nothing where there is nothing', async () => {
      expect(await disk.list('none')).toEqual([]);
      expect(await disk.stat('none')).toBeUndefined();
      expect(await disk.stat('none/below')).toBeUndefined();
    });

    test('refuses to open what is missing, and to create in a missing directory', async () => {
      await expect(disk.open('x', 'read')).rejects.toMatchObject({ code: 'not_found' });
      await expect(disk.open('x', 'write')).rejects.toMatchObject({ code: 'not_found' });
      await expect(disk.open('no/x', 'create')).rejects.toMatchObject({ code: 'not_found' });
      await expect(disk.syncDirectory('no')).rejects.toMatchObject({ code: 'not_found' });
      await expect(disk.rename('x', 'y')).rejects.toMatchObject({ code: 'not_found' });
    });

    test('writes several parts in a row and reads them back', async () => {
      const file = await disk.open('f', 'create');
      await file.write([Buffer.from('ab'), Buffer.alloc(0), Buffer.from('cde')], 3);
      expect(await file.size()).toBe(8);
      await file.close();
      expect(await contents(disk, 'f')).toBe('\0\0\0abcde');
    });

    test('writes within the turn where it says so', async () => {
      const file = await disk.open('f', 'create');
      const one = [Buffer.from('abc')];
      const many = Array.from({ length: 2500 }, () => Buffer.from('x'));
      if (file.writeNow?.(one, 1) !== true) await file.write(one, 1);
      if (file.writeNow?.(many, 4) !== true) await file.write(many, 4);
      expect(await file.size()).toBe(2504);
      await file.close();
      expect(await contents(disk, 'f')).toBe(`\0abc${'x'.repeat(2500)}`);
    });

    test('writes more parts than one system call takes', async () => {
      const parts = Array.from({ length: 3000 }, (_, index) => Buffer.from([index & 0xff, 1]));
      const file = await disk.open('f', 'create');
      await file.write(parts, 0);
      const back = Buffer.alloc(6000);
      expect(await file.read(back, 0)).toBe(6000);
      expect(back.equals(Buffer.concat(parts))).toBe(true);
      await file.close();
    });

    test('reads fewer bytes only at the end', async () => {
      await put(disk, 'f', '0123456789');
      const file = await disk.open('f', 'read');
      const into = Buffer.alloc(6);
      expect(await file.read(into, 2)).toBe(6);
      expect(into.toString()).toBe('234567');
      expect(await file.read(into, 7)).toBe(3);
      expect(await file.read(into, 10)).toBe(0);
      expect(await file.read(into, 99)).toBe(0);
      expect(await file.read(Buffer.alloc(0), 0)).toBe(0);
      await file.close();
    });

    test('does not cut a file that it opens again', async () => {
      await put(disk, 'f', 'long text');
      const file = await disk.open('f', 'create');
      await file.write([Buffer.from('L')], 0);
      await file.close();
      expect(await contents(disk, 'f')).toBe('Long text');
    });

    test('cuts, and extends with zeros where older bytes were', async () => {
      await put(disk, 'f', '0123456789');
      const file = await disk.open('f', 'write');
      await file.truncate(4);
      expect(await file.size()).toBe(4);
      await file.truncate(6);
      await file.write([Buffer.from('x')], 7);
      await file.close();
      expect(await contents(disk, 'f')).toBe('0123\0\0\0x');
      expect(await disk.stat('f')).toMatchObject({ kind: 'file', bytes: 8 });
    });

    test('renames over an existing file; open files go on with what they had', async () => {
      await put(disk, 'old', 'old');
      await put(disk, 'new', 'new!');
      const held = await disk.open('old', 'read');
      await disk.rename('new', 'old');
      expect(await contents(disk, 'old')).toBe('new!');
      expect(await disk.stat('new')).toBeUndefined();
      const bytes = Buffer.alloc(3);
      expect(await held.read(bytes, 0)).toBe(3);
      expect(bytes.toString()).toBe('old');
      await held.close();
    });

    test('removes a file that is still open, and does nothing for a missing one', async () => {
      await put(disk, 'f', 'text');
      const held = await disk.open('f', 'read');
      await disk.remove('f');
      await disk.remove('f');
      expect(await disk.stat('f')).toBeUndefined();
      expect(await held.read(Buffer.alloc(4), 0)).toBe(4);
      await held.close();
    });

    test('renames and removes whole directories', async () => {
      await disk.makeDirectory('d/e');
      await put(disk, 'd/e/f', 'text');
      await disk.rename('d', 'g');
      expect(await disk.list('d')).toEqual([]);
      expect(await contents(disk, 'g/e/f')).toBe('text');
      await disk.removeDirectory('g');
      await disk.removeDirectory('g');
      expect(await disk.stat('g/e/f')).toBeUndefined();
      expect(await disk.list('.')).toEqual([]);
    });

    test('says how much room is left', async () => {
      expect(await disk.freeBytes('.')).toBeGreaterThan(0);
    });
  });
}
