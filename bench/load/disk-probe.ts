// What the disk itself can do in the same run, without any broker: write and fdatasync, in big and in small commits.

import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figures } from '../suite.ts';

const BIG_COMMIT = 4 * 1024 * 1024;
const BIG_WRITE = 128 * 1024;
const SMALL_COMMIT = 128 * 1024;
const SMALL_COMMITS = 100;

/** Writes `bytes` to a new file on the disk of the temporary folder, where the brokers' data is too. */
export function probeDisk(bytes: number): Figures {
  const folder = mkdtempSync(join(tmpdir(), 'bench-disk-'));
  const file = openSync(join(folder, 'probe'), 'w');
  const block = Buffer.alloc(BIG_WRITE, 'disk');
  try {
    const began = performance.now();
    for (let written = 0; written < bytes; written += BIG_COMMIT) {
      for (let at = 0; at < BIG_COMMIT; at += BIG_WRITE) writeSync(file, block);
      fdatasyncSync(file);
    }
    const seconds = (performance.now() - began) / 1e3;
    const times: number[] = [];
    for (let commit = 0; commit < SMALL_COMMITS; commit += 1) {
      const start = performance.now();
      writeSync(file, block, 0, SMALL_COMMIT);
      fdatasyncSync(file);
      times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    return {
      mbPerSecond: bytes / 1e6 / seconds,
      smallCommitP50Ms: times[Math.floor(SMALL_COMMITS / 2)] ?? Number.NaN,
      smallCommitP99Ms: times[Math.floor(SMALL_COMMITS * 0.99)] ?? Number.NaN,
    };
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}
