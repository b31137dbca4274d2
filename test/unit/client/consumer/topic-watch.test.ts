// What a topic that is not there, or has no leader, costs whoever watches for it.

import { expect, test } from 'vitest';
import { TopicWatch } from '../../../../src/client/consumer/topic-watch.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { fakeCluster } from '../fake-cluster.ts';

const UNKNOWN_TOPIC = 3;
const LEADER_NOT_AVAILABLE = 5;

function setUp() {
  const clock = new VirtualClock();
  const hear = (): void => {
    seen.troubles += 1;
  };
  const seen = { asked: 0, troubles: 0, exists: false, changes: [] as string[] };
  const answer = (_: string, { topics: [{ name }] }: { topics: [{ name: string }] }) => {
    seen.asked += 1;
    const partition = { errorCode: 0, partitionIndex: 0, leaderId: 1, leaderEpoch: 0 };
    const errorCode = seen.exists ? 0 : UNKNOWN_TOPIC;
    const partitions = seen.exists ? [partition] : [];
    const topicId = 'AAAAAAAAAAAAAAAAAAAAAg';
    const topics = [{ name, topicId, errorCode, partitions, isInternal: false }];
    return { errorCode: 0, brokers: [{ nodeId: 1, host: 'h', port: 1 }], topics };
  };
  const cluster = fakeCluster(clock, answer, { onTrouble: hear });
  const watch = new TopicWatch(cluster, {
    topics: ['t'],
    everyMs: 300_000,
    onChange: (what) => void seen.changes.push(what),
    onTrouble: hear,
  });
  return { clock, seen, watch };
}

test('a topic that is not there is asked for now and then, however long it is missing', async () => {
  const { clock, seen, watch } = setUp();
  expect(await clock.until(watch.follow(['t']))).toEqual(new Map());
  await clock.advance(60_000);
  const before = { ...seen };
  await clock.advance(10_000);
  expect(seen.asked - before.asked).toBeLessThanOrEqual(20);
  expect(seen.troubles - before.troubles).toBeLessThanOrEqual(20);
  seen.exists = true;
  await clock.advance(3_000);
  expect(seen.changes).toContain("topic 't' has 1 partitions now");
  watch.stop();
});

/** Topics with `partitions` each; the one called `odd` with this error. */
function withOdd(clock: VirtualClock, errorCode: number, leaderless: object[]) {
  const partition = { errorCode: 0, partitionIndex: 0, leaderId: 1, leaderEpoch: 0 };
  return fakeCluster(clock, (_, { topics: [{ name }] }: { topics: [{ name: string }] }) => {
    const isOdd = name === 'odd';
    const partitions = isOdd ? leaderless : [partition];
    const topic = { name, topicId: name, errorCode: isOdd ? errorCode : 0, partitions };
    return { errorCode: 0, brokers: [{ nodeId: 1, host: 'h', port: 1 }], topics: [topic] };
  });
}

test('a topic that has no leader yet holds up no other, and is no news', async () => {
  const clock = new VirtualClock();
  const troubles: unknown[] = [];
  const changes: string[] = [];
  const watch = new TopicWatch(withOdd(clock, LEADER_NOT_AVAILABLE, []), {
    topics: ['odd', 't'],
    everyMs: 300_000,
    onChange: (what) => void changes.push(what),
    onTrouble: (error) => void troubles.push(error),
  });
  const places = await clock.until(watch.partitions(), 1_000);
  expect(places).toEqual([{ topic: 't', partition: 0 }]);
  await clock.advance(5_000);
  expect(troubles).toContainEqual(expect.objectContaining({ code: 'LEADER_NOT_AVAILABLE' }));
  expect(changes).toEqual([]);
  watch.stop();
});

test('partitions are known that metadata name, whatever they say of the topic', async () => {
  const clock = new VirtualClock();
  const leaderless = [0, 1].map((partitionIndex) => {
    const leaderId = partitionIndex === 0 ? 1 : -1;
    return { errorCode: leaderId < 0 ? LEADER_NOT_AVAILABLE : 0, partitionIndex, leaderId };
  });
  const cluster = withOdd(clock, LEADER_NOT_AVAILABLE, leaderless);
  const { partitions } = await clock.until(cluster.topic('odd'), 1_000);
  expect(partitions.map(({ leaderId }) => leaderId)).toEqual([1, -1]);
  expect(cluster.knownLeader('odd', 0)).toMatchObject({ node: { id: 1 } });
  expect(cluster.knownLeader('odd', 1)).toBe(null);
});
