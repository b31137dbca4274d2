// What the disk itself can do in the same run, without any broker: write and fdatasync, in big and in small commits,
// and of single records over blocks that are there: the quickest sync that a log can hope for.

import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figures } from '../suite.ts';

const BIG_COMMIT = 4 * 1024 * 1024;
const BIG_WRITE = 128 * 1024;
const SMALL_COMMIT = 128 * 1024;
const SMALL_COMMITS = 100;
const RECORD_COMMIT = 1024;

/** Writes `bytes` to a new file on the disk of the temporary folder, where the brokers' data is too. */
export function probeDisk(bytes: number, recordCommits: number): Figures {
  const folder = mkdtempSync(join(tmpdir(), 'bench-disk-'));
  const file = openSync(join(folder, 'probe'), 'w');
  const block = Buffer.alloc(BIG_WRITE, 'disk');
  try {
    const began = performance.now();
    for (let written = 0; written < bytes; written += BIG_COMMIT) {
      for (let done = 0; done < BIG_COMMIT; done += BIG_WRITE) writeSync(file, block);
      fdatasyncSync(file);
    }
    const seconds = (performance.now() - began) / 1e3;
    const small = timesOf(SMALL_COMMITS, () => {
      writeSync(file, block, 0, SMALL_COMMIT);
      fdatasyncSync(file);
    });
    const single = timesOf(recordCommits, (commit) => {
      writeSync(file, block, 0, RECORD_COMMIT, (commit * RECORD_COMMIT) % bytes);
      fdatasyncSync(file);
    });
    return {
      mbPerSecond: bytes / 1e6 / seconds,
      smallCommitP50Ms: at(small, 0.5),
      smallCommitP99Ms: at(small, 0.99),
      recordCommitP50Ms: at(single, 0.5),
      recordCommitP99Ms: at(single, 0.99),
    };
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How long each call takes, in milliseconds, the shortest first. */
function timesOf(count: number, call: (index: number) => void): number[] {
  const times = Array.from({ length: count }, (_, index) => {
    const start = performance.now();
    call(index);
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b);
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
