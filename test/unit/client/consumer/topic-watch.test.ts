// What a topic that is not there costs whoever watches for it.

import { expect, test } from 'vitest';
import { TopicWatch } from '../../../../src/client/consumer/topic-watch.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { fakeCluster } from '../fake-cluster.ts';

const UNKNOWN_TOPIC = 3;

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
