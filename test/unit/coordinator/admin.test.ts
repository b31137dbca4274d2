import { expect, test } from 'vitest';
import { ErrorCode } from '../../../src/base/kafka-errors.ts';
import {
  commitCode,
  describe1,
  fetchOffset,
  harness,
  settle,
  subscription,
  TestMember,
} from './harness.ts';

const simple = { generationIdOrMemberEpoch: -1, memberId: '' };

test('DescribeGroups shows members, and their metadata once the group is stable', async () => {
  const h = await harness();
  const [a, b] = [new TestMember(h), new TestMember(h, 'group', 'two')];
  await Promise.all([h.clock.until(a.join()), h.clock.until(b.join())]);
  const completing = await describe1(h);
  expect(completing).toMatchObject({ groupState: 'CompletingRebalance', protocolData: '' });
  expect(completing.members[0]!.memberMetadata).toHaveLength(0);
  // The static member needs no handshake, so it was first and leads.
  await Promise.all([h.clock.until(b.sync({ [b.memberId]: 'part' })), h.clock.until(a.sync())]);
  const stable = await describe1(h);
  expect(stable).toMatchObject({
    errorCode: 0,
    groupState: 'Stable',
    protocolType: 'consumer',
    protocolData: 'range',
    authorizedOperations: -2_147_483_648,
  });
  expect(stable.members[0]).toEqual({
    memberId: b.memberId,
    groupInstanceId: 'two',
    clientId: 'client',
    clientHost: '/127.0.0.1',
    memberMetadata: subscription('orders'),
    memberAssignment: Buffer.from('part'),
  });
});

test('DescribeGroups tells what members have while the group rebalances, as Kafka does', async () => {
  const h = await harness();
  await settle(h, new TestMember(h));
  void new TestMember(h).join();
  await h.clock.advance(1);
  const described = await describe1(h);
  expect(described.groupState).toBe('PreparingRebalance');
  expect(described.members[0]!.memberMetadata).toHaveLength(0);
  expect(described.members[0]!.memberAssignment).toEqual(Buffer.from('assigned 0'));
});

test('an unknown group is Dead, and an error from v6', async () => {
  const h = await harness();
  expect(await describe1(h, 'nowhere', 5)).toMatchObject({ errorCode: 0, groupState: 'Dead' });
  expect(await describe1(h, 'nowhere', 6)).toMatchObject({
    errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
    errorMessage: 'Group nowhere not found.',
    groupState: 'Dead',
  });
});

test('ListGroups filters by state and type, without regard to case', async () => {
  const h = await harness();
  await settle(h, new TestMember(h, 'live'));
  await h.clock.until(new TestMember(h, 'loner').commit(1, simple));
  const list = (statesFilter: string[], typesFilter: string[] = []) =>
    h.coordinator
      .listGroups({ statesFilter, typesFilter })
      .groups.map((group) => group.groupId)
      .sort();
  expect(list([])).toEqual(['live', 'loner']);
  expect(list(['stable'])).toEqual(['live']);
  expect(list(['EMPTY'])).toEqual(['loner']);
  expect(list(['Dead'])).toEqual([]);
  expect(list([], ['Classic'])).toEqual(['live', 'loner']);
  expect(list([], ['consumer'])).toEqual([]);
  expect(h.coordinator.listGroups({ statesFilter: ['stable'], typesFilter: [] }).groups).toEqual([
    { groupId: 'live', protocolType: 'consumer', groupState: 'Stable', groupType: 'classic' },
  ]);
});

test('DeleteGroups takes empty groups with their offsets, and refuses the others', async () => {
  const h = await harness();
  const member = new TestMember(h, 'live');
  await settle(h, member);
  await h.clock.until(member.commit(4));
  await h.clock.until(new TestMember(h, 'loner').commit(1, simple));
  const remove = async (...groupsNames: string[]) =>
    (await h.clock.until(h.coordinator.deleteGroups({ groupsNames }))).results.map(
      (result) => result.errorCode,
    );
  expect(await remove('live', 'loner', 'nowhere')).toEqual([
    ErrorCode.NON_EMPTY_GROUP,
    0,
    ErrorCode.GROUP_ID_NOT_FOUND,
  ]);
  await h.clock.until(member.leave());
  expect(await remove('live')).toEqual([0]);
  expect((await fetchOffset(h, 'live')).committedOffset).toBe(-1);
  await h.restart();
  expect(h.coordinator.listGroups({ statesFilter: [], typesFilter: [] }).groups).toEqual([]);
  expect((await fetchOffset(h, 'live')).committedOffset).toBe(-1);
  // The name is free for a new life.
  const next = new TestMember(h, 'live');
  await settle(h, next);
  expect(next.generation).toBe(1);
  expect(commitCode(await h.clock.until(next.commit(9)))).toBe(0);
});
