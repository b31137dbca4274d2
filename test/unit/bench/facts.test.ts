// What a result says of its systems and rows, and what is known of those that do not.

import { expect, test } from 'vitest';
import { compare } from '../../../bench/report/compare.ts';
import { givenIn, isOurs, suiteOf, unitNoteOf } from '../../../bench/report/facts.ts';
import { produce, reportOf } from './report-of.ts';

test('a result says which systems are ours; of older ones their names do', () => {
  const old = reportOf([['klite', produce, { mbPerSecond: 1 }]]);
  for (const system of ['tidemark', 'tidemark on kafka', 'in process, memory', 'micro']) {
    expect(isOurs(old, system)).toBe(true);
  }
  expect(isOurs(old, 'kafkajs on tidemark')).toBe(false);
  expect(givenIn(old)).toEqual(['klite']);
  const said = reportOf([], { ours: ['tidemark'], peers: { 'tidemark-x': 'x' } });
  expect(['tidemark', 'tidemark-x'].map((system) => isOurs(said, system))).toEqual([true, false]);
  expect(givenIn(said)).toEqual(['tidemark-x']);
});

test('so it is with suites and units of rows', () => {
  const old = reportOf([]);
  const rows = [
    'start-up',
    'memory after these runs',
    'consume 100 B',
    'consume, 100 B',
    'restart',
    'groups, classic protocol',
    'slope, partitions: 10',
    'produce 10,000/s, no cleaning',
    'cleaning',
    'tidemark/testing: import and start',
    'lz4 replay',
  ];
  expect(rows.map((row) => suiteOf(old, row))).toEqual([
    'brokers',
    'brokers',
    'brokers',
    'client',
    'restart',
    'groups',
    'slopes',
    'compaction',
    'compaction',
    'testing',
    'tools',
  ]);
  expect(suiteOf(reportOf([], { suites: { restart: 'mine' } }), 'restart')).toBe('mine');
  expect(unitNoteOf(old, 'produce 1 KiB, lz4')).toBe('before compression');
  expect(unitNoteOf(reportOf([], { unitNotes: {} }), 'produce 1 KiB, lz4')).toBe('');
});

test('a result whose processor time was counted more finely is not like an older one', () => {
  const fine = reportOf([], { machine: { 'processor time': 'ns' } });
  expect(compare(reportOf([], { machine: {} }), fine).unlike).toEqual([
    'processor time: steps of 10 ms, /proc → ns',
  ]);
});
