// How the timeline is written: beside the groups, bounded, and not at all when it is not wanted.

import { describe, expect, test } from 'vitest';
import type { TimelineEntry } from '../../../../src/coordinator/index.ts';
import { formatRanges, movesBetween } from '../../../../src/coordinator/timeline/moves.ts';
import { RateLimit } from '../../../../src/coordinator/timeline/rate-limit.ts';
import { share, Worker, watched } from './support.ts';

describe('the writing of the timeline', () => {
  test('groups go on while its log stands still or fails; what is lost is counted', async () => {
    const h = await watched();
    h.events.mode = 'stall';
    const a = new Worker(h, 'a', 1);
    await share(h, new Map([[a, [0]]]));
    await h.clock.advance(5000);
    expect((await h.clock.until(a.heartbeat())).errorCode).toBe(0);
    expect(await h.told()).toEqual([]);
    h.events.resume();
    expect((await h.told()).length).toBe(2);

    h.events.mode = 'fail';
    await h.clock.until(a.leaveWith(null));
    await h.clock.advance(100);
    expect(h.timeline.counts).toMatchObject({ written: 2, lost: 2 });
    h.events.mode = 'ok';
    await share(h, new Map([[new Worker(h, 'b', 2), [0]]]));
    // After a failure it waits a second.
    await h.clock.advance(1000);
    expect((await h.told()).slice(2).map(({ event }) => event)).toEqual([
      'member-joined',
      'rebalance',
    ]);
  });

  test('a queue that is not taken off stays bounded', async () => {
    const h = await watched();
    h.events.mode = 'stall';
    for (let n = 0; n < 4000; n++) h.timeline.broker('broker-started', 'again');
    await share(h, new Map([[new Worker(h, 'a', 1), [0]]]));
    expect(h.timeline.counts.lost).toBeGreaterThanOrEqual(2000);
    expect(h.timeline.counts.lost).toBeLessThan(2010);
  });

  test('makes its topic with the first group, and keeps what the broker had to say before', async () => {
    const h = await watched();
    h.timeline.broker('broker-started', 'the broker started');
    await h.clock.advance(60_000);
    expect(h.events.made).toBe(false);
    await share(h, new Map([[new Worker(h, 'a', 1), [0]]]));
    await h.clock.advance(100);
    expect(h.events.made).toBe(true);
    expect(h.events.entries[0]).toMatchObject({ event: 'broker-started', group: null });
    expect(h.events.records.map(({ key }) => key?.toString() ?? null)).toEqual([
      null,
      'group',
      'group',
    ]);
  });

  test('nothing is written when it is switched off', async () => {
    const h = await watched({}, () => false);
    await share(h, new Map([[new Worker(h, 'a', 1), [0]]]));
    await h.clock.advance(1000);
    expect(h.events.appends).toBe(0);
  });

  test('a closing broker writes what there is, and waits for it no longer than it must', async () => {
    const h = await watched();
    await share(h, new Map([[new Worker(h, 'a', 1), [0]]]));
    await h.clock.until(h.timeline.close());
    expect(h.events.entries.length).toBe(2);
    const stuck = await watched();
    stuck.events.mode = 'stall';
    await share(stuck, new Map([[new Worker(stuck, 'a', 1), [0]]]));
    await stuck.clock.until(stuck.timeline.close());
  });

  test('a flapping group is summed up, another one is not', async () => {
    const h = await watched();
    for (let n = 0; n < 300; n++) {
      const worker = new Worker(h, 'flap', n);
      await share(h, new Map([[worker, [0]]]));
      await h.clock.until(worker.leaveWith(null));
      await h.clock.advance(10);
    }
    await h.clock.advance(65_000);
    const told = await h.told();
    const sums = told.filter(({ event }) => event === 'flapping');
    // 1,200 entries in less than a few minutes: a burst, a trickle, and a sum a minute.
    expect(told.length).toBeLessThan(130);
    expect(sums.length).toBeGreaterThan(0);
    expect(sums[0]?.cause).toMatch(/^most of it by flap \(\d+\)$/);
    await h.clock.advance(70_000);
    const all = await h.told();
    const summed = all
      .flatMap(({ omitted = {} }) => Object.values(omitted))
      .reduce((sum, count) => sum + count, 0);
    expect(summed).toBe(h.timeline.counts.summed);
    expect(all.filter(({ event }) => event !== 'flapping').length + summed).toBe(1200);
  });
});

test('what is hard to guess outlives what is not', () => {
  const limit = new RateLimit();
  const entry = (event: TimelineEntry['event']): TimelineEntry => ({
    schemaVersion: 1,
    time: '',
    event,
    group: 'g',
    what: '',
  });
  const joined = Array.from({ length: 500 }, () => limit.admit(entry('member-joined'), 0));
  expect(joined.filter(Boolean).length).toBe(50);
  expect(limit.admit(entry('rebalance'), 0)).toBe(true);
  expect(limit.admit({ ...entry('member-joined'), group: 'other' }, 0)).toBe(true);
});

test.each([
  [[], ''],
  [[3], '3'],
  [[7, 0, 1, 2, 3], '0-3,7'],
  [[5, 1, 3], '1,3,5'],
])('partitions %j are told as %j', (partitions, text) => {
  expect(formatRanges(partitions)).toBe(text);
});

test('however many members and partitions move, an entry stays small', () => {
  const every = (step: number) =>
    new Map(
      Array.from({ length: 500 }, (_, member) => [
        `m${member}`,
        new Map(
          Array.from({ length: 15 }, (_, topic) => [
            `topic-${topic}`,
            Array.from({ length: 50 }, (_, n) => (n * 1000 + member + step) * 2),
          ]),
        ),
      ]),
    );
  const moves = movesBetween(every(0), every(1), () => 'client');
  expect(moves.moved.length + moves.movedOmitted).toBe(500);
  expect(JSON.stringify(moves).length).toBeLessThan(30_000);
});
