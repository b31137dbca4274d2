// From a range to what is read: what lies outside the log, and how much a dry run counts.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cluster, deleteRecords, parseOffsetRange } from '../../../src/client/index.ts';
import { remoteCluster } from '../../../src/compose/index.ts';
import { nodeClock } from '../../../src/host/node-clock.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';
import {
  makeSelect,
  planStretches,
  type SurveyOptions,
  survey,
} from '../../../tools/replay/index.ts';

let broker: TestBroker;
let cluster: Cluster;

beforeAll(async () => {
  broker = await startBroker({ topics: { orders: 2, empty: 1 } });
  cluster = remoteCluster(broker.bootstrap);
  for (const [partition, count] of [
    [0, 100],
    [1, 60],
  ] as const) {
    const records = Array.from({ length: count }, (_, n) => ({ partition, value: { n } }));
    await broker.produce('orders', records);
  }
  await deleteRecords(cluster, 'orders', new Map([[0, 20]]));
});
afterAll(async () => {
  await cluster.close();
  await broker.close();
});

function source(range: string, topic = 'orders', partitions: readonly number[] | null = null) {
  const { from, to } = parseOffsetRange(range, Date.now());
  const ends = { from: from ?? { kind: 'earliest' }, to: to ?? { kind: 'latest' } } as const;
  return { topics: [topic], partitions, group: null, ...ends };
}

const lengths = async (...of: Parameters<typeof source>) =>
  (await planStretches(cluster, source(...of))).map(({ from, to }) => [from, to]);

describe('a range', () => {
  test.each(['committed', '+5', '..committed'])('%s needs a group', async (range) => {
    const planning = planStretches(cluster, source(range));
    await expect(planning).rejects.toThrow(/where a group is, and no group is named/);
  });

  test.each([
    [
      '10..30',
      null,
      /begins before the first record in orders\/0 \(the log has offsets 20 to 99\): .*--skip-cut/,
    ],
    ['10..', [0], /before the first record in orders\/0 \(the log has offsets 20 to 99\)/],
    [
      '500..600',
      null,
      /after the last record in orders\/0 \(the log has offsets 20 to 99\), orders\/1 \(.* 0 to 59\)/,
    ],
    ['61..70', [1], /after the last record in orders\/1/],
  ])('%s of partitions %j is refused with the place', async (range, partitions, words) => {
    const planning = planStretches(cluster, source(range, 'orders', partitions));
    await expect(planning).rejects.toThrow(words);
    await expect(planning).rejects.toMatchObject({ code: 'range_outside_log' });
  });

  test('of an empty log is refused, too', async () => {
    const planning = planStretches(cluster, source('5..', 'empty'));
    await expect(planning).rejects.toThrow('empty/0 (the log is empty): nothing lies in it');
  });

  test('that begins too early is what is left of it, where that is asked for', async () => {
    const planned = await planStretches(cluster, source('10..30'), { skipCut: true });
    expect(planned.map(({ from, to }) => [from, to])).toEqual([
      [20, 30],
      [10, 30],
    ]);
  });

  test('that one partition does not reach is one of the others', async () => {
    expect(await lengths('70..90')).toEqual([
      [70, 90],
      [60, 60],
    ]);
  });

  test.each(['earliest..latest', '-1000', '..40', '@2001-01-01..', '@2099-01-01..', '100..'])(
    '%s is no mistake',
    async (range) => {
      await expect(planStretches(cluster, source(range, 'orders', [0]))).resolves.toHaveLength(1);
    },
  );
});

describe('a dry run', () => {
  const target = { kind: 'topic', topic: 'other' } as const;
  const select = makeSelect({
    filter: 'value.n < 50',
    module: null,
    target,
    includeReplayed: false,
  });
  const look = async (limitMs: number | null, more: Partial<SurveyOptions> = {}) =>
    survey({
      cluster,
      clock: nodeClock,
      stretches: await planStretches(cluster, source('earliest..latest')),
      select,
      target,
      shownMax: 2,
      limitMs,
      signal: new AbortController().signal,
      ...more,
    });

  test('counts everything', async () => {
    const found = await look(null);
    expect(found).toMatchObject({ read: 140, selected: 80, selectedInAll: 80, covered: 140 });
    expect(found.total).toBe(140);
    expect(found.shown).toHaveLength(2);
  });

  test('that is interrupted is no answer', async () => {
    const asked = look(null, { signal: AbortSignal.abort() });
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('says what it covered when time is short, and estimates the rest by that', async () => {
    // Time is up after the first answer, which has one partition's records.
    let nowMs = 0;
    const clock = { ...nodeClock, monotonic: () => nowMs++ } as typeof nodeClock;
    const found = await look(2, { clock });
    expect([80, 60]).toContain(found.covered);
    expect(found.read).toBe(found.covered);
    expect(found.selectedInAll).toBe(Math.round((found.selected * 140) / found.covered));
  });
});
