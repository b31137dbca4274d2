// The disk takes nothing for a while: who waits for it waits, and groups go on, their heartbeats answered from memory.

import { afterEach, expect, test } from 'vitest';
import { createTopic, RawClient } from '../../../bench/load/raw-client.ts';
import { type ServingBroker, serveAlone } from '../../../src/compose/serve-alone.ts';
import {
  ConsumerGroupDescribe,
  ConsumerGroupHeartbeat,
  Heartbeat,
  JoinGroup,
  OffsetCommit,
  Produce,
  SyncGroup,
} from '../../../src/protocol/index.ts';
import { buildBatch } from '../../../src/record/index.ts';
import { MemoryDisk } from '../../../src/storage/index.ts';
import { wrapFiles } from '../../support/simulation-faults.ts';
import { subscription } from '../coordinator/harness.ts';

const TOPIC = 'orders';
let broker: ServingBroker | undefined;
const clients: RawClient[] = [];
let release: () => void = () => undefined;

afterEach(async () => {
  release();
  for (const client of clients.splice(0)) client.close();
  await broker?.close();
  broker = undefined;
});

/** A broker whose writes and syncs stand still between `stall` and `release`. */
async function stallable(): Promise<{ port: number; stall: () => void }> {
  let free: Promise<void> = Promise.resolve();
  const disk = wrapFiles(new MemoryDisk(), (file) => ({
    write: async (parts, position) => {
      await free;
      return file.write(parts, position);
    },
    datasync: async () => {
      await free;
      return file.datasync();
    },
  }));
  const configs = {
    'group.initial.rebalance.delay.ms': 0,
    'group.consumer.assignment.interval.ms': 0,
    'offsets.topic.num.partitions': 1,
  };
  broker = await serveAlone({ memory: true, port: 0, configs }, { disk });
  const stall = (): void => {
    free = new Promise((resolve) => {
      release = resolve;
    });
  };
  return { port: broker.ports[0] ?? 0, stall };
}

async function connect(port: number): Promise<RawClient> {
  const client = await RawClient.connect(port);
  clients.push(client);
  return client;
}

async function joinClassic(client: RawClient): Promise<string> {
  const request = {
    groupId: 'classic',
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription(TOPIC) }],
  };
  const { memberId } = await client.send(JoinGroup, 9, { ...request, memberId: '' });
  await client.send(JoinGroup, 9, { ...request, memberId });
  const assignments = [{ memberId, assignment: Buffer.from('mine') }];
  const sync = { groupId: 'classic', generationId: 1, memberId, assignments };
  await client.send(SyncGroup, 5, { ...sync, protocolType: 'consumer', protocolName: 'range' });
  return memberId;
}

async function joinModern(client: RawClient): Promise<number> {
  const { memberEpoch } = await client.send(ConsumerGroupHeartbeat, 1, {
    groupId: 'modern',
    memberId: 'a',
    memberEpoch: 0,
    rebalanceTimeoutMs: 30_000,
    subscribedTopicNames: [TOPIC],
    topicPartitions: [],
  });
  return memberEpoch;
}

test('heartbeats are answered while the disk stands still; commits and records wait for it', async () => {
  const { port, stall } = await stallable();
  const [beats, commits, records] = [await connect(port), await connect(port), await connect(port)];
  await createTopic(beats, TOPIC, 2);
  const memberId = await joinClassic(beats);
  const memberEpoch = await joinModern(beats);
  stall();
  const answered: string[] = [];
  const note = (what: string) => () => void answered.push(what);
  const commit = (groupId: string) => ({
    groupId,
    generationIdOrMemberEpoch: groupId === 'classic' ? 1 : memberEpoch,
    memberId: groupId === 'classic' ? memberId : 'a',
    topics: [
      {
        name: TOPIC,
        partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }],
      },
    ],
  });
  const committing = commits.send(OffsetCommit, 9, commit('classic'));
  void committing.then(note('commit'));
  const batch = buildBatch([{ timestamp: 0, key: null, value: Buffer.from('x') }]);
  const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records: batch }] }];
  const producing = records.send(Produce, 7, { acks: -1, timeoutMs: 60_000, topicData });
  void producing.then(note('produce'));
  for (let round = 0; round < 20; round++) {
    const classic = { groupId: 'classic', generationId: 1, memberId };
    expect((await beats.send(Heartbeat, 4, classic)).errorCode).toBe(0);
    const modern = { groupId: 'modern', memberId: 'a', memberEpoch };
    const beat = await beats.send(ConsumerGroupHeartbeat, 1, modern);
    expect(beat).toMatchObject({ errorCode: 0, memberEpoch });
    const asked = { groupIds: ['modern'], includeAuthorizedOperations: false };
    const { groups } = await beats.send(ConsumerGroupDescribe, 1, asked);
    expect(groups[0]?.groupState).toBe('Stable');
  }
  expect(answered).toEqual([]);
  release();
  const committed = await committing;
  expect(committed.topics[0]?.partitions[0]?.errorCode).toBe(0);
  const produced = await producing;
  expect(produced.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
});

test('a member that comes while the disk stands still waits, and other groups do not', async () => {
  const { port, stall } = await stallable();
  const [beats, joins] = [await connect(port), await connect(port)];
  await createTopic(beats, TOPIC, 2);
  const memberEpoch = await joinModern(beats);
  const memberId = await joinClassic(beats);
  stall();
  let told = false;
  const joining = joins.send(ConsumerGroupHeartbeat, 1, {
    groupId: 'modern',
    memberId: 'b',
    memberEpoch: 0,
    rebalanceTimeoutMs: 30_000,
    subscribedTopicNames: [TOPIC],
    topicPartitions: [],
  });
  void joining.then(() => {
    told = true;
  });
  for (let round = 0; round < 20; round++) {
    const beat = await beats.send(Heartbeat, 4, { groupId: 'classic', generationId: 1, memberId });
    expect(beat.errorCode).toBe(0);
  }
  expect(told).toBe(false);
  release();
  expect(await joining).toMatchObject({ errorCode: 0, memberEpoch: memberEpoch + 1 });
});
