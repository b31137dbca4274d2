import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import {
  type CpuProfile,
  hotFunctions,
  profilesIn,
  systemCallsOf,
} from '../../../bench/report/profile.ts';

const frame = (functionName: string, url = '') => ({
  functionName,
  url,
  lineNumber: 6,
  columnNumber: 0,
});
const profile: CpuProfile = {
  startTime: 5_000,
  nodes: [
    { id: 1, callFrame: frame('(idle)') },
    { id: 2, callFrame: frame('append', 'file:///home/me/tidemark/dist/src/storage/log.js') },
    { id: 3, callFrame: frame('append', 'file:///home/me/tidemark/dist/src/storage/log.js') },
    { id: 4, callFrame: frame('(garbage collector)') },
  ],
  samples: [1, 2, 3, 4],
  timeDeltas: [1_000, 200, 100, 100],
};

test('own time is added over call paths and profiles; idle time counts for nothing', () => {
  expect(hotFunctions([profile, profile])).toEqual([
    { name: 'append', place: 'src/storage/log.js:7', share: 0.75 },
    { name: '(garbage collector)', place: 'V8', share: 0.25 },
  ]);
  expect(hotFunctions([])).toEqual([]);
});

test('a bundled function is shown where its source is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-profile-'));
  try {
    // One mapping: the bundle's line 7 from its start is line 3 of the source.
    const map = { version: 3, names: [], sources: ['../../src/a.ts'], mappings: ';;;;;;AAEA' };
    writeFileSync(join(folder, 'a.js.map'), JSON.stringify(map));
    const callFrame = frame('append', pathToFileURL(join(folder, 'a.js')).href);
    const once = { startTime: 0, nodes: [{ id: 1, callFrame }], samples: [1], timeDeltas: [100] };
    expect(hotFunctions([once])).toEqual([{ name: 'append', place: 'src/a.ts:3', share: 1 }]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('of a stretch of time only its samples count', () => {
  const stretch = { fromUs: 6_250, toUs: 6_350 };
  expect(hotFunctions([profile], stretch)).toEqual([
    { name: 'append', place: 'src/storage/log.js:7', share: 1 },
  ]);
});

test('of the threads only the event loop is read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-profile-'));
  try {
    for (const thread of [0, 1, 10]) {
      const name = `CPU.20261130.130834.30234.${thread}.00${thread}.cpuprofile`;
      writeFileSync(join(folder, name), JSON.stringify({ ...profile, startTime: thread }));
    }
    expect(profilesIn(folder).map(({ startTime }) => startTime)).toEqual([0]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the summary of strace is read, with and without errors', () => {
  const summary = `% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 20.00    0.100000          10     10000           writev
 70.00    0.350000          12     29166       217 futex
 10.00    0.050000           5     10000           read
------ ----------- ----------- --------- --------- ----------------
100.00    0.500000          10     49166       217 total
`;
  expect(systemCallsOf(summary)).toEqual([
    { name: 'futex', calls: 29_166, errors: 217, share: 0.7 },
    { name: 'writev', calls: 10_000, errors: 0, share: 0.2 },
    { name: 'read', calls: 10_000, errors: 0, share: 0.1 },
  ]);
});
