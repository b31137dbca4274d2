// The last lines of `.ci/run`: what failed, by name, then each suite's count, then the sum. A log that was cut in its
// middle still says what failed. Arguments: `step:NAME:CODE` for each step that failed, `suite:NAME:CODE:FILE` for each
// suite, FILE being what vitest's JSON reporter wrote.

import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const results = process.argv.slice(2).map((argument) => {
  const [kind, name, code, ...file] = argument.split(':');
  return kind === 'step' ? stepResult(name, code) : suiteResult(name, code, file.join(':'));
});
for (const { failures } of results) for (const failure of failures) console.log(failure);
for (const { line } of results) if (line !== undefined) console.log(line);
const sum = (field) => results.reduce((total, result) => total + result[field], 0);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') > 0 ? 1 : 0;

function stepResult(name, code) {
  return { failures: [`FAILED step ${name}: ${ending(code)}`], passed: 0, failed: 1 };
}

function suiteResult(name, code, file) {
  const report = readReport(file);
  const tests = report?.numFailedTests ?? 0;
  // A suite that failed without a failed test (a file that does not load, an unhandled error) is one failure.
  const failed = tests === 0 && code !== '0' ? 1 : tests;
  const passed = report?.numPassedTests ?? 0;
  const failures = (report?.testResults ?? [])
    .flatMap(fileFailures)
    .map((at) => `FAILED ${name}: ${at}`);
  if (report === undefined) failures.push(`FAILED ${name}: no results, ${ending(code)}`);
  else if (failures.length === 0 && failed > 0) {
    failures.push(
      `FAILED ${name}: ${ending(code)}, though no test failed; its own part of the log says why`,
    );
  }
  return { failures, line: `${name}: ${passed} passed, ${failed} failed`, passed, failed };
}

/** Each failed test of a file, or the file itself when it failed without one. */
function fileFailures({ name, status, message, assertionResults }) {
  const file = relative(process.cwd(), name);
  const tests = assertionResults.filter((test) => test.status === 'failed');
  if (tests.length === 0) {
    const words = message === '' ? 'failed outside its tests (a hook?)' : firstLine(message);
    return status === 'failed' ? [`${file}: ${words}`] : [];
  }
  return tests.map((test) => `${file} > ${test.fullName}: ${firstLine(test.failureMessages?.[0])}`);
}

function firstLine(message) {
  const lines = stripVTControlCharacters(message ?? '').split('\n');
  const first = lines.find((line) => line.trim() !== '')?.trim();
  // Of a test that took too long, the report has only where it stands.
  return first === 'Error: STACK_TRACE_ERROR' ? 'timed out' : (first ?? 'no message');
}

/** How `timeout` tells that a command was too slow: by 124, or 137 when it had to be killed. */
function ending(code) {
  return `exit code ${code}${code === '124' || code === '137' ? ' (out of time)' : ''}`;
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
