import { describe, expect, test } from 'vitest';
import { ErrorCode } from '../../../src/base/kafka-errors.ts';
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  encodeVersioned,
} from '../../../src/protocol/index.ts';
import { context, describe1, harness, settle, TestMember } from './harness.ts';

describe('SyncGroup', () => {
  test('followers wait for the leader, then all get their own part', async () => {
    const h = await harness();
    const [leader, follower] = [new TestMember(h), new TestMember(h)];
    await Promise.all([h.clock.until(leader.join()), h.clock.until(follower.join())]);
    let answered = false;
    const waiting = follower.sync().then((response) => {
      answered = true;
      return response;
    });
    await h.clock.advance(100);
    expect(answered).toBe(false);
    const own = await h.clock.until(
      leader.sync({ [leader.memberId]: 'mine', [follower.memberId]: 'yours', stranger: 'x' }),
    );
    expect(own).toMatchObject({ errorCode: 0, protocolType: 'consumer', protocolName: 'range' });
    expect(own.assignment.toString()).toBe('mine');
    expect((await waiting).assignment.toString()).toBe('yours');
    expect((await describe1(h)).groupState).toBe('Stable');
    // Asked again in the stable group: the same answer.
    expect((await h.clock.until(follower.sync())).assignment.toString()).toBe('yours');
  });

  test('a group too large for the log is refused, and its neighbours go on', async () => {
    const h = await harness({ config: { messageMaxBytes: 2_000 } });
    const [big, other] = [new TestMember(h, 'big'), new TestMember(h, 'other')];
    await settle(h, other);
    big.protocols = [{ name: 'range', metadata: Buffer.alloc(1_900) }];
    await h.clock.until(big.join());
    const appended = h.log.appends.length;
    const refused = await h.clock.until(big.sync({ [big.memberId]: 'all' }));
    expect(refused.errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
    expect(h.log.appends).toHaveLength(appended);
    expect((await h.clock.until(other.heartbeat())).errorCode).toBe(0);
    expect((await describe1(h, 'big')).groupState).toBe('PreparingRebalance');
    // What fits again is taken again.
    big.protocols = [{ name: 'range', metadata: Buffer.alloc(10) }];
    await h.clock.until(big.joinOnce());
    expect((await h.clock.until(big.sync({ [big.memberId]: 'all' }))).errorCode).toBe(0);
  });

  test('a static member that comes back with too much to store begins a rebalance', async () => {
    const h = await harness({ config: { messageMaxBytes: 2_000 } });
    const first = new TestMember(h, 'group', 'one');
    await settle(h, first);
    const again = new TestMember(h, 'group', 'one');
    again.protocols = [{ name: 'range', metadata: Buffer.alloc(1_900) }];
    const joined = await h.clock.until(again.join());
    expect(joined).toMatchObject({ errorCode: 0, generationId: 2 });
    const refused = await h.clock.until(again.sync({ [again.memberId]: 'all' }));
    expect(refused.errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
  });

  test('is not answered before the assignment is durable; heartbeats are', async () => {
    const h = await harness();
    const member = new TestMember(h);
    await h.clock.until(member.join());
    h.log.mode = 'stall';
    let answered = false;
    const sync = member.sync({ [member.memberId]: 'all' }).then((response) => {
      answered = true;
      return response;
    });
    await h.clock.advance(5_000);
    expect(answered).toBe(false);
    expect((await h.clock.until(member.heartbeat())).errorCode).toBe(0);
    h.log.resume();
    expect((await h.clock.until(sync)).assignment.toString()).toBe('all');
  });

  test('refuses strangers, old generations, other protocols, and groups not ready', async () => {
    const h = await harness();
    const [a, b] = [new TestMember(h), new TestMember(h)];
    const base = {
      groupId: 'group',
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
      assignments: [],
    };
    const code = async (overrides: object) =>
      (
        await h.clock.until(
          h.coordinator.syncGroup({ ...base, memberId: a.memberId, generationId: 1, ...overrides }),
        )
      ).errorCode;
    expect(await code({ memberId: 'x' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    await settle(h, a, b);
    expect(await code({ memberId: 'x' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(await code({ generationId: 0 })).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(await code({ protocolType: 'connect' })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    expect(await code({ protocolName: 'sticky' })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    expect(await code({ protocolType: 'consumer', protocolName: 'range' })).toBe(0);
    expect(await code({ groupId: '' })).toBe(ErrorCode.INVALID_GROUP_ID);
    void a.joinOnce();
    await h.clock.advance(1);
    expect(await code({ memberId: b.memberId })).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });

  test('a join while the assignment is on its way sends the waiting ones to rejoin', async () => {
    const h = await harness();
    const [leader, follower] = [new TestMember(h), new TestMember(h)];
    await Promise.all([h.clock.until(leader.join()), h.clock.until(follower.join())]);
    const waiting = follower.sync();
    await h.clock.advance(1);
    h.log.mode = 'stall';
    const own = leader.sync({ [leader.memberId]: 'mine' });
    await h.clock.advance(1);
    const third = new TestMember(h);
    const join = third.join();
    expect((await h.clock.until(waiting)).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect((await h.clock.until(own)).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    // The late commit of the overtaken assignment changes nothing.
    h.log.resume();
    await h.clock.advance(1);
    expect((await describe1(h)).groupState).toBe('PreparingRebalance');
    const joins = await Promise.all(
      [leader.joinOnce(), follower.joinOnce(), join].map((one) => h.clock.until(one)),
    );
    expect(joins.map((one) => one.generationId)).toEqual([2, 2, 2]);
  });

  test('who does not sync within the rebalance timeout is out, and the rest go on', async () => {
    const h = await harness();
    const [leader, follower] = [new TestMember(h), new TestMember(h)];
    for (const member of [leader, follower]) {
      member.rebalanceTimeoutMs = 5_000;
      member.sessionTimeoutMs = 60_000;
    }
    await Promise.all([h.clock.until(leader.join()), h.clock.until(follower.join())]);
    const waiting = follower.sync();
    await h.clock.advance(5_001);
    expect((await waiting).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    const rejoined = await h.clock.until(follower.joinOnce());
    expect(rejoined).toMatchObject({ generationId: 2, leader: follower.memberId });
    expect((await h.clock.until(leader.heartbeat())).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });
});

describe('Heartbeat', () => {
  test('keeps a member, and its absence ends it after the session timeout', async () => {
    const h = await harness();
    const [a, b] = [new TestMember(h), new TestMember(h)];
    await settle(h, a, b);
    for (let round = 0; round < 5; round++) {
      await h.clock.advance(a.sessionTimeoutMs - 1_000);
      expect((await h.clock.until(a.heartbeat())).errorCode).toBe(
        round === 0 ? 0 : ErrorCode.REBALANCE_IN_PROGRESS,
      );
      if (round === 0) continue;
      expect((await h.clock.until(b.heartbeat())).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
      break;
    }
    expect((await h.clock.until(a.joinOnce())).members).toHaveLength(1);
  });

  test.each([
    ['a stranger', { memberId: 'x' }, ErrorCode.UNKNOWN_MEMBER_ID],
    ['an old generation', { generationId: 0 }, ErrorCode.ILLEGAL_GENERATION],
    ['an unknown instance', { groupInstanceId: 'x' }, ErrorCode.UNKNOWN_MEMBER_ID],
    ['an unknown group', { groupId: 'x' }, ErrorCode.UNKNOWN_MEMBER_ID],
    ['no group', { groupId: '' }, ErrorCode.INVALID_GROUP_ID],
  ])('refuses %s', async (_name, overrides, code) => {
    const h = await harness();
    const member = new TestMember(h);
    await settle(h, member);
    expect((await h.clock.until(member.heartbeat(overrides))).errorCode).toBe(code);
  });

  test('a member that waits in JoinGroup is not timed out, a new one only after five minutes', async () => {
    const h = await harness({ config: { groupInitialRebalanceDelayMs: 0 } });
    const a = new TestMember(h);
    a.rebalanceTimeoutMs = 1_000_000;
    a.sessionTimeoutMs = 1_000_000;
    await settle(h, a);
    const b = new TestMember(h);
    b.sessionTimeoutMs = 6_000;
    const join = b.join();
    await h.clock.advance(299_000);
    expect((await describe1(h)).members).toHaveLength(2);
    await h.clock.advance(2_000);
    expect((await join).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect((await describe1(h)).members).toHaveLength(1);
  });
});

describe('LeaveGroup', () => {
  test('v3 and later answer for each member; a new leader is found', async () => {
    const h = await harness();
    const [a, b] = [new TestMember(h), new TestMember(h)];
    await settle(h, a, b);
    const response = await h.clock.until(
      h.coordinator.leaveGroup(
        {
          groupId: 'group',
          memberId: '',
          members: [
            { memberId: a.memberId, groupInstanceId: null, reason: 'done' },
            { memberId: 'x', groupInstanceId: null, reason: null },
          ],
        },
        context(5),
      ),
    );
    expect(response).toEqual({
      throttleTimeMs: 0,
      errorCode: 0,
      members: [
        { memberId: a.memberId, groupInstanceId: null, errorCode: 0 },
        { memberId: 'x', groupInstanceId: null, errorCode: ErrorCode.UNKNOWN_MEMBER_ID },
      ],
    });
    expect(await h.clock.until(b.joinOnce())).toMatchObject({
      generationId: 2,
      leader: b.memberId,
    });
  });

  test('up to v2 the only member’s code is the answer', async () => {
    const h = await harness();
    const member = new TestMember(h);
    await settle(h, member);
    const leave = (memberId: string) =>
      h.clock.until(
        h.coordinator.leaveGroup({ groupId: 'group', memberId, members: [] }, context(2)),
      );
    expect((await leave('x')).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(await leave(member.memberId)).toEqual({ throttleTimeMs: 0, errorCode: 0, members: [] });
    expect((await describe1(h)).groupState).toBe('Empty');
  });

  test('a group that is not there knows none of the members', async () => {
    const h = await harness();
    const member = new TestMember(h, 'nowhere');
    member.memberId = 'x';
    const response = await h.clock.until(member.leave());
    expect(response.errorCode).toBe(0);
    expect(response.members[0]!.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });
});

describe('static members', () => {
  test('come back under a new id without a rebalance, and the old id is fenced', async () => {
    const h = await harness();
    const [a, b] = [new TestMember(h, 'group', 'one'), new TestMember(h, 'group', 'two')];
    await settle(h, a, b);
    const oldId = a.memberId;
    a.memberId = '';
    const back = await h.clock.until(a.joinOnce());
    expect(back).toMatchObject({ errorCode: 0, generationId: 1, skipAssignment: true });
    expect(back.memberId).not.toBe(oldId);
    expect(back.leader).toBe(back.memberId);
    expect(back.members).toHaveLength(2);
    expect((await h.clock.until(a.sync())).assignment.toString()).toBe('assigned 0');
    expect((await h.clock.until(b.heartbeat())).errorCode).toBe(0);
    const stale = await h.clock.until(a.heartbeat({ memberId: oldId }));
    expect(stale.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
    // The new id is durable.
    await h.restart();
    expect((await h.clock.until(a.heartbeat())).errorCode).toBe(0);
  });

  test.each([
    [[0], 2],
    [[0, 1], 1],
  ])(
    'whoever was given %j of the two partitions it had comes back to generation %i',
    async (partitions, generation) => {
      const h = await harness();
      const [a, b] = [new TestMember(h, 'group', 'one'), new TestMember(h, 'group', 'two')];
      const metadata = (owned: number[]) =>
        encodeVersioned(ConsumerProtocolSubscription, 3, {
          topics: ['t'],
          userData: null,
          ownedPartitions: owned.length === 0 ? [] : [{ topic: 't', partitions: owned }],
          generationId: 0,
          rackId: null,
        });
      a.protocols = [{ name: 'cooperative-sticky', metadata: metadata([0, 1]) }];
      b.protocols = [{ name: 'cooperative-sticky', metadata: metadata([]) }];
      const joins = await Promise.all([h.clock.until(a.join()), h.clock.until(b.join())]);
      const given = encodeVersioned(ConsumerProtocolAssignment, 3, {
        assignedPartitions: [{ topic: 't', partitions }],
        userData: null,
      });
      const none = encodeVersioned(ConsumerProtocolAssignment, 3, {
        assignedPartitions: [],
        userData: null,
      });
      const all = { [a.memberId]: given, [b.memberId]: none };
      const [leader, follower] = a.memberId === joins[0].leader ? [a, b] : [b, a];
      await Promise.all([h.clock.until(leader.sync(all)), h.clock.until(follower.sync())]);
      // It ends before it joins again, which is when the other one would get what it gave up.
      a.memberId = '';
      a.protocols = [{ name: 'cooperative-sticky', metadata: metadata([]) }];
      const back = a.joinOnce();
      await h.clock.advance(1);
      const code = generation === 2 ? ErrorCode.REBALANCE_IN_PROGRESS : 0;
      expect((await h.clock.until(b.heartbeat())).errorCode).toBe(code);
      if (generation === 2) await h.clock.until(b.joinOnce());
      expect(await back).toMatchObject({ errorCode: 0, generationId: generation });
    },
  );

  test('before v9 a returning leader is told its old id leads, so that it does not assign', async () => {
    const h = await harness();
    const a = new TestMember(h, 'group', 'one');
    a.joinVersion = 8;
    await settle(h, a);
    const oldId = a.memberId;
    a.memberId = '';
    const back = await h.clock.until(a.joinOnce());
    expect(back).toMatchObject({ leader: oldId, skipAssignment: false, members: [] });
  });

  test('a takeover during a join fences the one that waits', async () => {
    const h = await harness();
    const [a, b] = [new TestMember(h, 'group', 'one'), new TestMember(h)];
    await settle(h, a, b);
    const stale = a.joinOnce();
    await h.clock.advance(1);
    const twin = new TestMember(h, 'group', 'one');
    const join = twin.joinOnce();
    expect((await h.clock.until(stale)).errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
    await h.clock.until(b.joinOnce());
    expect((await join).generationId).toBe(2);
  });

  test('a takeover while the group completes starts another rebalance', async () => {
    const h = await harness();
    const [a, b] = [new TestMember(h, 'group', 'one'), new TestMember(h)];
    await Promise.all([h.clock.until(a.join()), h.clock.until(b.join())]);
    const waiting = b.sync();
    await h.clock.advance(1);
    a.memberId = '';
    const join = a.joinOnce();
    expect((await h.clock.until(waiting)).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    await h.clock.until(b.joinOnce());
    expect((await join).generationId).toBe(2);
  });

  test('a takeover that changes the protocol rebalances', async () => {
    const h = await harness();
    const a = new TestMember(h, 'group', 'one');
    await settle(h, a);
    a.memberId = '';
    a.protocols = [{ name: 'sticky', metadata: Buffer.alloc(0) }, ...a.protocols];
    expect(await h.clock.until(a.joinOnce())).toMatchObject({
      generationId: 2,
      protocolName: 'sticky',
    });
  });

  test('keep their place in a rebalance they miss, until their session ends', async () => {
    const h = await harness();
    const [a, b] = [new TestMember(h, 'group', 'one'), new TestMember(h)];
    a.sessionTimeoutMs = 100_000;
    b.sessionTimeoutMs = 100_000;
    a.rebalanceTimeoutMs = b.rebalanceTimeoutMs = 5_000;
    await settle(h, a, b);
    b.protocols = [{ name: 'range', metadata: Buffer.from([0, 0, 0, 0, 0, 0]) }];
    const join = b.joinOnce();
    await h.clock.advance(5_001);
    expect(await join).toMatchObject({ generationId: 2, leader: b.memberId });
    expect((await join).members).toHaveLength(2);
  });

  test('an administrator takes one out by its instance id alone', async () => {
    const h = await harness();
    const a = new TestMember(h, 'group', 'one');
    await settle(h, a);
    const remove = (groupInstanceId: string) =>
      h.clock.until(
        h.coordinator.leaveGroup(
          {
            groupId: 'group',
            memberId: '',
            members: [{ memberId: '', groupInstanceId, reason: null }],
          },
          context(5),
        ),
      );
    expect((await remove('two')).members[0]!.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect((await remove('one')).members[0]!.errorCode).toBe(0);
    expect((await describe1(h)).groupState).toBe('Empty');
  });
});
