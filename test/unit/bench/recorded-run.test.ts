// What a result says of its run beside the figures: whose they are, and how fine processor time is.

import { expect, test } from 'vitest';
import { Recording } from '../../../bench/recording.ts';
import { TIDEMARK } from '../../../bench/suite.ts';
import { recording } from './recording.ts';

test('whose figures they are is told, not read from a name', () => {
  const { options } = recording().run;
  const lines: string[] = [];
  const run = new Recording(options, ['brokers'], (line) => lines.push(line));
  run.suite = 'brokers';
  run.describe('row', 'how', 'before compression');
  run.add(TIDEMARK, 'row', { mbPerSecond: 2 });
  run.add({ name: 'tidemark-x', ours: false }, 'row', { mbPerSecond: 1 });
  run.suite = 'client';
  run.add({ name: 'in process, memory', ours: true }, 'batches', { mbPerSecond: 3 });
  const { ours, machine, results, command, ...more } = run.report();
  expect(ours).toEqual(['tidemark', 'in process, memory']);
  expect(results.map(({ system }) => system)).toEqual([
    'tidemark',
    'tidemark-x',
    'in process, memory',
  ]);
  expect(more).toMatchObject({
    rows: { row: 'how' },
    unitNotes: { row: 'before compression' },
    suites: { row: 'brokers', batches: 'client' },
  });
  expect(machine['processor time']).toMatch(/^(ns, |steps of 10 ms, )/);
  expect(command).toBe('npm run bench -- brokers');
  expect(lines[0]).toBe('tidemark: row: mbPerSecond 2.000');
});
