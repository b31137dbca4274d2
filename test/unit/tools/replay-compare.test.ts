// Two topics side by side: partners by source, by key and by offset.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cluster } from '../../../src/client/index.ts';
import { remoteCluster } from '../../../src/compose/index.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';
import { type CompareOptions, compareTopics, planStretches } from '../../../tools/replay/index.ts';

let broker: TestBroker;
let cluster: Cluster;

beforeAll(async () => {
  broker = await startBroker({ topics: { orders: 2, copy: 2, second: 1, third: 1 } });
  cluster = remoteCluster(broker.bootstrap);
  await broker.produce('orders', [
    { partition: 0, key: 'a', value: 'a0' },
    { partition: 0, key: 'a', value: 'a1' },
    { partition: 0, key: 'b', value: 'b0' },
    { partition: 1, key: 'c', value: 'c0' },
    { partition: 1, key: null, value: 'none' },
  ]);
  const copyOf = (source: string, job: string) => ({
    'tidemark.replay.job': job,
    'tidemark.replay.source': source,
  });
  await broker.produce('copy', [
    { partition: 0, key: 'a', value: 'a0', headers: copyOf('orders/0/0', 'j1') },
    { partition: 0, key: 'a', value: 'A1', headers: copyOf('orders/0/1', 'j1') },
    { partition: 1, key: 'c', value: 'c0', headers: copyOf('orders/1/0', 'j1') },
    { partition: 1, key: 'c', value: 'c0', headers: copyOf('orders/1/0', 'j1') },
    { partition: 1, key: null, value: 'none', headers: copyOf('orders/1/1', 'j2') },
    { partition: 1, key: 'x', value: 'never seen' },
  ]);
  await broker.produce('second', [{ key: 'a', value: 'A1!', headers: copyOf('orders/0/1', 'j3') }]);
});
afterAll(async () => {
  await cluster.close();
  await broker.close();
});

const everything = { from: { kind: 'earliest' }, to: { kind: 'latest' } } as const;
const stretchesOf = (topic: string) =>
  planStretches(cluster, { topics: [topic], partitions: null, group: null, ...everything });

async function compare(left: string, right: string, more: Partial<CompareOptions> = {}) {
  const found = await compareTopics({
    cluster,
    left: await stretchesOf(left),
    right: await stretchesOf(right),
    by: 'source',
    wants: () => true,
    job: null,
    shownMax: 2,
    signal: new AbortController().signal,
    ...more,
  });
  const { equal, changed, onlyLeft, onlyRight } = found;
  const text = (one: { value: Buffer | null }) => one.value?.toString();
  return {
    equal,
    changed: [changed.count, ...changed.shown.map((one) => [text(one.left), text(one.right)])],
    onlyLeft: [onlyLeft.count, ...onlyLeft.shown.map(text)],
    onlyRight: [onlyRight.count, ...onlyRight.shown.map(text)],
  };
}

describe('partners', () => {
  test('by source: changed, lost and doubled ones are found', async () => {
    expect(await compare('orders', 'copy')).toEqual({
      equal: 3,
      changed: [1, ['a1', 'A1']],
      onlyLeft: [1, 'b0'],
      onlyRight: [2, 'c0', 'never seen'],
    });
  });

  test('by source: two copies of one original are partners', async () => {
    expect(await compare('copy', 'second')).toMatchObject({
      equal: 0,
      changed: [1, ['A1', 'A1!']],
      onlyRight: [0],
    });
  });

  test('of one job, among the records that are meant', async () => {
    const wants: CompareOptions['wants'] = ({ key }) => key?.toString() === 'a';
    expect(await compare('orders', 'copy', { job: 'j1', wants })).toEqual({
      equal: 1,
      changed: [1, ['a1', 'A1']],
      onlyLeft: [0],
      onlyRight: [2, 'c0', 'c0'],
    });
  });

  test('of one job: what it read is named by its own place, though an earlier replay had put it there', async () => {
    const headers = {
      'tidemark.replay.job': 'j4',
      'tidemark.replay.source': 'second/0/0',
    };
    await broker.produce('third', [{ key: 'a', value: 'A1!', headers }]);
    expect(await compare('second', 'third', { job: 'j4' })).toMatchObject({
      equal: 1,
      onlyLeft: [0],
      onlyRight: [0],
    });
  });

  test('by key: the n-th of each', async () => {
    expect(await compare('orders', 'copy', { by: 'key' })).toEqual({
      equal: 3,
      changed: [1, ['a1', 'A1']],
      onlyLeft: [1, 'b0'],
      onlyRight: [2, 'c0', 'never seen'],
    });
  });

  test('by offset', async () => {
    expect(await compare('orders', 'copy', { by: 'offset' })).toEqual({
      equal: 2,
      changed: [2, ['a1', 'A1'], ['none', 'c0']],
      onlyLeft: [1, 'b0'],
      onlyRight: [2, 'none', 'never seen'],
    });
  });
});

describe('memory', () => {
  const COUNT = 60;

  beforeAll(async () => {
    await broker.createTopics({ large: 2, 'large-copy': 2, other: 2 });
    for (const topic of ['large', 'large-copy', 'other']) {
      for (let n = 0; n < COUNT; n++) {
        const value = `${topic === 'other' ? 'other' : 'same'} ${n} `.padEnd(100_000, 'x');
        const headers = topic === 'other' ? { 'tidemark.replay.source': `none/0/${n}` } : {};
        await broker.produce(topic, [{ partition: n % 2, key: `k${n}`, value, headers }]);
      }
    }
  });

  test.each(['offset', 'key'] as const)(
    'two equal topics of any length need little, by %s',
    async (by) => {
      const found = await compare('large', 'large-copy', { by, heldMax: COUNT / 2 });
      const none = { changed: [0], onlyLeft: [0], onlyRight: [0] };
      expect(found).toEqual({ equal: COUNT, ...none });
    },
  );

  test('two topics that have nothing in common are too much: it is told how far it came', async () => {
    await expect(compare('large', 'other', { heldMax: COUNT })).rejects.toThrow(
      /^after 61 records \d+ of the first topic and \d+ of the second have no partner/,
    );
  });

  test('the n-th of a name are partners, and those that are left over are shown', async () => {
    await broker.createTopics({ twice: 1, thrice: 1 });
    const headers = { 'tidemark.replay.source': 'gone/0/0' };
    const named = (values: readonly string[]) => values.map((value) => ({ value, headers }));
    await broker.produce('twice', named(['1', '2']));
    await broker.produce('thrice', named(['1', '3', '4', '5']));
    expect(await compare('twice', 'thrice')).toEqual({
      equal: 1,
      changed: [1, ['2', '3']],
      onlyLeft: [0],
      onlyRight: [2, '4', '5'],
    });
  });
});
