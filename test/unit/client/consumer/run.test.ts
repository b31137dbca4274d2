// Handlers side by side when something goes wrong: what is at work is finished, nothing else begins, and one that hangs
// shows although others go on.

import { expect, test } from 'vitest';
import { Progress } from '../../../../src/client/consumer/progress.ts';
import { runSideBySide } from '../../../../src/client/consumer/run.ts';
import { Stuck } from '../../../../src/client/consumer/stuck.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';

interface Given {
  readonly offset: number;
  readonly raw: { readonly key: Buffer };
}

/** A source of `keys.length` records, after which it waits, or fails once `fail` is called. */
function sourceOf(keys: string, stuck: Stuck) {
  const progress = new Progress(0, -1);
  const given = [...keys].map((key, offset): Given => ({ offset, raw: { key: Buffer.from(key) } }));
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const source = {
    progress,
    pull() {
      const record = given.shift();
      if (record !== undefined) progress.begin(record.offset, 0);
      return record ?? null;
    },
    next() {
      stuck.wait();
      return failed.finally(() => stuck.moved());
    },
  };
  return { source, fail: (error: Error) => fail(error), progress };
}

/** Handlers that work until they are let go, by the number of their record. */
function handlers() {
  const begun: number[] = [];
  const ends = new Map<number, () => void>();
  const handler = ({ offset }: { offset: number }): Promise<void> => {
    begun.push(offset);
    return new Promise((resolve) => ends.set(offset, resolve));
  };
  return { begun, handler, end: (offset: number) => ends.get(offset)?.() };
}

function begin(keys: string, concurrency: number) {
  const clock = new VirtualClock();
  const stuck = new Stuck(clock);
  const from = sourceOf(keys, stuck);
  const work = handlers();
  const fetcher = { wake() {} };
  const at = { source: from.source as never, stuck, fetcher: fetcher as never };
  const ran = runSideBySide(work.handler, concurrency, at);
  ran.catch(() => {});
  return { clock, stuck, ran, ...from, ...work };
}

test('after an error of the source no handler begins, and those at work are waited for', async () => {
  const { clock, ran, begun, end, fail, progress } = begin('abcde', 2);
  let over = false;
  const seen = expect(ran.finally(() => (over = true))).rejects.toThrow('the broker refuses');
  await clock.advance(10);
  fail(new Error('the broker refuses'));
  await clock.advance(10);
  end(0);
  await clock.advance(10);
  expect({ begun, over }).toEqual({ begun: [0, 1], over: false });
  end(1);
  await seen;
  expect(begun).toEqual([0, 1]);
  expect(progress.position).toBe(2);
});

test('a handler that hangs shows while the loop waits for records', async () => {
  const { clock, stuck, begun } = begin('a', 2);
  await clock.advance(10);
  expect([begun, stuck.forMs()]).toEqual([[0], 0]);
  await clock.advance(600);
  expect(stuck.forMs()).toBe(600);
});

test('a handler that hangs shows while others go on, until it is done', async () => {
  const { clock, stuck, begun, end } = begin('abbb', 2);
  await clock.advance(10);
  stuck.forMs();
  for (const offset of [1, 2]) {
    await clock.advance(200);
    end(offset);
  }
  await clock.advance(200);
  expect([begun, stuck.forMs()]).toEqual([[0, 1, 2, 3], 600]);
  for (const offset of [0, 3]) end(offset);
  await clock.advance(10);
  expect(stuck.forMs()).toBe(0);
});

test('handlers that are done leave nothing that hangs', async () => {
  const { clock, stuck, end } = begin('ab', 2);
  await clock.advance(10);
  stuck.forMs();
  for (const offset of [0, 1]) end(offset);
  await clock.advance(600);
  expect(stuck.forMs()).toBe(0);
});

test('records that wait for their lane are left out once their stretch is over', async () => {
  const { clock, begun, end, progress } = begin('aab', 2);
  await clock.advance(10);
  progress.abandon();
  end(0);
  await clock.advance(10);
  expect(begun).toEqual([0, 2]);
});
