// Every administrative request, whatever is behind it.

import { expect, test } from 'vitest';
import type { Target } from '../targets.ts';

export function adminSuite(target: Target): void {
  test('topics: made, described, grown, deleted, and refused with the code of Kafka', async () => {
    await using lab = await target.open();
    const admin = lab.client.admin();
    const name = await lab.topic({ partitions: 2, configs: { 'retention.ms': '86400000' } });
    const topic = await admin.describeTopic(name);
    expect(topic).toMatchObject({ name, internal: false });
    expect(topic.partitions.map((one) => one.partition)).toEqual([0, 1]);
    expect((await admin.listTopics()).map((one) => one.name)).toContain(name);
    await expect(admin.createTopic({ name })).rejects.toMatchObject({
      code: 'TOPIC_ALREADY_EXISTS',
      retriable: false,
    });
    await admin.createPartitions(name, 4);
    await expect(admin.createPartitions(name, 3)).rejects.toMatchObject({
      code: 'INVALID_PARTITIONS',
    });
    // A record for a partition that the producer's metadata do not have yet.
    const producer = lab.client.producer({ value: 'string' });
    await producer.send({ topic: name, value: 'x', partition: 3 });
    expect((await admin.describeTopic(name)).partitions.length).toBe(4);
    const [bad] = await admin.createTopics([{ name: 'no/such', partitions: 1 }]);
    expect(bad?.error?.code).toBe('INVALID_TOPIC_EXCEPTION');
    await admin.deleteTopics([name]);
    await expect(admin.deleteTopics([name])).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
    });
  });

  test('records: where offsets are, and deleting the first of them', async () => {
    await using lab = await target.open();
    const admin = lab.client.admin();
    const topic = await lab.topic();
    const producer = lab.client.producer({ value: 'json' });
    const times = [1_000, 3_000, 2_000];
    for (const timestamp of times) await producer.send({ topic, value: timestamp, timestamp });
    const at = async (place: Parameters<typeof admin.listOffsets>[1]) =>
      (await admin.listOffsets(topic, place)).get(0)?.offset;
    expect(await at('earliest')).toBe(0);
    expect(await at('latest')).toBe(3);
    expect(await at('maxTimestamp')).toBe(1);
    expect(await at(new Date(1_500))).toBe(1);
    expect(await admin.deleteRecords(topic, new Map([[0, 2]]))).toEqual(new Map([[0, 2]]));
    expect(await at('earliest')).toBe(2);
    await expect(admin.deleteRecords(topic, new Map([[0, 99]]))).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
    });
  });

  test('configs: of topics and brokers', async () => {
    await using lab = await target.open();
    const admin = lab.client.admin();
    const name = await lab.topic();
    const resource = { type: 'topic', name } as const;
    await admin.alterConfigs(resource, [
      { name: 'retention.ms', operation: 'set', value: '60000' },
    ]);
    const [entry] = await admin.describeConfigs(resource, { names: ['retention.ms'] });
    expect(entry).toMatchObject({ value: '60000', source: 'topic' });
    await admin.alterConfigs(resource, [
      { name: 'preallocate', operation: 'set', value: false },
      { name: 'retention.ms', operation: 'set', value: 70_000 },
    ]);
    const made = `${name}-numbers`;
    await admin.createTopic({ name: made, configs: { 'retention.ms': 70_000 } });
    for (const one of [resource, { type: 'topic', name: made } as const]) {
      const [number] = await admin.describeConfigs(one, { names: ['retention.ms'] });
      expect(number).toMatchObject({ value: '70000', source: 'topic' });
    }
    await admin.deleteTopics([made]);
    await expect(
      admin.alterConfigs(resource, [{ name: 'retention.ms', operation: 'set', value: 'soon' }]),
    ).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
    const { nodes } = await admin.describeCluster();
    const broker = { type: 'broker', name: String(nodes[0]?.id) } as const;
    expect((await admin.describeConfigs(broker)).length).toBeGreaterThan(20);
    expect(await admin.listConfigResources(['topic'])).toContainEqual(resource);
  });

  test('groups: offsets set, told, forgotten; the group deleted', async () => {
    await using lab = await target.open();
    const admin = lab.client.admin();
    const topic = await lab.topic({ partitions: 2 });
    const group = `group-of-${topic}`;
    const offsets = new Map([
      [0, 0],
      [1, 0],
    ]);
    await admin.alterOffsets(group, topic, offsets);
    expect((await admin.listGroups()).map((one) => one.id)).toContain(group);
    const described = await admin.describeGroup(group);
    expect(described).toMatchObject({ id: group, members: [] });
    expect(described.offsets.length).toBe(2);
    await admin.deleteOffsets(group, [{ topic, partition: 1 }]);
    expect((await admin.describeGroup(group)).offsets).toMatchObject([{ topic, partition: 0 }]);
    await admin.deleteGroup(group);
    await expect(admin.deleteGroup(group)).rejects.toMatchObject({ code: 'GROUP_ID_NOT_FOUND' });
  });

  test('members are removed: a static one by its name, a live one joins again', async () => {
    await using lab = await target.open();
    const admin = lab.client.admin();
    const topic = await lab.topic();
    const group = `members-of-${topic}`;
    const options = { topics: [topic], group, heartbeatIntervalMs: 50 };
    const joined = async (options: object): Promise<void> => {
      const member = lab.client.consumer({ topics: [topic], group, ...options });
      const running = member.run(() => {});
      while (member.assignment().length === 0)
        await new Promise((resolve) => setTimeout(resolve, 10));
      await member.close();
      await running;
    };
    // Closing a static member leaves it in the group.
    await joined({ ...options, instanceId: 'a' });
    expect((await admin.describeGroup(group)).members).toMatchObject([{ instanceId: 'a' }]);
    await admin.removeMembers(group, [{ instanceId: 'a' }]);
    expect((await admin.describeGroup(group)).members).toEqual([]);
    const gone = expect(admin.removeMembers(group, [{ instanceId: 'a' }])).rejects;
    await gone.toMatchObject({ code: 'UNKNOWN_MEMBER_ID' });
    const live = lab.client.consumer(options);
    const running = live.run(() => {});
    const members = async () => (await admin.describeGroup(group)).members;
    const joins = async (not: string): Promise<string> => {
      for (;;) {
        const [one] = await members();
        if (one !== undefined && one.memberId !== not && live.assignment().length > 0)
          return one.memberId;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const memberId = await joins('');
    await admin.removeMembers(group, [{ memberId }]);
    expect(await joins(memberId)).not.toBe(memberId);
    await live.close();
    await running;
  });

  test('client quotas: none are set', async () => {
    await using lab = await target.open();
    const admin = lab.client.admin();
    expect(await admin.describeClientQuotas()).toEqual([]);
    const one = await admin.describeClientQuotas({ 'client-id': { any: true } }, { strict: true });
    expect(one).toEqual([]);
  });

  test('the cluster: brokers, quorum, directories, producers, elections, moves', async () => {
    await using lab = await target.open();
    const admin = lab.client.admin();
    const topic = await lab.topic();
    await lab.client.producer({ value: 'string' }).send({ topic, value: 'x' });
    const { nodes, clusterId } = await admin.describeCluster();
    expect(clusterId).toEqual(expect.any(String));
    const { leaderId, voters } = await admin.describeQuorum();
    expect(voters.map((one) => one.nodeId)).toContain(leaderId);
    const [directory] = await admin.describeLogDirs(new Map([[topic, [0]]]));
    expect(directory?.partitions).toMatchObject([{ topic, partition: 0 }]);
    const [known] = await admin.describeProducers({ topic, partition: 0 });
    expect(known).toMatchObject({ producerEpoch: 0, lastSequence: 0 });
    expect(await admin.electLeaders([{ topic, partition: 0 }])).toEqual([]);
    expect(await admin.listReassignments()).toEqual([]);
    const stay = [{ topic, partition: 0, replicas: nodes.slice(0, 1).map((one) => one.id) }];
    expect(await admin.alterReassignments(stay)).toMatchObject([{ topic, error: null }]);
    const away = [{ topic, partition: 0, replicas: [4711] }];
    expect((await admin.alterReassignments(away))[0]?.error?.code).toBe(
      'INVALID_REPLICA_ASSIGNMENT',
    );
  });
}
