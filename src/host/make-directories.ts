// Makes a directory and its missing parents. Not `mkdir` with `recursive`: where the system refuses to make a child of
// a directory that exists (`/proc`), Node tries again for ever.

import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Nothing happens when the directory exists. Throws the system's error, with its `code`. */
export async function makeDirectories(path: string): Promise<void> {
  const full = resolve(path);
  if (await make(full)) return;
  const parent = dirname(full);
  if (parent !== full) await makeDirectories(parent);
  await mkdir(full).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** False when a parent is missing. */
async function make(full: string): Promise<boolean> {
  try {
    await mkdir(full);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return true;
    if (code === 'ENOENT') return false;
    throw error;
  }
}
