// A group goes from the classic protocol to the consumer protocol and back while its members work (KIP-848).

import { expect, test } from 'vitest';
import { errorName } from '../../../../src/base/kafka-errors.ts';
import { ConsumerProtocolAssignment, encodeVersioned } from '../../../../src/protocol/index.ts';
import {
  commitCode,
  commitTopic,
  context,
  describe1,
  fetchOffset,
  type Harness,
  harness,
  subscription,
} from '../harness.ts';
import { ClassicConsumer } from './classic-consumer.ts';
import {
  describeModern,
  ModernMember,
  replayedModern,
  settleModern,
  sorted,
} from './modern-member.ts';

type Either = ClassicConsumer | ModernMember;

/** Beats until nobody is told anything new. */
async function settleMixed(...members: [Either, ...Either[]]): Promise<void> {
  const { clock } = members[0].h;
  for (let round = 0; round < 12; round++) {
    for (const member of members) {
      if (member instanceof ModernMember) await member.beat();
      else member.poke();
    }
    await clock.advance(100);
  }
}

const all = (...members: Either[]): number[] =>
  members.flatMap((member) => member.of('orders')).sort((a, b) => a - b);

async function classicPair(h: Harness): Promise<[ClassicConsumer, ClassicConsumer]> {
  const [a, b] = [new ClassicConsumer(h), new ClassicConsumer(h)];
  await h.clock.until(a.enter());
  const joining = b.enter();
  await settleMixed(a);
  await h.clock.until(joining);
  await settleMixed(a, b);
  return [a, b];
}

const typeOf = (h: Harness): string | undefined =>
  h.coordinator.listGroups({ statesFilter: [], typesFilter: [] }).groups[0]?.groupType;

test('a classic group becomes a consumer group when a member of the new protocol joins; all share the topic', async () => {
  const h = await harness();
  const [a, b] = await classicPair(h);
  await h.clock.until(b.commit(7, { topics: [commitTopic('orders', 3, 7)] }));
  const generation = a.generation;
  const c = new ModernMember(h, 'c');
  expect((await c.beat()).errorCode).toBe(0);
  expect(typeOf(h)).toBe('consumer');
  // Nobody has lost anything by it: what c gets is given up by others first.
  expect(c.of('orders')).toEqual([]);
  expect(all(a, b)).toEqual([0, 1, 2, 3]);
  expect(c.epoch).toBe(generation + 1);
  await settleMixed(a, b, c);
  expect(all(a, b, c)).toEqual([0, 1, 2, 3]);
  for (const member of [a, b, c]) expect(member.of('orders').length).toBeGreaterThan(0);
  const group = await describeModern(h);
  expect(group.groupState).toBe('Stable');
  const types = new Map(group.members.map((one) => [one.memberId, one.memberType]));
  expect([a, b, c].map(({ memberId }) => types.get(memberId))).toEqual([0, 0, 1]);
  // Offsets stay, and both kinds commit at their epochs.
  expect((await fetchOffset(h, 'group', 'orders', 3)).committedOffset).toBe(7);
  const mine = a.of('orders')[0] ?? -1;
  const commit = () => h.clock.until(a.commit(9, { topics: [commitTopic('orders', mine, 9)] }));
  expect(commitCode(await commit())).toBe(0);
  a.generation += 1;
  expect(errorName(commitCode(await commit()))).toBe('ILLEGAL_GENERATION');
});

test('the log gives a mixed group again, and its classic members go on in it', async () => {
  const h = await harness();
  const [a, b] = await classicPair(h);
  const c = new ModernMember(h, 'c');
  await c.beat();
  await settleMixed(a, b, c);
  const before = sorted(await describeModern(h));
  expect(await replayedModern(h)).toEqual(before);
  const beats = [await h.clock.until(a.beat()), await h.clock.until(b.beat())];
  expect([...beats, (await c.beat()).errorCode]).toEqual([0, 0, 0]);
  expect(sorted(await describeModern(h))).toEqual(before);
});

test('rolling upgrade and rolling downgrade: at every step all partitions have one owner, and offsets stay', async () => {
  const h = await harness();
  const [a, b] = await classicPair(h);
  const [c, d] = [new ModernMember(h, 'c'), new ModernMember(h, 'd')];
  await c.beat();
  await settleMixed(a, b, c);
  await h.clock.until(a.leave());
  await d.beat();
  await settleMixed(b, c, d);
  expect(all(b, c, d)).toEqual([0, 1, 2, 3]);
  await h.clock.until(b.leave());
  await settleMixed(c, d);
  expect(all(c, d)).toEqual([0, 1, 2, 3]);
  expect(typeOf(h)).toBe('consumer');
  // And back: a classic member joins, those of the new protocol go one by one.
  const e = new ClassicConsumer(h);
  await h.clock.until(e.enter());
  await settleMixed(c, d, e);
  expect(all(c, d, e)).toEqual([0, 1, 2, 3]);
  await c.leave();
  await settleMixed(d, e);
  expect(typeOf(h)).toBe('consumer');
  await d.leave();
  expect(typeOf(h)).toBe('classic');
  await settleMixed(e);
  expect(all(e)).toEqual([0, 1, 2, 3]);
  expect((await describe1(h)).groupState).toBe('Stable');
  await h.restart();
  expect(await describe1(h)).toMatchObject({
    groupState: 'Stable',
    protocolType: 'consumer',
  });
  expect(await h.clock.until(e.beat())).toBe(0);
});

test('the last member of the new protocol is not heard of: the group is classic again', async () => {
  const h = await harness();
  const [a, b] = await classicPair(h);
  const c = new ModernMember(h, 'c');
  await c.beat();
  for (let ms = 0; ms < 60_000; ms += 3_000) {
    await h.clock.advance(3_000);
    a.poke();
    b.poke();
  }
  expect(typeOf(h)).toBe('classic');
  await settleMixed(a, b);
  expect(all(a, b)).toEqual([0, 1, 2, 3]);
});

test('a downgrade whose rebalance a restart of the broker cuts off is rebalanced after it', async () => {
  const h = await harness();
  const [a, b] = await classicPair(h);
  const c = new ModernMember(h, 'c');
  await c.beat();
  await settleMixed(a, b, c);
  await c.leave();
  await h.restart();
  expect(typeOf(h)).toBe('classic');
  await settleMixed(a, b);
  expect(all(a, b)).toEqual([0, 1, 2, 3]);
  await h.restart();
  expect((await describe1(h)).groupState).toBe('Stable');
});

test.each([
  {
    policy: 'disabled',
    upgrade: 'GROUP_ID_NOT_FOUND',
    join: 'INCONSISTENT_GROUP_PROTOCOL',
  },
  { policy: 'downgrade', upgrade: 'GROUP_ID_NOT_FOUND', join: 'NONE' },
  { policy: 'upgrade', upgrade: 'NONE', join: 'NONE' },
  { policy: 'bidirectional', upgrade: 'NONE', join: 'NONE' },
])('group.consumer.migration.policy=$policy', async ({ policy, upgrade, join }) => {
  const h = await harness({
    config: { groupConsumerMigrationPolicy: policy },
  });
  await classicPair(h);
  const refused = await new ModernMember(h, 'c').beat();
  expect(errorName(refused.errorCode)).toBe(upgrade);
  if (upgrade !== 'NONE') {
    expect(refused.errorMessage).toBe(
      'Cannot upgrade classic group group to consumer group because online upgrade is disabled.',
    );
  }
  expect(typeOf(h)).toBe(upgrade === 'NONE' ? 'consumer' : 'classic');
  // A group that began with the new protocol, and what a classic member may do in it.
  const other = await harness({
    config: { groupConsumerMigrationPolicy: policy },
  });
  const modern = new ModernMember(other, 'modern');
  await modern.beat();
  const classic = new ClassicConsumer(other);
  expect(errorName(await other.clock.until(classic.enter()))).toBe(join);
  if (join !== 'NONE') return;
  await modern.leave();
  const back = policy === 'downgrade' || policy === 'bidirectional';
  expect(typeOf(other)).toBe(back ? 'classic' : 'consumer');
  await settleMixed(classic);
  expect(all(classic)).toEqual([0, 1, 2, 3]);
});

test('what cannot be upgraded: too many members, no consumers, a custom assignor, bad metadata', async () => {
  const h = await harness();
  const refusal = async (): Promise<string> => {
    const answer = await new ModernMember(h, 'c').beat();
    expect(errorName(answer.errorCode)).toBe('GROUP_ID_NOT_FOUND');
    return answer.errorMessage ?? '';
  };
  const a = new ClassicConsumer(h);
  a.protocolType = 'connect';
  await h.clock.until(a.enter());
  expect(await refusal()).toContain('does not use the consumer embedded protocol');
  await h.clock.until(a.leave());
  const b = new ClassicConsumer(h);
  b.protocols = [{ name: 'range', metadata: Buffer.from([0]) }];
  await h.clock.until(b.join());
  await h.clock.until(b.sync({}));
  expect(await refusal()).toContain('the embedded consumer protocol is malformed');
  await h.clock.until(b.leave());
  const c = new ClassicConsumer(h);
  await h.clock.until(c.enter());
  const own = { assignedPartitions: [], userData: Buffer.from('mine') };
  const assignment = encodeVersioned(ConsumerProtocolAssignment, 1, own);
  await h.clock.until(c.join());
  await h.clock.until(c.sync({ [c.memberId]: assignment }));
  expect(await refusal()).toContain('an unsupported custom assignor is in use');
  // An empty classic group is no obstacle: its offsets stay, its protocol goes.
  await h.clock.until(c.leave());
  expect((await new ModernMember(h, 'c').beat()).errorCode).toBe(0);
  expect(typeOf(h)).toBe('consumer');
});

test('a member waiting in JoinGroup or SyncGroup while its group is upgraded joins again', async () => {
  const h = await harness();
  const [a, b] = [new ClassicConsumer(h), new ClassicConsumer(h)];
  await h.clock.until(a.enter());
  b.protocols = a.protocols;
  const waiting = b.joinOnce().then(() => b.joinOnce());
  await h.clock.advance(10);
  await new ModernMember(h, 'c').beat();
  expect(await h.clock.until(waiting)).toMatchObject({ errorCode: 0, leader: '', members: [] });
  expect(errorName((await h.clock.until(b.sync())).errorCode)).toBe('REBALANCE_IN_PROGRESS');
  expect(await h.clock.until(b.enter())).toBe(0);
});

test('the first to come to an emptied group decides its protocol', async () => {
  const h = await harness();
  const a = new ModernMember(h, 'a');
  await a.beat();
  await a.leave();
  const b = new ClassicConsumer(h);
  b.memberId = 'gone-long-ago';
  expect(errorName(await h.clock.until(b.enter()))).toBe('UNKNOWN_MEMBER_ID');
  b.memberId = '';
  await h.clock.until(b.enter());
  expect(typeOf(h)).toBe('classic');
  await h.restart();
  expect(typeOf(h)).toBe('classic');
});

test('a static member that comes back with the other protocol takes its place at once, both ways', async () => {
  const h = await harness();
  const [a, b] = [new ModernMember(h, 'a'), new ModernMember(h, 'b')];
  a.instanceId = 'one';
  b.instanceId = 'two';
  await settleModern(a, b);
  const before = a.of('orders');
  await a.leave(-2);
  const again = new ClassicConsumer(h, ['orders'], 'one');
  expect(await h.clock.until(again.enter())).toBe(0);
  expect(again.of('orders')).toEqual(before);
  const { groupEpoch } = await describeModern(h);
  expect(again.generation).toBe(groupEpoch);
  // The last one: everybody has what the target says, so the group is classic and stable, without a rebalance.
  await b.leave(-2);
  const last = new ClassicConsumer(h, ['orders'], 'two');
  expect(await h.clock.until(last.enter())).toBe(0);
  expect(typeOf(h)).toBe('classic');
  expect((await describe1(h)).groupState).toBe('Stable');
  expect(last.generation).toBe(groupEpoch);
  expect(all(again, last)).toEqual([0, 1, 2, 3]);
  expect(await h.clock.until(again.beat())).toBe(0);
});

test('partitions that a cooperative leader held back are given out after an upgrade by a static member', async () => {
  const h = await harness();
  const a = new ClassicConsumer(h, ['orders'], 'one');
  await h.clock.until(a.enter());
  // As between the two rebalances of a hand-over: 2 and 3 are with nobody.
  const assignedPartitions = [{ topic: 'orders', partitions: [0, 1] }];
  const half = encodeVersioned(ConsumerProtocolAssignment, 1, {
    assignedPartitions,
    userData: null,
  });
  await h.clock.until(a.join());
  await h.clock.until(a.sync({ [a.memberId]: half }));
  const again = new ModernMember(h, 'again');
  again.instanceId = 'one';
  await settleMixed(again);
  expect(again.of('orders')).toEqual([0, 1, 2, 3]);
});

test('a static member replaced while it had still to give up partitions gives them up', async () => {
  const h = await harness();
  const a = new ModernMember(h, 'a');
  a.instanceId = 'one';
  await a.beat();
  const b = new ModernMember(h, 'b');
  await b.beat();
  await a.leave(-2);
  const again = new ClassicConsumer(h, ['orders'], 'one');
  await h.clock.until(again.enter());
  expect(again.of('orders')).toHaveLength(2);
  await settleMixed(b, again);
  expect(all(again, b)).toEqual([0, 1, 2, 3]);
});

test('a classic member that is told to join again and does not is out after its rebalance timeout', async () => {
  const h = await harness();
  const [a, b] = await classicPair(h);
  const c = new ModernMember(h, 'c');
  await c.beat();
  for (let ms = 0; ms < 33_000; ms += 3_000) {
    await h.clock.advance(3_000);
    await h.clock.until(a.heartbeat());
    b.poke();
    await c.beat();
  }
  expect(errorName((await h.clock.until(a.heartbeat())).errorCode)).toBe('UNKNOWN_MEMBER_ID');
  expect(all(b, c)).toEqual([0, 1, 2, 3]);
});

test('a classic member that joins and does not sync is out after its rebalance timeout', async () => {
  const h = await harness();
  const c = new ModernMember(h, 'c');
  await c.beat();
  const a = new ClassicConsumer(h);
  a.protocols = [{ name: 'range', metadata: subscription('orders') }];
  await h.clock.until(a.join());
  for (let ms = 0; ms < 33_000; ms += 3_000) {
    await h.clock.advance(3_000);
    if (ms < 27_000) expect((await h.clock.until(a.heartbeat())).errorCode).not.toBe(25);
    await c.beat();
  }
  expect(errorName((await h.clock.until(a.heartbeat())).errorCode)).toBe('UNKNOWN_MEMBER_ID');
  expect(c.of('orders')).toEqual([0, 1, 2, 3]);
});

test('LeaveGroup takes out members of both protocols, several with one epoch', async () => {
  const h = await harness();
  const [a, b] = await classicPair(h);
  const [c, d] = [new ModernMember(h, 'c'), new ModernMember(h, 'd')];
  d.instanceId = 'four';
  await c.beat();
  await d.beat();
  await settleMixed(a, b, c, d);
  const { groupEpoch } = await describeModern(h);
  const member = (memberId: string, groupInstanceId: string | null = null) => ({
    memberId,
    groupInstanceId,
    reason: null,
  });
  const members = [
    member(a.memberId),
    member('c'),
    member('', 'four'),
    member('x'),
    member('', 'y'),
  ];
  const response = await h.clock.until(
    h.coordinator.leaveGroup({ groupId: 'group', memberId: '', members }, context(5)),
  );
  expect(response.members.map(({ errorCode }) => errorName(errorCode))).toEqual([
    'NONE',
    'NONE',
    'NONE',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
  ]);
  await settleMixed(b);
  expect(all(b)).toEqual([0, 1, 2, 3]);
  // The classic group that is left goes on from the epoch: one more for its rebalance.
  expect(b.generation).toBe(groupEpoch + 1);
});

test('a classic member that was taken out unawares cannot go on with the partitions it had', async () => {
  const h = await harness();
  const c = new ModernMember(h, 'c');
  await c.beat();
  const a = new ClassicConsumer(h);
  await h.clock.until(a.enter());
  await settleMixed(a, c);
  expect(a.of('orders')).not.toEqual([]);
  for (let ms = 0; ms < 12_000; ms += 3_000) {
    await h.clock.advance(3_000);
    await c.beat();
  }
  expect(c.of('orders')).toEqual([0, 1, 2, 3]);
  // It would hear of nothing, be given the same partitions, and commit from where it stood long ago.
  expect(errorName(await h.clock.until(a.enter()))).toBe('UNKNOWN_MEMBER_ID');
});

test('members of the new protocol are told apart from classic ones', async () => {
  const h = await harness();
  const c = new ModernMember(h, 'c');
  await c.beat();
  const base = {
    groupId: 'group',
    generationId: 1,
    memberId: 'c',
    groupInstanceId: null,
  };
  const beat = await h.clock.until(h.coordinator.heartbeat(base));
  expect(errorName(beat.errorCode)).toBe('UNKNOWN_MEMBER_ID');
  const sync = await h.clock.until(
    h.coordinator.syncGroup({
      ...base,
      protocolType: null,
      protocolName: null,
      assignments: [],
    }),
  );
  expect(errorName(sync.errorCode)).toBe('UNKNOWN_MEMBER_ID');
  const a = new ClassicConsumer(h);
  await h.clock.until(a.enter());
  const other = new ClassicConsumer(h);
  other.protocols = [{ name: 'mine', metadata: Buffer.alloc(0) }];
  expect(errorName((await h.clock.until(other.joinOnce())).errorCode)).toBe(
    'INCONSISTENT_GROUP_PROTOCOL',
  );
});
