// A seek whose place has to be looked up: until it is, nothing is handed out; when that fails, reading goes on.

import { expect, test } from 'vitest';
import { Holdings } from '../../../../src/client/consumer/holdings.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { fakeCluster } from '../fake-cluster.ts';
import { plainHoldings } from './plain-holdings.ts';

const TOPIC_AUTHORIZATION_FAILED = 29;
const place = { topic: 'pages', partition: 0 };
const EARLIEST = { kind: 'earliest' } as const;
const LATEST = { kind: 'latest' } as const;

/** A partition that is read, and what the fetcher was told; ListOffsets answers when the test does. */
async function reader() {
  const clock = new VirtualClock();
  const told: string[] = [];
  let begun = false;
  const asked: ((answer: { errorCode?: number; offset?: number }) => void)[] = [];
  const cluster = fakeCluster(clock, async (name) => {
    const node = { nodeId: 1, host: 'h', port: 1 };
    const one = { partitionIndex: 0, errorCode: 0, leaderId: 1, leaderEpoch: 0 };
    if (name === 'Metadata') {
      const topicId = '00000000-0000-0000-0000-000000000001';
      const topics = [{ name: 'pages', topicId, errorCode: 0, partitions: [one] }];
      return { errorCode: 0, brokers: [node], topics };
    }
    expect(name).toBe('ListOffsets');
    const answer = begun
      ? await new Promise<object>((resolve) => asked.push(resolve))
      : { offset: 5 };
    const partitions = [{ ...one, offset: 0, timestamp: -1, ...answer }];
    return { topics: [{ name: 'pages', partitions }] };
  });
  const fetcher = {
    set: (_: object, offset: number, epoch: number) => told.push(`from ${offset} of ${epoch}`),
    remove: () => told.push('stop'),
    wake() {},
  };
  const holdings = new Holdings(cluster, fetcher as never, {} as never, {
    ...plainHoldings,
    autoCommit: false,
  });
  await clock.until(holdings.take([place]));
  begun = true;
  told.length = 0;
  return { clock, holdings, told, asked };
}

test('goes on where it was when the look-up fails; the record at work still counts', async () => {
  const { clock, holdings, told, asked } = await reader();
  holdings.get(place).progress.begin(5, 3);
  const refused = expect(holdings.seek(place, EARLIEST)).rejects.toMatchObject({
    code: 'TOPIC_AUTHORIZATION_FAILED',
  });
  await clock.advance(10);
  expect(told).toEqual(['stop']);
  asked[0]?.({ errorCode: TOPIC_AUTHORIZATION_FAILED });
  await refused;
  expect(told).toEqual(['stop', 'from 6 of 3']);
  expect(holdings.get(place).progress.position).toBe(5);
});

test('hands nothing out that was read before, until it is found', async () => {
  const { clock, holdings, told, asked } = await reader();
  const held = holdings.get(place);
  const { progress } = held;
  const sought = holdings.seek(place, EARLIEST);
  expect(held.isReading(progress, progress.next)).toBe(false);
  await clock.advance(10);
  asked[0]?.({ offset: 2 });
  await sought;
  expect(told).toEqual(['stop', 'from 2 of -1']);
  expect(held.progress.position).toBe(2);
});

test('the last one holds, whichever is found first', async () => {
  const { clock, holdings, told, asked } = await reader();
  const both = [holdings.seek(place, EARLIEST), holdings.seek(place, LATEST)];
  await clock.advance(10);
  asked[1]?.({ offset: 9 });
  await clock.advance(10);
  asked[0]?.({ offset: 2 });
  await Promise.all(both);
  expect(told).toEqual(['stop', 'stop', 'from 9 of -1']);
  expect(holdings.get(place).progress.position).toBe(9);
});

test('does not begin to read what is paused, or was taken away meanwhile', async () => {
  const { clock, holdings, told, asked } = await reader();
  holdings.pause([place]);
  const first = holdings.seek(place, EARLIEST);
  await clock.advance(10);
  asked[0]?.({ offset: 2 });
  await first;
  const second = holdings.seek(place, LATEST);
  await clock.advance(10);
  holdings.drop([place]);
  asked[1]?.({ offset: 9 });
  await second;
  expect(told.filter((what) => what !== 'stop')).toEqual([]);
});
