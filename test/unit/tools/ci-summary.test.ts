// What `.ci/run` ends with, of results as vitest's JSON reporter writes them.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const program = resolve(import.meta.dirname, '../../../tools/dev/ci-summary.mjs');
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-summary-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function summary(...args: string[]): { code: number | null; lines: string[] } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return { code: status, lines: stdout.trimEnd().split('\n') };
}

function report(name: string, content: object): string {
  const file = join(directory, name);
  writeFileSync(file, JSON.stringify(content));
  return file;
}

const passed = (fullName: string) => ({ fullName, status: 'passed', failureMessages: [] });
const failed = (fullName: string, message: string) => ({
  fullName,
  status: 'failed',
  failureMessages: [message],
});
const file = (name: string, assertionResults: readonly object[], message = '') => ({
  name: resolve('test', name),
  status: message === '' ? 'passed' : 'failed',
  message,
  assertionResults,
});

test('counts are all that is said when everything passed', () => {
  const clean = report('clean.json', {
    numPassedTests: 2,
    numFailedTests: 0,
    testResults: [file('a.test.ts', [passed('a one'), passed('a two')])],
  });
  expect(summary(`suite:test:0:${clean}`, `suite:long:0:${clean}`)).toEqual({
    code: 0,
    lines: ['test: 2 passed, 0 failed', 'long: 2 passed, 0 failed', '4 passed, 0 failed'],
  });
});

test('each failed test and step is named before the counts', () => {
  const mixed = report('mixed.json', {
    numPassedTests: 1,
    numFailedTests: 3,
    testResults: [
      file('a.test.ts', [
        passed('a one'),
        failed('a two', '\u001b[31mAssertionError: expected 1 to be 2\u001b[39m\n    at a.ts:1:1'),
      ]),
      file('b.test.ts', [
        failed('b three', '\nError: gone\nmore'),
        failed('b four', 'Error: STACK_TRACE_ERROR\n    at b.ts:1:1'),
      ]),
    ],
  });
  expect(summary('step:lint:1', 'step:bench:124', `suite:test:1:${mixed}`)).toEqual({
    code: 1,
    lines: [
      'FAILED step lint: exit code 1',
      'FAILED step bench: exit code 124 (out of time)',
      'FAILED test: test/a.test.ts > a two: AssertionError: expected 1 to be 2',
      'FAILED test: test/b.test.ts > b three: Error: gone',
      'FAILED test: test/b.test.ts > b four: timed out',
      'test: 1 passed, 3 failed',
      '1 passed, 5 failed',
    ],
  });
});

test('a file that does not load, or whose hook failed, is named, and is a failure where no test is', () => {
  const broken = report('broken.json', {
    numPassedTests: 3,
    numFailedTests: 0,
    testResults: [
      file('c.test.ts', [], "Cannot find module './gone.ts'\nat x"),
      { ...file('d.test.ts', []), status: 'failed' },
    ],
  });
  expect(summary(`suite:test:1:${broken}`)).toEqual({
    code: 1,
    lines: [
      "FAILED test: test/c.test.ts: Cannot find module './gone.ts'",
      'FAILED test: test/d.test.ts: failed outside its tests (a hook?)',
      'test: 3 passed, 1 failed',
      '3 passed, 1 failed',
    ],
  });
});

test('a suite that failed without saying where is one failure', () => {
  const quiet = report('quiet.json', { numPassedTests: 3, numFailedTests: 0, testResults: [] });
  const absent = join(directory, 'absent.json');
  expect(summary(`suite:test:1:${quiet}`, `suite:long:137:${absent}`)).toEqual({
    code: 1,
    lines: [
      'FAILED test: exit code 1, though no test failed; its own part of the log says why',
      'FAILED long: no results, exit code 137 (out of time)',
      'test: 3 passed, 1 failed',
      'long: 0 passed, 1 failed',
      '3 passed, 2 failed',
    ],
  });
});
