// Consumers of many makes in one group: kafkajs, @platformatic/kafka, kcat (librdkafka) and Java's, of both group
// protocols; they join, leave, crash, stand still and come back while the broker restarts. A million records are read at
// least once, and exactly once where nobody crashed.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect } from 'vitest';
import { createTopic, RawClient, recordInEach } from '../../bench/load/raw-client.ts';
import {
  freePort,
  type PeerBroker,
  startBroker,
  testTarget,
  waitUntil,
} from '../../bench/peers/index.ts';
import { ConsumerGroupDescribe, DescribeGroups } from '../../src/protocol/index.ts';
import { buildBatch } from '../../src/record/index.ts';
import {
  javaMember,
  kafkajsMember,
  kcatMember,
  type MemberTask,
  type ProcessMember,
  platformaticMember,
  type RealMember,
} from '../support/peers/group-members.ts';
import { testWith } from '../support/peers/require-tool.ts';
import { Seen } from '../support/peers/seen.ts';

const TOPIC = 'work';
const PARTITIONS = 12;
const BATCH_RECORDS = 1_000;
const PATIENCE_MS = 120_000;
/** Sessions of the new protocol are the broker's to say: short, so that a crash is soon seen. */
const config = {
  'group.consumer.min.session.timeout.ms': '10000',
  'group.consumer.session.timeout.ms': '10000',
  'group.consumer.min.heartbeat.interval.ms': '1000',
  'group.consumer.heartbeat.interval.ms': '1000',
};

const withAll = testWith('broker', 'kcat', 'java', 'kafkajs', 'platformatic');

let broker: PeerBroker | undefined;
const members: RealMember[] = [];

afterEach(async () => {
  await Promise.allSettled(members.splice(0).map((member) => member.stop()));
  await broker?.stop();
  broker = undefined;
});

function joined<M extends RealMember>(member: M): M {
  members.push(member);
  return member;
}

async function left(member: RealMember): Promise<void> {
  members.splice(members.indexOf(member), 1);
  await member.stop();
}

async function crashed(member: ProcessMember): Promise<void> {
  members.splice(members.indexOf(member), 1);
  await member.kill();
}

/** Records of a few bytes, the same number in each partition. */
async function fill(port: number, perPartition: number): Promise<void> {
  const client = await RawClient.connect(port);
  await createTopic(client, TOPIC, PARTITIONS);
  const records = buildBatch(
    Array.from({ length: BATCH_RECORDS }, () => ({
      timestamp: Date.now(),
      key: null,
      value: Buffer.from('x'),
    })),
  );
  const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  for (let count = 0; count < perPartition; count += BATCH_RECORDS) {
    await recordInEach(client, TOPIC, all, records);
  }
  client.close();
}

interface World {
  readonly broker: PeerBroker;
  readonly task: MemberTask;
  readonly seen: Seen;
}

async function world(groupId: string, perPartition: number, port?: number): Promise<World> {
  broker = await startBroker({
    kind: testTarget(),
    config,
    ...(port === undefined ? {} : { port }),
  });
  await fill(broker.port, perPartition);
  const seen = new Seen(PARTITIONS, perPartition);
  const onRecord: MemberTask['onRecord'] = (...read) => seen.add(...read);
  return { broker, seen, task: { bootstrap: broker.bootstrap, groupId, topic: TOPIC, onRecord } };
}

async function untilRead(seen: Seen, count: number): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (seen.distinct < count) {
    if (performance.now() > end) throw new Error(`${seen.distinct} of ${count} records were read`);
    await sleep(20);
  }
}

/** State, number of members and epoch of the group, of either protocol. */
async function groupOf(port: number, groupId: string) {
  const client = await RawClient.connect(port);
  const asked = { includeAuthorizedOperations: false };
  const modern = await client.send(ConsumerGroupDescribe, 0, { groupIds: [groupId], ...asked });
  const classic = await client.send(DescribeGroups, 5, { groups: [groupId], ...asked });
  client.close();
  const [one, other] = [modern.groups[0], classic.groups[0]];
  const isModern = one?.errorCode === 0;
  return {
    type: isModern ? 'consumer' : 'classic',
    state: isModern ? one.groupState : (other?.groupState ?? ''),
    epoch: isModern ? one.groupEpoch : -1,
    members: (isModern ? one.members : (other?.members ?? [])).map(({ memberId }) => memberId),
  };
}

async function untilStable(port: number, groupId: string, count: number): Promise<void> {
  const stable = async (): Promise<boolean> => {
    const group = await groupOf(port, groupId).catch(() => undefined);
    return group?.state === 'Stable' && group.members.length === count;
  };
  await waitUntil(stable, { timeoutMs: PATIENCE_MS, what: `${count} members in a stable group` });
}

describe('one group of many clients', { timeout: 600_000 }, () => {
  withAll('classic: a million records once, while members come and go in good order', async () => {
    const perPartition = 84_000;
    const { seen, task, broker: own } = await world('classic', perPartition);
    const first = joined(kcatMember(task));
    joined(await kafkajsMember(task));
    await untilRead(seen, 50_000);
    joined(javaMember('classic', task));
    await untilRead(seen, 400_000);
    await left(first);
    await untilRead(seen, PARTITIONS * perPartition);
    joined(kcatMember(task));
    await untilStable(own.port, 'classic', 3);
    await sleep(1_000);
    expect(seen.complete).toBe(true);
    expect(seen.repeats).toEqual({});
  });

  withAll(
    'mixed: a classic group is upgraded by members of the new protocol, and goes back',
    async () => {
      const perPartition = 84_000;
      const { seen, task, broker: own } = await world('mixed', perPartition);
      joined(kcatMember(task));
      joined(await kafkajsMember(task));
      await untilRead(seen, 50_000);
      const java = joined(javaMember('consumer', task));
      await waitUntil(async () => (await groupOf(own.port, 'mixed')).type === 'consumer', {
        timeoutMs: PATIENCE_MS,
        what: 'the upgrade',
      });
      await untilRead(seen, PARTITIONS * perPartition);
      await untilStable(own.port, 'mixed', 3);
      await left(java);
      await untilStable(own.port, 'mixed', 2);
      expect((await groupOf(own.port, 'mixed')).type).toBe('classic');
      await sleep(1_000);
      expect(seen.complete).toBe(true);
      expect(seen.repeats).toEqual({});
    },
  );

  withAll('crashes, static members, pauses and restarts of the broker lose nothing', async () => {
    const port = await freePort();
    const perPartition = 84_000;
    const { seen, task, broker: own } = await world('rough', perPartition, port);
    const directory = own.logDirectory;
    const victim = joined(kcatMember({ ...task, commits: 'never' }));
    const stays = joined(kcatMember({ ...task, instanceId: 'one' }));
    await untilRead(seen, 20_000);
    await crashed(victim);
    const java = joined(javaMember('consumer', { ...task, commits: 'never' }));
    joined(await kafkajsMember(task));
    const guest = joined(await platformaticMember('consumer', task));
    await untilRead(seen, 100_000);
    // A static member is away for less than its session.
    await left(stays);
    joined(kcatMember({ ...task, instanceId: 'one' }));
    await untilRead(seen, 200_000);
    await own.stopKeepingData();
    broker = await startBroker({ kind: testTarget(), config, port, directory });
    await untilRead(seen, 400_000);
    await crashed(java);
    const frozen = joined(kcatMember(task));
    await sleep(3_000);
    frozen.freeze();
    await sleep(12_000);
    frozen.thaw();
    joined(javaMember('consumer', task));
    await untilStable(port, 'rough', 5);
    await left(guest);
    await untilRead(seen, PARTITIONS * perPartition);
    expect(seen.complete).toBe(true);
    await untilStable(port, 'rough', 4);
  });

  withAll('a handler slower than the session timeout brings about no rebalance', async () => {
    const perPartition = 20_000;
    const { seen, task, broker: own } = await world('slow', perPartition);
    const slow = [
      joined(kcatMember({ ...task, sessionTimeoutMs: 6_000 })),
      joined(javaMember('consumer', task)),
    ];
    await untilStable(own.port, 'slow', 2);
    await untilRead(seen, 1_000);
    const before = await groupOf(own.port, 'slow');
    for (const member of slow) member.hold();
    for (let seconds = 0; seconds < 14; seconds++) {
      await sleep(1_000);
      expect(await groupOf(own.port, 'slow')).toEqual(before);
    }
    for (const member of slow) member.release();
    await untilRead(seen, PARTITIONS * perPartition);
    expect(seen.repeats).toEqual({});
    expect(await groupOf(own.port, 'slow')).toEqual(before);
  });
});
