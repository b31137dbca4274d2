import { expect, test } from 'vitest';
import { type CpuProfile, hotFunctions } from '../../../bench/report/profile.ts';

const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 6 });
const profile: CpuProfile = {
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
