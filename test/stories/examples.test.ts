// The examples that people copy: every block of JavaScript in README.md, docs and docstrings runs as it stands, as a
// program of its own on plain Node, against the built package. A block marked `js fragment` shows part of a program and
// is only parsed.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { projectRoot, runChild } from '../../bench/peers/index.ts';

interface Example {
  readonly where: string;
  readonly code: string;
  readonly fragment: boolean;
}

const root = projectRoot();

/** Fenced blocks of JavaScript, with the line that they begin at. `margin` is taken from each line. */
function blocksOf(file: string, margin: RegExp): Example[] {
  const found: Example[] = [];
  let lines: string[] | null = null;
  let start = { line: 0, fragment: false };
  for (const [index, whole] of readFileSync(join(root, file), 'utf8').split('\n').entries()) {
    const line = whole.replace(margin, '');
    const fence = /^```(\S*)\s*(\S*)/.exec(line);
    if (lines === null && fence?.[1] === 'js') {
      lines = [];
      start = { line: index + 1, fragment: fence[2] === 'fragment' };
    } else if (lines !== null && fence !== null) {
      found.push({
        where: `${file}:${start.line}`,
        code: lines.join('\n'),
        fragment: start.fragment,
      });
      lines = null;
    } else lines?.push(line);
  }
  return found;
}

function sources(folder: string): string[] {
  const entries = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return entries.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
}

const documents = readdirSync(join(root, 'docs')).map((name) => join('docs', name));

const examples = [
  ...['README.md', ...documents].flatMap((file) => blocksOf(file, /^$/)),
  ...['src', 'tools'].flatMap(sources).flatMap((file) => blocksOf(file, /^\s*\* ?/)),
];

describe('examples run as they stand', () => {
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-examples-'));
    const modules = join(folder, 'node_modules');
    mkdirSync(modules);
    symlinkSync(root, join(modules, 'tidemark'));
    symlinkSync(resolve(root, 'node_modules', 'kafkajs'), join(modules, 'kafkajs'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('there are some, and the package is built', () => {
    expect(examples.filter(({ where }) => where.startsWith('README')).length).toBeGreaterThan(2);
    expect(examples.filter(({ where }) => where.startsWith('docs')).length).toBeGreaterThan(0);
    expect(examples.filter(({ where }) => where.startsWith('src')).length).toBeGreaterThan(1);
    expect(existsSync(join(root, 'dist/lib/index.js'))).toBe(true);
  });

  test.each(examples)('$where', async ({ where, code, fragment }) => {
    const file = join(folder, `${where.replaceAll(/[^a-z0-9]+/gi, '-')}.mjs`);
    writeFileSync(file, code);
    const flags = fragment ? ['--check'] : [];
    // Ends of itself: what an example forgets to close would keep it running until the time is up.
    await runChild(process.execPath, [...flags, file], { cwd: folder, timeoutMs: 25_000 });
  });
});
