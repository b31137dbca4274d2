// Members of consumer groups (KIP-848) in special cases: static ones, changed subscriptions, configs, limits.

import { expect, test } from 'vitest';
import { errorName } from '../../../../src/base/kafka-errors.ts';
import { loadRegexEngine } from '../../../../src/coordinator/group/consumer/regex.ts';
import { encodeRecord, partitionFor } from '../../../../src/coordinator/index.ts';
import { context, describe1, harness } from '../harness.ts';
import { describeModern, ModernMember, replayedModern, settleModern } from './modern-member.ts';

const codeOf = (response: { errorCode: number }): string => errorName(response.errorCode);

test('a static member that is away keeps its place until its session ends, over a restart of the broker too', async () => {
  const h = await harness();
  const [a, b] = [new ModernMember(h, 'a'), new ModernMember(h, 'b')];
  a.instanceId = 'one';
  await settleModern(a, b);
  await a.leave(-2);
  expect((await replayedModern(h)).members.find(({ memberId }) => memberId === 'a')).toMatchObject({
    memberEpoch: -2,
    instanceId: 'one',
  });
  for (let ms = 0; ms < 40_000; ms += 5_000) {
    await h.clock.advance(5_000);
    await b.beat();
    expect(b.of('orders')).toHaveLength(2);
  }
  await h.clock.advance(6_000);
  await settleModern(b);
  expect(b.of('orders')).toEqual([0, 1, 2, 3]);
  // Its place is gone: it joins as a new one.
  a.epoch = 0;
  a.owned.clear();
  await settleModern(a, b);
  expect(a.of('orders')).toHaveLength(2);
});

test('a static member that leaves for good (-1) frees its partitions and its name at once', async () => {
  const h = await harness();
  const [a, b] = [new ModernMember(h, 'a'), new ModernMember(h, 'b')];
  a.instanceId = 'one';
  await settleModern(a, b);
  expect(await a.leave(-1)).toMatchObject({ errorCode: 0, memberEpoch: -1 });
  await settleModern(b);
  expect(b.of('orders')).toEqual([0, 1, 2, 3]);
  expect(codeOf(await a.beat())).toBe('UNKNOWN_MEMBER_ID');
  const next = new ModernMember(h, 'next');
  next.instanceId = 'one';
  expect(codeOf(await next.beat())).toBe('NONE');
});

test('a static member whose first answer was lost may join again under its own id', async () => {
  const h = await harness();
  const a = new ModernMember(h, 'a');
  a.instanceId = 'one';
  await a.beat();
  a.epoch = 0;
  a.owned.clear();
  expect(codeOf(await a.beat())).toBe('NONE');
  expect(a.of('orders')).toEqual([0, 1, 2, 3]);
  expect((await describeModern(h)).groupEpoch).toBe(2);
});

test('a static member that comes back asks for what it asks for now, by name or by expression', async () => {
  await loadRegexEngine();
  const h = await harness();
  const a = new ModernMember(h, 'a');
  a.instanceId = 'one';
  a.topics = null;
  a.regex = 'pages|orders';
  await a.beat();
  expect(a.owned.size).toBe(2);
  await a.leave(-2);
  const again = new ModernMember(h, 'again');
  again.instanceId = 'one';
  await settleModern(again);
  expect(again.of('orders')).toHaveLength(4);
  expect(again.of('pages')).toEqual([]);
});

test('a static member that has gone away cannot hold up those who wait for what it had to give up', async () => {
  const h = await harness();
  const a = new ModernMember(h, 'a');
  a.instanceId = 'one';
  await a.beat();
  const b = new ModernMember(h, 'b');
  await b.beat();
  await a.beat({ topicPartitions: null });
  expect((await describeModern(h)).groupState).toBe('Reconciling');
  await a.leave(-2);
  await settleModern(b);
  expect(b.of('orders')).toHaveLength(2);
});

test('a changed subscription takes its topics away at once and gives the new ones', async () => {
  const h = await harness();
  const [a, b] = [new ModernMember(h, 'a'), new ModernMember(h, 'b')];
  a.topics = ['orders', 'pages'];
  b.topics = ['orders', 'pages'];
  await settleModern(a, b);
  expect([...a.of('pages'), ...b.of('pages')].sort()).toEqual([0, 1]);
  a.topics = ['orders'];
  const told = await a.beat();
  expect(told.assignment?.topicPartitions.map(({ topicId }) => topicId)).not.toContain(
    h.topics.topic('pages')?.id,
  );
  await settleModern(a, b);
  expect(b.of('pages')).toEqual([0, 1]);
  expect([...a.of('orders'), ...b.of('orders')].sort()).toEqual([0, 1, 2, 3]);
  expect(a.of('orders')).toHaveLength(3);
});

test('the assignor that most ask for is used; without votes it is the first that is configured', async () => {
  const h = await harness({
    config: { groupConsumerAssignors: ['range', 'uniform'] },
  });
  const [a, b, c] = ['a', 'b', 'c'].map((id) => new ModernMember(h, id)) as [
    ModernMember,
    ModernMember,
    ModernMember,
  ];
  await a.beat();
  expect((await describeModern(h)).assignorName).toBe('range');
  a.assignor = 'uniform';
  await a.beat();
  expect((await describeModern(h)).assignorName).toBe('uniform');
  b.assignor = 'range';
  c.assignor = 'range';
  await settleModern(a, b, c);
  expect((await describeModern(h)).assignorName).toBe('range');
  expect([a, b, c].map((one) => one.of('orders'))).toEqual([[0, 1], [2], [3]]);
});

test('session timeout and heartbeat interval are the configured ones', async () => {
  const config = {
    groupConsumerSessionTimeoutMs: 3_000,
    groupConsumerHeartbeatIntervalMs: 700,
  };
  const h = await harness({ config });
  const a = new ModernMember(h, 'a');
  expect((await a.beat()).heartbeatIntervalMs).toBe(700);
  await h.clock.advance(2_900);
  expect(codeOf(await a.beat())).toBe('NONE');
  await h.clock.advance(3_100);
  expect(codeOf(await a.beat())).toBe('UNKNOWN_MEMBER_ID');
});

test('a group has settings of its own, and a change of them counts at once', async () => {
  const h = await harness();
  const [a, b] = [new ModernMember(h, 'a', 'own'), new ModernMember(h, 'b', 'other')];
  h.config.ofGroup = (groupId) =>
    groupId === 'own' ? { sessionTimeoutMs: 3_000, heartbeatIntervalMs: 700 } : null;
  expect((await a.beat()).heartbeatIntervalMs).toBe(700);
  expect((await b.beat()).heartbeatIntervalMs).toBe(1_000);
  h.config.ofGroup = () => ({ sessionTimeoutMs: 2_000 });
  await a.beat();
  await h.clock.advance(2_100);
  expect(codeOf(await a.beat())).toBe('UNKNOWN_MEMBER_ID');
  expect(codeOf(await b.beat())).toBe('NONE');
});

test('in a full group members go on, nobody comes in, and who leaves makes room', async () => {
  const h = await harness({ config: { groupConsumerMaxSize: 2 } });
  const [a, b, c] = ['a', 'b', 'c'].map((id) => new ModernMember(h, id)) as [
    ModernMember,
    ModernMember,
    ModernMember,
  ];
  await settleModern(a, b);
  expect(codeOf(await c.beat())).toBe('GROUP_MAX_SIZE_REACHED');
  expect(codeOf(await a.beat())).toBe('NONE');
  await b.leave();
  expect(codeOf(await c.beat())).toBe('NONE');
});

test('before v1 the broker makes up the id of a member that has none', async () => {
  const h = await harness();
  const request = new ModernMember(h, '').request();
  const response = await h.clock.until(h.coordinator.consumerGroupHeartbeat(request, context(0)));
  expect(codeOf(response)).toBe('NONE');
  expect(response.memberId).toMatch(/^[\w-]{22}$/);
});

test('topics that do not exist are waited for; a topic made anew is another topic', async () => {
  const h = await harness();
  const a = new ModernMember(h, 'a');
  a.topics = ['orders', 'later'];
  await a.beat();
  expect(a.owned.size).toBe(1);
  h.topics.add('orders', 2, 'another-id-of-orders-A');
  await h.coordinator.onTopicsChanged();
  await settleModern(a);
  expect([...a.owned]).toEqual([['another-id-of-orders-A', [0, 1]]]);
});

test('DescribeGroups and DeleteGroups of consumer groups answer as Kafka', async () => {
  const h = await harness();
  const a = new ModernMember(h, 'a');
  await a.beat();
  expect(codeOf(await describe1(h))).toBe('GROUP_ID_NOT_FOUND');
  expect((await describe1(h, 'group', 5)).groupState).toBe('Dead');
  const missing = await describeModern(h, 'nobody');
  expect(missing).toMatchObject({
    errorCode: 69,
    errorMessage: 'Group nobody not found.',
  });
});

test('an expression in the log that cannot be read here keeps the topics that it had', async () => {
  await loadRegexEngine();
  const h = await harness();
  const a = new ModernMember(h, 'a');
  a.topics = null;
  a.regex = 'pa.*';
  await settleModern(a);
  // Kafka takes it.
  const regex = '(?i)p[a-\u{10ffff}]ges';
  const subscribed = {
    ...{ instanceId: null, rackId: null, clientId: 'client', clientHost: '/127.0.0.1' },
    ...{ subscribedTopicNames: [], subscribedTopicRegex: regex, rebalanceTimeoutMs: 30_000 },
    ...{ serverAssignor: null, classicMemberMetadata: null },
  };
  const resolved = { topics: ['pages'], version: 0, timestamp: 0 };
  const records = [
    { kind: 'consumer-member', group: 'group', member: 'a', value: subscribed },
    { kind: 'consumer-regex', group: 'group', regex: 'pa.*', value: null },
    { kind: 'consumer-regex', group: 'group', regex, value: resolved },
  ] as const;
  await h.log.append(
    partitionFor('group', h.log.partitionCount()),
    records.map((record) => encodeRecord(record, 0)),
  );
  await h.restart();
  h.topics.add('paGes', 1);
  const { errorCode } = await a.beat({
    subscribedTopicNames: ['orders'],
    subscribedTopicRegex: null,
  });
  expect(errorName(errorCode)).toBe('NONE');
  await a.beat({ subscribedTopicNames: null, subscribedTopicRegex: null });
  expect(a.of('pages')).toEqual([0, 1]);
  expect(a.of('orders')).toEqual([0, 1, 2, 3]);
});
