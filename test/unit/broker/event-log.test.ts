// The timeline over a real engine whose disk refuses to write: groups and other partitions go on, what is lost is
// counted, and it goes on by itself once the disk is well again.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { groupEventLog, topicView } from '../../../src/broker/command-log.ts';
import { EVENTS_TOPIC, Timeline } from '../../../src/coordinator/index.ts';
import { openEngine } from '../../../src/engine/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { FaultyDisk } from '../engine/support/faulty-disk.ts';

test('a disk that refuses costs entries, not more, and the timeline goes on by itself', async () => {
  const clock = new VirtualClock();
  const disk = new FaultyDisk();
  const shared = { clock, random: new SeededRandom(1), logger: silentLogger };
  const engine = await clock.until(openEngine({ ...shared, disk, root: 'data' }));
  const log = groupEventLog(engine);
  const topics = topicView(engine);
  const timeline = new Timeline({ ...shared, log, topics, enabled: () => true });
  const happens = (groupId: string): void =>
    timeline.decided([{ kind: 'ended', groupId, why: 'deleted' }], clock.now());

  happens('a');
  await clock.advance(1000);
  expect(timeline.counts).toEqual({ written: 1, lost: 0, summed: 0 });
  expect(engine.topic(EVENTS_TOPIC)).toMatchObject({ internal: true, partitionCount: 1 });
  expect([...topics.topics()].map(({ name }) => name)).toEqual([]);

  disk.refuse = (operation, path) => operation !== 'read' && path.includes(EVENTS_TOPIC);
  happens('b');
  await clock.advance(1000);
  expect(engine.partition(EVENTS_TOPIC, 0)?.online).toBe(false);
  happens('c');
  await clock.advance(5000);
  expect(timeline.counts).toMatchObject({ written: 1, lost: 2 });

  disk.refuse = () => false;
  happens('d');
  await clock.advance(60_000);
  expect(timeline.counts).toMatchObject({ written: 2, lost: 2 });
  expect(engine.partition(EVENTS_TOPIC, 0)?.online).toBe(true);
  await clock.until(timeline.close());
  await clock.until(engine.close());
});

test('whoever asks for the topic first, it has its settings', async () => {
  const clock = new VirtualClock();
  const shared = { clock, random: new SeededRandom(1), logger: silentLogger };
  const engine = await clock.until(openEngine({ ...shared, disk: new FaultyDisk(), root: 'data' }));
  const topic = await clock.until(engine.autoCreateTopic(EVENTS_TOPIC));
  expect(topic).toMatchObject({ internal: true, partitionCount: 1 });
  expect(Object.fromEntries(topic.configs)).toEqual({
    'cleanup.policy': 'delete',
    'retention.ms': '2592000000',
    'retention.bytes': '33554432',
    'segment.bytes': '4194304',
  });
  await clock.until(engine.close());
});
