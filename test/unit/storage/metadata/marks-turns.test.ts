// The marks of many logs are brought up to date a few at a time: requests have the event loop in between. Recovery
// points move one at a time: commits have the disk in between.

import { expect, test } from 'vitest';
import { type CancelTimer, type Clock, silentLogger } from '../../../../src/base/ports.ts';
import { MemoryDisk } from '../../../../src/storage/index.ts';
import { MarkTable } from '../../../../src/storage/metadata/marks.ts';
import { parseMarks } from '../../../../src/storage/metadata/marks-format.ts';
import { TaskOwner } from '../../../../src/storage/tasks.ts';

const LOGS = 500;

/** Turns and timers come when the test says so. */
class HandClock implements Clock {
  readonly turns: (() => void)[] = [];
  readonly timers: (() => void)[] = [];
  now = (): number => 0;
  monotonic = (): number => 0;

  setTimer(_delayMs: number, fire: () => void): CancelTimer {
    this.timers.push(fire);
    return () => {};
  }

  defer(fire: () => void): void {
    this.turns.push(fire);
  }
}

function tableOf(disk: MemoryDisk) {
  const clock = new HandClock();
  const tasks = new TaskOwner(silentLogger);
  const loaded = { marks: new Map(), lost: false, refused: null };
  const table = new MarkTable({ disk, clock, logger: silentLogger, tasks, loaded });
  const published: number[] = [];
  const sources = Array.from({ length: LOGS }, (_, log) => {
    const name = `t-${log}`;
    table.put(table.of(name, 'id'));
    const publishMark = (): void => {
      published.push(log);
      table.update(name, { mark: log + 1 });
    };
    return { publishMark, advanceRecoveryPoint: () => Promise.resolve() };
  });
  return { table, clock, tasks, sources, published };
}

test('a few in each turn, and all of them in the end', async () => {
  const disk = new MemoryDisk(() => 0);
  const { table, clock, tasks, sources, published } = tableOf(disk);
  for (const source of sources) table.touch(source, 1);
  for (const fire of clock.timers.splice(0)) fire();
  let most = 0;
  let done = false;
  void tasks.idle().then(() => {
    done = true;
  });
  while (!done) {
    const before = published.length;
    for (const turn of clock.turns.splice(0)) turn();
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, published.length - before);
  }
  expect(published).toHaveLength(LOGS);
  expect(most).toBeLessThanOrEqual(50);
  const file = await disk.open('marks', 'read');
  const bytes = Buffer.alloc(await file.size());
  await file.read(bytes, 0);
  const { marks } = parseMarks(bytes);
  for (let log = 0; log < LOGS; log++) expect(marks.get(`t-${log}`)?.mark).toBe(log + 1);
});

test('a log that is closed meanwhile keeps the mark of its close', async () => {
  const { table, clock, sources, published } = tableOf(new MemoryDisk(() => 0));
  for (const source of sources) table.touch(source, 1);
  for (const fire of clock.timers.splice(0)) fire();
  await new Promise((resolve) => setImmediate(resolve));
  expect(published.length).toBeLessThan(LOGS);
  const last = LOGS - 1;
  table.update(`t-${last}`, { mark: 1000, clean: true });
  table.forget(sources[last]!);
  while (published.length < last) {
    for (const turn of clock.turns.splice(0)) turn();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(published).not.toContain(last);
  expect(table.get(`t-${last}`)).toMatchObject({ mark: 1000, clean: true });
});

test('on a slow disk recovery points still move one after the other, and none is forgotten', async () => {
  const { table, clock, tasks, sources } = tableOf(new MemoryDisk(() => 0));
  const moved: number[] = [];
  const underWay: (() => void)[] = [];
  const slow = sources.slice(0, 6).map((source, log) => ({
    ...source,
    advanceRecoveryPoint: async () => {
      await new Promise<void>((resolve) => underWay.push(resolve));
      moved.push(log);
    },
  }));
  const timersFire = async () => {
    for (const fire of clock.timers.splice(0)) fire();
    for (let turns = 0; turns < 30; turns++) {
      for (const turn of clock.turns.splice(0)) turn();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  for (const source of slow.slice(0, 3)) table.touch(source, 1);
  await timersFire();
  // Their time comes while the first still moves.
  for (const source of slow.slice(2)) table.touch(source, 1);
  await timersFire();
  while (underWay.length > 0 || clock.timers.length > 0) {
    expect(underWay.length).toBeLessThanOrEqual(1);
    underWay.pop()?.();
    await timersFire();
  }
  expect(moved).toEqual([0, 1, 2, 2, 3, 4, 5]);
  await tasks.idle();
});
