// Measures what a commit costs on this machine's disk: one sync for each dirty file, or one shared journal.
// Run: npx tsx tools/dev/commit-probe.ts [directory] [rounds], or after `npm run build` with node on dist.
// The storage's Committer (src/storage/commit/committer.ts) takes its thresholds from what this prints.

import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';

const fdatasync = promisify(fs.fdatasync);
const root = fs.mkdtempSync(join(process.argv[2] ?? tmpdir(), 'commit-probe-'));
const rounds = Number(process.argv[3] ?? 7);

interface Target {
  readonly descriptor: number;
  position: number;
}

function target(name: string): Target {
  return { descriptor: fs.openSync(join(root, name), 'w+'), position: 0 };
}

function write(file: Target, part: Buffer): Promise<void> {
  const at = file.position;
  file.position += part.length;
  return new Promise((resolve, reject) => {
    fs.write(file.descriptor, part, 0, part.length, at, (error) =>
      error === null ? resolve() : reject(error),
    );
  });
}

function writeMany(file: Target, parts: readonly Buffer[]): Promise<void> {
  const at = file.position;
  for (const part of parts) file.position += part.length;
  return new Promise((resolve, reject) => {
    fs.writev(file.descriptor, parts, at, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** Runs `work` over all items with at most `width` at once. */
async function each<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

async function direct(files: readonly Target[], part: Buffer, width: number): Promise<void> {
  await each(files, 4, (file) => write(file, part));
  await each(files, width, (file) => fdatasync(file.descriptor));
}

async function journaled(files: readonly Target[], part: Buffer, log: Target): Promise<void> {
  await each(files, 4, (file) => write(file, part));
  for (let at = 0; at < files.length; at += 1000) {
    await writeMany(log, Array<Buffer>(Math.min(1000, files.length - at)).fill(part));
  }
  await fdatasync(log.descriptor);
}

interface Case {
  readonly name: string;
  readonly run: () => Promise<void>;
  readonly results: number[];
}

function makeCases(): Case[] {
  const cases: Case[] = [];
  const add = (name: string, run: () => Promise<void>): void => {
    cases.push({ name, run, results: [] });
  };
  const small = randomBytes(350);
  for (const count of [4, 8, 16, 32, 64, 250, 1000]) {
    const files = Array.from({ length: count }, (_, index) => target(`direct-${count}-${index}`));
    const others = Array.from({ length: count }, (_, index) => target(`journal-${count}-${index}`));
    const log = target(`journal-${count}`);
    for (const width of count === 1000 ? [1, 2, 4, 8] : [1, 2, 4]) {
      add(`${count} files x 350 B, sync each, width ${width}`, () => direct(files, small, width));
    }
    add(`${count} files x 350 B, one journal`, () => journaled(others, small, log));
  }
  for (const kib of [128, 1024]) {
    const part = randomBytes(kib * 1024);
    const files = Array.from({ length: 6 }, (_, index) => target(`big-${kib}-${index}`));
    const log = target(`big-journal-${kib}`);
    for (const width of [1, 2, 4]) {
      add(`6 files x ${kib} KiB, sync each, width ${width}`, () => direct(files, part, width));
    }
    add(`6 files x ${kib} KiB, one journal`, () => journaled(files, part, log));
  }
  return cases;
}

const cases = makeCases();
for (const one of cases) await one.run(); // creates the extents, not counted
for (let round = 0; round < rounds; round++) {
  for (const one of cases) {
    const start = performance.now();
    await one.run();
    one.results.push(performance.now() - start);
  }
}
process.stdout.write(`ms, of ${rounds} interleaved rounds        min   median      max\n`);
for (const { name, results } of cases) {
  results.sort((a, b) => a - b);
  const cells = [results[0], results[results.length >> 1], results[results.length - 1]];
  const text = cells.map((ms) => (ms ?? 0).toFixed(2).padStart(8)).join(' ');
  process.stdout.write(`${name.padEnd(42)} ${text}\n`);
}
fs.rmSync(root, { recursive: true });
