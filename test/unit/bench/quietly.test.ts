// What becomes of a measurement that others disturb, and of a peer that does not do its work.

import { describe, expect, test } from 'vitest';
import { measureQuietly, orMissing } from '../../../bench/load/quietly.ts';
import { type SuiteRun, TIDEMARK } from '../../../bench/suite.ts';

function recording(quick = false): { readonly run: SuiteRun; readonly told: string[] } {
  const told: string[] = [];
  const run: SuiteRun = {
    options: {
      quick,
      peers: [],
      given: [],
      rounds: undefined,
      only: [],
      profile: false,
      foreignCoresMax: 0.35,
    },
    add: ({ name }, row, figures) => told.push(`${name}: ${row}: ${figures['mb']}`),
    describe: () => undefined,
    missing: (what, why) => told.push(`missing ${what}: ${why}`),
    thrownOut: (system, row, cores) => told.push(`thrown out ${system}: ${row}: ${cores}`),
    say: () => undefined,
  };
  return { run, told };
}

const peer = (name: string) => ({ name, ours: false });
const [kafka, klite, named] = [peer('kafka'), peer('klite'), peer('tidemark-x')];
const os = { name: 'tidemark-os', ours: true };

const busy = (mb: number, foreignCores: number) => () =>
  Promise.resolve({ figures: { mb, foreignCores } });

describe('a measurement', () => {
  test('counts when others were quiet', async () => {
    const { run, told } = recording();
    expect(await measureQuietly(run, kafka, 'row', busy(1, 0.3))).toBe(true);
    expect(told).toEqual(['kafka: row: 1']);
  });

  test('is thrown out twice, then kept', async () => {
    const { run, told } = recording();
    const attempts: number[] = [];
    await measureQuietly(run, TIDEMARK, 'row', (attempt) => {
      attempts.push(attempt);
      return busy(attempt, 0.4)();
    });
    expect(attempts).toEqual([1, 2, 3]);
    const out = 'thrown out tidemark: row: 0.4';
    expect(told).toEqual([out, out, 'tidemark: row: 3']);
  });

  test('that a peer fails twice is named as missing', async () => {
    const { run, told } = recording();
    let tries = 0;
    const done = await measureQuietly(run, klite, 'row', () => {
      tries += 1;
      return Promise.reject(new Error('hangs'));
    });
    expect([done, tries]).toEqual([false, 2]);
    expect(told).toEqual(['missing klite: row: hangs']);
  });

  test('that a peer fails once is tried again, and one of ours ends the suite', async () => {
    const { run, told } = recording();
    const second = (attempt: number) =>
      attempt === 1 ? Promise.reject(new Error('once')) : busy(2, 0)();
    expect(await measureQuietly(run, kafka, 'row', second)).toBe(true);
    expect(told).toEqual(['kafka: row: 2']);
    await expect(measureQuietly(run, os, 'row', second)).rejects.toThrow('once');
  });
});

test('one that has only our name is a peer', async () => {
  const { run, told } = recording();
  const fails = () => Promise.reject(new Error('hangs'));
  expect(await measureQuietly(run, named, 'row', fails)).toBe(false);
  expect(await orMissing(run, named, 'its start', fails)).toBeUndefined();
  expect(told).toEqual(['missing tidemark-x: row: hangs', 'missing tidemark-x: its start: hangs']);
});

test('what a peer cannot be prepared for is missing', async () => {
  const { run, told } = recording();
  const fails = () => Promise.reject(new Error('no port'));
  expect(await orMissing(run, kafka, 'its start', fails)).toBeUndefined();
  expect(told).toEqual(['missing kafka: its start: no port']);
  await expect(orMissing(run, TIDEMARK, 'its start', fails)).rejects.toThrow('no port');
});
