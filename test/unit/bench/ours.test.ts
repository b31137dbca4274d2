// What is ours has to do everything: what cannot be started, or fails, is no peer that is named as missing.

import { expect, test } from 'vitest';
import { measured } from '../../../bench/client/run.ts';
import { didEverything } from '../../../bench/load/brokers.ts';
import { rows } from '../../../bench/load/rows.ts';
import { preparedOf } from '../../../bench/load/systems.ts';
import { GIVEN, type System } from '../../../bench/peers/index.ts';
import { recording } from './recording.ts';

const unprepared = (name: string, ours: boolean): System =>
  ({ name, ours, prepare: () => Promise.reject(new Error('not built')) }) as unknown as System;

test('ours that is not built is an error, a peer that cannot be had is missing', async () => {
  const { run, told } = recording();
  expect(
    await preparedOf(run, [unprepared('kafka', false), unprepared('tidemark-x', false)]),
  ).toEqual([]);
  expect(told).toEqual(['missing kafka: not built', 'missing tidemark-x: not built']);
  await expect(preparedOf(run, [unprepared('tidemark', true)])).rejects.toThrow('not built');
});

test('our client that fails ends the suite, another is missing', async () => {
  const { run, told } = recording();
  const work = { at: '127.0.0.1:1', topic: 't', work: 'batches', count: 1, valueBytes: 1 } as const;
  const fails = (client: string) => measured(run, `${client} on kafka`, 'row', { client, ...work });
  await fails('no client');
  expect(told).toEqual([expect.stringMatching(/^missing row by no client on kafka: /)]);
  await expect(fails('tidemark')).rejects.toThrow(/ended with/);
  await expect(fails('in process, nowhere')).rejects.toThrow(/ended with/);
});

test('memory is told of who did all rows that it is for', () => {
  const all = new Set(rows);
  const [first] = rows;
  const part = new Set(rows.filter((row) => row !== first));
  for (const listedAs of ['tidemark', 'kafka', GIVEN, 'kafka-sync']) {
    expect(didEverything({ system: { listedAs }, rows: all })).toBe(true);
    expect(didEverything({ system: { listedAs }, rows: part })).toBe(false);
  }
});
