// The consumer group protocol (KIP-848): joining, handing over, leaving, and what is refused.

import { beforeAll, expect, test } from 'vitest';
import { errorName } from '../../../../src/base/kafka-errors.ts';
import { silentLogger } from '../../../../src/base/ports.ts';
import { loadRegexEngine } from '../../../../src/coordinator/group/consumer/regex.ts';
import {
  commitTopic,
  context,
  type Harness,
  harness,
  subscription,
  TestMember,
} from '../harness.ts';
import {
  describeModern,
  ModernMember,
  replayedModern,
  settleModern,
  sorted,
} from './modern-member.ts';

// Its loading is real I/O, for which a virtual clock does not wait.
beforeAll(loadRegexEngine);

async function pair(h: Harness): Promise<[ModernMember, ModernMember]> {
  const [a, b] = [new ModernMember(h, 'a'), new ModernMember(h, 'b')];
  await settleModern(a, b);
  return [a, b];
}

const ids = (members: readonly ModernMember[], topic = 'orders'): number[] =>
  members.flatMap((member) => member.of(topic)).sort((x, y) => x - y);

test('the first member gets all partitions at once, at epoch 2, as Kafka counts', async () => {
  const h = await harness();
  const a = new ModernMember(h, 'a');
  const response = await a.beat();
  expect(response).toMatchObject({
    errorCode: 0,
    memberId: 'a',
    memberEpoch: 2,
  });
  expect(a.of('orders')).toEqual([0, 1, 2, 3]);
  const group = await describeModern(h);
  expect(group).toMatchObject({
    groupState: 'Stable',
    groupEpoch: 2,
    assignmentEpoch: 2,
  });
  expect(group.assignorName).toBe('uniform');
});

test('a partition is given up before another gets it', async () => {
  const h = await harness();
  const [a, b] = [new ModernMember(h, 'a'), new ModernMember(h, 'b')];
  await a.beat();
  await b.beat();
  // Nothing is free yet: b is in, at the new epoch, with nothing.
  expect(b.epoch).toBe(3);
  expect(b.of('orders')).toEqual([]);
  // a hears what it keeps, at its old epoch, until it says that it has given up the rest.
  const told = await a.beat({ topicPartitions: null });
  expect(told.memberEpoch).toBe(2);
  expect(a.of('orders')).toHaveLength(2);
  await b.beat();
  expect(b.of('orders')).toEqual([]);
  await a.beat();
  expect(a.epoch).toBe(3);
  await b.beat();
  expect(ids([a, b])).toEqual([0, 1, 2, 3]);
  expect(b.of('orders')).toHaveLength(2);
  expect((await describeModern(h)).groupState).toBe('Stable');
});

test('a heartbeat without news is answered from memory, and writes nothing', async () => {
  const h = await harness();
  const [a] = await pair(h);
  const before = h.log.appends.length;
  h.log.mode = 'stall';
  const quiet = {
    topicPartitions: null,
    subscribedTopicNames: null,
    rebalanceTimeoutMs: -1,
  };
  const response = await a.beat(quiet);
  expect(response).toMatchObject({ errorCode: 0, assignment: null });
  expect(h.log.appends.length).toBe(before);
  h.log.resume();
});

test('a leave frees the partitions; the last one leaves an empty group that can be deleted', async () => {
  const h = await harness();
  const [a, b] = await pair(h);
  expect(await b.leave()).toMatchObject({
    errorCode: 0,
    memberId: 'b',
    memberEpoch: -1,
  });
  await a.beat();
  expect(a.of('orders')).toEqual([0, 1, 2, 3]);
  const remove = () => h.clock.until(h.coordinator.deleteGroups({ groupsNames: ['group'] }));
  expect(errorName((await remove()).results[0]!.errorCode)).toBe('NON_EMPTY_GROUP');
  await a.leave();
  expect((await describeModern(h)).groupState).toBe('Empty');
  expect((await remove()).results[0]!.errorCode).toBe(0);
  const gone = await replayedModern(h);
  expect(errorName(gone.errorCode)).toBe('GROUP_ID_NOT_FOUND');
});

test('a member that is not heard of is out after the session timeout; it may join again', async () => {
  const h = await harness();
  const [a, b] = await pair(h);
  for (let ms = 0; ms < 50_000; ms += 5_000) {
    await h.clock.advance(5_000);
    await a.beat();
  }
  expect(a.of('orders')).toEqual([0, 1, 2, 3]);
  expect(errorName((await b.beat()).errorCode)).toBe('UNKNOWN_MEMBER_ID');
  b.epoch = 0;
  b.owned.clear();
  await settleModern(b, a);
  expect(ids([a, b])).toEqual([0, 1, 2, 3]);
});

test('a member that does not give up in time is out, though it is heard of', async () => {
  const h = await harness();
  const [a, b] = [new ModernMember(h, 'a'), new ModernMember(h, 'b')];
  await a.beat();
  await b.beat();
  await a.beat({ topicPartitions: null });
  for (let ms = 0; ms < 35_000; ms += 5_000) {
    await h.clock.advance(5_000);
    await b.beat();
    if (ms < 25_000) expect((await a.beat({ topicPartitions: null })).errorCode).toBe(0);
  }
  expect(errorName((await a.beat()).errorCode)).toBe('UNKNOWN_MEMBER_ID');
  expect(b.of('orders')).toEqual([0, 1, 2, 3]);
});

test('epochs: a lost answer may be asked for again, anything else is fenced', async () => {
  const h = await harness();
  const [a] = await pair(h);
  const before = a.epoch;
  const fenced = async (memberEpoch: number, topicPartitions = a.request().topicPartitions) =>
    errorName((await a.beat({ memberEpoch, topicPartitions })).errorCode);
  expect(await fenced(before + 1)).toBe('FENCED_MEMBER_EPOCH');
  expect(await fenced(before - 1, null)).toBe('FENCED_MEMBER_EPOCH');
  expect(await fenced(before - 1)).toBe('NONE');
  expect(a.epoch).toBe(before);
  const alien = [{ topicId: h.topics.topic('pages')!.id, partitions: [0] }];
  expect(await fenced(before - 1, alien)).toBe('FENCED_MEMBER_EPOCH');
  // Whoever begins anew with nothing is told all it has.
  const owned = a.of('orders');
  a.owned.clear();
  await a.beat({ memberEpoch: 0 });
  expect(a.of('orders')).toEqual(owned);
});

test('static members: a restart moves nothing, a twin is kept out, the old id is fenced', async () => {
  const h = await harness();
  const [a, b] = [new ModernMember(h, 'a'), new ModernMember(h, 'b')];
  a.instanceId = 'one';
  await settleModern(a, b);
  const owned = a.of('orders');
  const twin = new ModernMember(h, 'twin');
  twin.instanceId = 'one';
  expect(errorName((await twin.beat()).errorCode)).toBe('UNRELEASED_INSTANCE_ID');
  const epoch = (await describeModern(h)).groupEpoch;
  expect(await a.leave(-2)).toMatchObject({ errorCode: 0, memberEpoch: -2 });
  await b.beat();
  expect(b.of('orders')).toHaveLength(2);
  await twin.beat();
  expect(twin.of('orders')).toEqual(owned);
  expect((await describeModern(h)).groupEpoch).toBe(epoch);
  expect(errorName((await a.beat()).errorCode)).toBe('FENCED_INSTANCE_ID');
});

test('new partitions, new topics and deleted ones reach the members', async () => {
  const h = await harness();
  const a = new ModernMember(h, 'a');
  a.topics = ['orders', 'later'];
  await a.beat();
  h.topics.add('orders', 6);
  h.topics.add('later', 1);
  await h.coordinator.onTopicsChanged();
  await a.beat();
  expect(a.of('orders')).toEqual([0, 1, 2, 3, 4, 5]);
  expect(a.of('later')).toEqual([0]);
  h.topics.known.delete('orders');
  await h.coordinator.onTopicsChanged();
  await a.beat();
  await a.beat();
  expect([...a.owned.values()]).toEqual([[0]]);
});

test('a regular expression takes in topics that come later; a broken or greedy one is harmless', async () => {
  const h = await harness();
  const a = new ModernMember(h, 'a');
  a.topics = null;
  a.regex = '(ord|pag).*';
  await a.beat();
  expect(a.of('orders')).toHaveLength(4);
  expect(a.of('pages')).toHaveLength(2);
  h.topics.add('ordinary', 1);
  h.topics.add('border', 1);
  await h.coordinator.onTopicsChanged();
  await a.beat();
  expect(a.of('ordinary')).toEqual([0]);
  expect(a.of('border')).toEqual([]);
  const broken = await a.beat({ subscribedTopicRegex: 'a(' });
  expect(errorName(broken.errorCode)).toBe('INVALID_REGULAR_EXPRESSION');
  // Backtracking would take for ever here.
  h.topics.add('a'.repeat(60), 1);
  expect((await a.beat({ subscribedTopicRegex: '(a+)+b' })).errorCode).toBe(0);
  // Linear in the name, but also in the expression.
  for (const large of ['a?'.repeat(10_000), '(((a{30}){30}){30}){30}', '('.repeat(9_000)]) {
    const { errorCode, errorMessage } = await a.beat({ subscribedTopicRegex: large });
    expect(errorName(errorCode)).toBe('INVALID_REGULAR_EXPRESSION');
    expect(errorMessage!.length).toBeLessThan(400);
  }
  // Each range without regard to case takes long to read: 32 KB of them took most of a minute.
  for (const slow of ['(?i)[a-\u{10ffff}]', '(?i)[a-\\x{10ffff}]', `[${'a'.repeat(5_000)}]`]) {
    const { errorCode } = await a.beat({ subscribedTopicRegex: slow });
    expect(errorName(errorCode)).toBe('INVALID_REGULAR_EXPRESSION');
  }
});

test('what is refused, with the code of Kafka', async () => {
  const h = await harness({ config: { groupConsumerMaxSize: 1 } });
  const a = new ModernMember(h, 'a');
  const code = async (overrides: Parameters<ModernMember['beat']>[0]): Promise<string> =>
    errorName((await a.beat(overrides)).errorCode);
  expect(await code({ memberEpoch: 3 })).toBe('GROUP_ID_NOT_FOUND');
  expect(await code({ memberId: '' })).toBe('INVALID_REQUEST');
  expect(await code({ groupId: '' })).toBe('INVALID_REQUEST');
  expect(await code({ instanceId: '' })).toBe('INVALID_REQUEST');
  expect(await code({ rebalanceTimeoutMs: -1 })).toBe('INVALID_REQUEST');
  expect(await code({ topicPartitions: null })).toBe('INVALID_REQUEST');
  expect(await code({ subscribedTopicNames: null })).toBe('INVALID_REQUEST');
  expect(await code({ memberEpoch: -2 })).toBe('INVALID_REQUEST');
  expect(await code({ memberEpoch: -3 })).toBe('INVALID_REQUEST');
  expect(await code({ serverAssignor: 'mine' })).toBe('UNSUPPORTED_ASSIGNOR');
  expect(h.log.appends).toEqual([]);
  expect(await code({})).toBe('NONE');
  const late = await new ModernMember(h, 'b').beat();
  expect(errorName(late.errorCode)).toBe('GROUP_MAX_SIZE_REACHED');
});

test('commits and fetches are of members, at their epoch; a late one may commit what it still has', async () => {
  const h = await harness();
  const [a, b] = await pair(h);
  const mine = a.of('orders')[0]!;
  const theirs = b.of('orders')[0]!;
  const commit = async (memberId: string, epoch: number, partition: number, version = 9) => {
    const request = {
      groupId: 'group',
      generationIdOrMemberEpoch: epoch,
      memberId,
      groupInstanceId: null,
      retentionTimeMs: -1,
      topics: [commitTopic('orders', partition, 5)],
    };
    const response = await h.clock.until(h.coordinator.offsetCommit(request, context(version)));
    return errorName(response.topics[0]!.partitions[0]!.errorCode);
  };
  expect(await commit('a', a.epoch, mine)).toBe('NONE');
  // KIP-1251: since an earlier epoch a has had this one, and b has not had that one.
  expect(await commit('a', a.epoch - 1, mine)).toBe('NONE');
  expect(await commit('b', 1, theirs)).toBe('STALE_MEMBER_EPOCH');
  expect(await commit('a', a.epoch + 1, mine)).toBe('STALE_MEMBER_EPOCH');
  expect(await commit('nobody', a.epoch, mine)).toBe('UNKNOWN_MEMBER_ID');
  expect(await commit('', -1, mine)).toBe('UNKNOWN_MEMBER_ID');
  expect(await commit('a', a.epoch, mine, 8)).toBe('UNSUPPORTED_VERSION');
  const fetch = async (memberId: string | null, memberEpoch: number) => {
    const groups = [{ groupId: 'group', memberId, memberEpoch, topics: null }];
    const request = { groupId: '', topics: null, groups, requireStable: true };
    const response = await h.clock.until(h.coordinator.offsetFetch(request, context(9)));
    return errorName(response.groups[0]!.errorCode);
  };
  expect(await fetch(null, -1)).toBe('NONE');
  expect(await fetch('a', a.epoch)).toBe('NONE');
  expect(await fetch('a', a.epoch - 1)).toBe('STALE_MEMBER_EPOCH');
  expect(await fetch('nobody', a.epoch)).toBe('UNKNOWN_MEMBER_ID');
});

test('administrators see the group as what it is', async () => {
  const h = await harness();
  await pair(h);
  const listed = h.coordinator.listGroups({
    statesFilter: ['stable'],
    typesFilter: ['consumer'],
  });
  expect(listed.groups).toEqual([
    {
      groupId: 'group',
      protocolType: 'consumer',
      groupState: 'Stable',
      groupType: 'consumer',
    },
  ]);
  const asked = { groups: ['group'], includeAuthorizedOperations: false };
  const described = await h.clock.until(h.coordinator.describeGroups(asked, context(6)));
  expect(errorName(described.groups[0]!.errorCode)).toBe('GROUP_ID_NOT_FOUND');
  expect(described.groups[0]!.errorMessage).toBe('Group group is not a classic group.');
});

test('a restart of the broker changes nothing, also over a group that was emptied and filled again', async () => {
  const h = await harness();
  const [a, b] = await pair(h);
  await a.leave();
  await b.leave();
  const c = new ModernMember(h, 'c');
  c.topics = null;
  c.regex = 'pa.*';
  await settleModern(c, a);
  const before = sorted(await describeModern(h));
  expect(await replayedModern(h)).toEqual(before);
  // Time goes on after the restart: nobody is heard of, so the group empties.
  await h.clock.advance(60_000);
  expect((await describeModern(h)).groupState).toBe('Empty');
});

test('what a member says of itself must fit into the log, in either protocol', async () => {
  const h = await harness({ config: { messageMaxBytes: 2_000 } });
  const a = new ModernMember(h, 'a');
  await settleModern(a);
  const appended = h.log.appends.length;
  const names = Array.from({ length: 200 }, (_, index) => `topic-${index}`);
  const { errorCode, errorMessage } = await a.beat({ subscribedTopicNames: names });
  expect(errorName(errorCode)).toBe('UNKNOWN_SERVER_ERROR');
  expect(errorMessage).toBe('What member a says of itself is larger than message.max.bytes.');
  const classic = new TestMember(h);
  classic.protocols = [{ name: 'range', metadata: subscription(...names) }];
  const joined = await h.clock.until(classic.join());
  expect(errorName(joined.errorCode)).toBe('UNKNOWN_SERVER_ERROR');
  expect(h.log.appends).toHaveLength(appended);
  expect((await describeModern(h)).members).toHaveLength(1);
  expect((await a.beat()).errorCode).toBe(0);
});

test('a classic group whose members say too much does not become a consumer group', async () => {
  const h = await harness({ config: { messageMaxBytes: 2_000 } });
  const names = Array.from({ length: 200 }, (_, index) => `topic-${index}`);
  const classic = new TestMember(h);
  classic.protocols = [{ name: 'range', metadata: subscription(...names) }];
  await h.clock.until(classic.join());
  const { errorCode } = await new ModernMember(h, 'a').beat();
  expect(errorName(errorCode)).toBe('UNKNOWN_SERVER_ERROR');
  expect((await h.clock.until(classic.heartbeat())).errorCode).toBe(0);
});

test('bytes that are no text grow when they are read: only who sends them is refused', async () => {
  const failures: unknown[] = [];
  const logger = { ...silentLogger, error: (fields: object) => failures.push(fields) };
  const h = await harness({ logger });
  await settleModern(new ModernMember(h, 'a'));
  const noText = subscription('x'.repeat(30_000));
  noText.fill(0xff, noText.indexOf('x'), noText.lastIndexOf('x') + 1);
  const join = async (member: TestMember): Promise<string> =>
    errorName((await h.clock.until(member.join())).errorCode);
  const [classic, named, other] = [
    new TestMember(h),
    new TestMember(h),
    new TestMember(h, 'other'),
  ];
  classic.protocols = [{ name: 'range', metadata: noText }];
  expect(await join(classic)).toBe('UNKNOWN_SERVER_ERROR');
  named.memberId = '\ufffd'.repeat(20_000);
  expect(await join(named)).toBe('UNKNOWN_SERVER_ERROR');
  other.protocols = classic.protocols;
  expect(await join(other)).toBe('NONE');
  const upgrade = await new ModernMember(h, 'b', 'other').beat();
  expect(errorName(upgrade.errorCode)).toBe('UNKNOWN_SERVER_ERROR');
  // A decision that fails for it makes all groups of the partition load again.
  expect(failures).toEqual([]);
});
