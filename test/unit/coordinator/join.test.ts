import { describe, expect, test } from 'vitest';
import { ErrorCode } from '../../../src/base/kafka-errors.ts';
import { context, describe1, harness, settle, subscription, TestMember } from './harness.ts';

describe('the member id handshake', () => {
  test('from v4 a new member is sent away with its id, before v4 it is not', async () => {
    const h = await harness();
    const member = new TestMember(h);
    const first = await h.clock.until(member.joinOnce());
    expect(first).toMatchObject({
      errorCode: ErrorCode.MEMBER_ID_REQUIRED,
      generationId: -1,
      protocolName: null,
      members: [],
    });
    expect(first.memberId).toMatch(/^client-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/);
    const second = await h.clock.until(member.joinOnce());
    expect(second).toMatchObject({ errorCode: 0, memberId: first.memberId, generationId: 1 });

    const old = new TestMember(h, 'other');
    old.joinVersion = 3;
    expect(await h.clock.until(old.joinOnce())).toMatchObject({ errorCode: 0, generationId: 1 });
  });

  test('an id that is given out and not used is forgotten after the session timeout', async () => {
    const h = await harness();
    const member = new TestMember(h);
    await h.clock.until(member.joinOnce());
    await h.clock.advance(member.sessionTimeoutMs + 1);
    const late = await h.clock.until(member.joinOnce());
    expect(late.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    // Nothing is left of the group either, and nothing was written.
    expect(h.coordinator.listGroups({ statesFilter: [], typesFilter: [] }).groups).toEqual([]);
    expect(h.log.appends).toEqual([]);
  });

  test('an id nobody gave out is refused', async () => {
    const h = await harness();
    const member = new TestMember(h);
    member.memberId = 'made-up';
    expect((await h.clock.until(member.joinOnce())).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    await settle(h, new TestMember(h));
    expect((await h.clock.until(member.joinOnce())).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  test('a pending id holds up the generation it may still join', async () => {
    const h = await harness();
    const a = new TestMember(h);
    await settle(h, a);
    const b = new TestMember(h);
    b.sessionTimeoutMs = 6_000;
    a.sessionTimeoutMs = 60_000;
    await h.clock.until(b.joinOnce());
    let done = false;
    const rejoin = a.joinOnce().then((response) => {
      done = true;
      return response;
    });
    await h.clock.advance(5_000);
    expect(done).toBe(false);
    await h.clock.advance(1_001);
    expect((await rejoin).generationId).toBe(2);
  });
});

describe('what JoinGroup refuses', () => {
  test.each([
    ['an empty group id', { groupId: '' }, ErrorCode.INVALID_GROUP_ID],
    [
      'a session timeout below the minimum',
      { sessionTimeoutMs: 5_999 },
      ErrorCode.INVALID_SESSION_TIMEOUT,
    ],
    ['one above the maximum', { sessionTimeoutMs: 1_800_001 }, ErrorCode.INVALID_SESSION_TIMEOUT],
    ['no protocols', { protocols: [] }, ErrorCode.INCONSISTENT_GROUP_PROTOCOL],
    ['no protocol type', { protocolType: '' }, ErrorCode.INCONSISTENT_GROUP_PROTOCOL],
    [
      'a group id no record can hold',
      { groupId: '\ufffd'.repeat(11_000) },
      ErrorCode.INVALID_GROUP_ID,
    ],
    [
      'a protocol type no record can hold',
      { protocolType: '\ufffd'.repeat(11_000) },
      ErrorCode.INVALID_REQUEST,
    ],
  ])('%s', async (_name, overrides, code) => {
    const h = await harness();
    const request = { ...new TestMember(h).joinRequest(), ...overrides };
    const response = await h.clock.until(h.coordinator.joinGroup(request, context(9)));
    expect(response.errorCode).toBe(code);
    expect(h.log.appends).toEqual([]);
    expect(h.coordinator.listGroups({ statesFilter: [], typesFilter: [] }).groups).toEqual([]);
  });

  test('members that share no protocol with the group', async () => {
    const h = await harness();
    await settle(h, new TestMember(h));
    const other = new TestMember(h);
    other.protocols = [{ name: 'sticky', metadata: Buffer.alloc(0) }];
    expect((await h.clock.until(other.join())).errorCode).toBe(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
    );
    other.protocols = [{ name: 'range', metadata: Buffer.alloc(0) }];
    other.protocolType = 'connect';
    expect((await h.clock.until(other.join())).errorCode).toBe(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
    );
  });

  test('members beyond group.max.size', async () => {
    const h = await harness({ config: { groupMaxSize: 1 } });
    const a = new TestMember(h);
    await settle(h, a);
    const b = new TestMember(h);
    const refused = await h.clock.until(b.join());
    expect(refused).toMatchObject({ errorCode: ErrorCode.GROUP_MAX_SIZE_REACHED, memberId: '' });
    expect((await h.clock.until(a.heartbeat())).errorCode).toBe(0);
  });

  test('a refusal before v7 has an empty protocol name, since there is no null', async () => {
    const h = await harness();
    const request = { ...new TestMember(h).joinRequest(), memberId: 'x' };
    expect(await h.clock.until(h.coordinator.joinGroup(request, context(6)))).toMatchObject({
      protocolName: '',
    });
    expect(await h.clock.until(h.coordinator.joinGroup(request, context(7)))).toMatchObject({
      protocolName: null,
    });
  });
});

describe('the first generation', () => {
  test('waits for the initial delay, longer while members come, and names one leader', async () => {
    const h = await harness({ config: { groupInitialRebalanceDelayMs: 3_000 } });
    const members = [new TestMember(h), new TestMember(h), new TestMember(h)];
    const [a, b, c] = members as [TestMember, TestMember, TestMember];
    const joinA = a.join();
    await h.clock.advance(2_000);
    const joinB = b.join();
    await h.clock.advance(2_000);
    const joinC = c.join();
    await h.clock.advance(1_999);
    expect((await describe1(h)).groupState).toBe('PreparingRebalance');
    await h.clock.advance(3_001);
    const [ra, rb, rc] = await Promise.all([joinA, joinB, joinC]);
    expect([ra.generationId, rb.generationId, rc.generationId]).toEqual([1, 1, 1]);
    expect(ra.leader).toBe(a.memberId);
    expect(ra.members.map((member) => member.memberId)).toEqual(members.map((m) => m.memberId));
    expect(rb.members).toEqual([]);
    expect((await describe1(h)).groupState).toBe('CompletingRebalance');
  });

  test('never waits longer than the rebalance timeout', async () => {
    const h = await harness({ config: { groupInitialRebalanceDelayMs: 3_000 } });
    const first = new TestMember(h);
    first.rebalanceTimeoutMs = 5_000;
    const join = first.join();
    let done = false;
    void join.then(() => {
      done = true;
    });
    for (let round = 0; round < 6; round++) {
      await h.clock.advance(1_000);
      const next = new TestMember(h);
      next.rebalanceTimeoutMs = 5_000;
      void next.join();
    }
    expect(done).toBe(true);
  });

  test('a group everybody left during the delay is empty again, and that is written', async () => {
    const h = await harness({ config: { groupInitialRebalanceDelayMs: 3_000 } });
    const member = new TestMember(h);
    const join = member.join();
    await h.clock.advance(10);
    await h.clock.until(member.leave());
    expect((await join).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    await h.clock.advance(3_000);
    expect(await describe1(h)).toMatchObject({ groupState: 'Empty', members: [] });
    expect(h.log.appends).toHaveLength(1);
  });
});

describe('choosing a protocol', () => {
  test('members vote for the first of theirs that all know', async () => {
    const h = await harness();
    const members = [new TestMember(h), new TestMember(h), new TestMember(h)];
    const metadata = subscription('orders');
    const named = (...names: string[]) => names.map((name) => ({ name, metadata }));
    members[0]!.protocols = named('private', 'range', 'sticky');
    members[1]!.protocols = named('sticky', 'range');
    members[2]!.protocols = named('sticky', 'roundrobin', 'range');
    const joins = await Promise.all(members.map((member) => h.clock.until(member.join())));
    expect(joins.map((join) => join.protocolName)).toEqual(['sticky', 'sticky', 'sticky']);
  });
});

describe('joining again', () => {
  test('a follower without news gets the current generation, a leader or news a rebalance', async () => {
    const h = await harness();
    const [leader, follower] = [new TestMember(h), new TestMember(h)];
    await settle(h, leader, follower);
    const same = await h.clock.until(follower.joinOnce());
    expect(same).toMatchObject({ errorCode: 0, generationId: 1, members: [] });
    expect((await h.clock.until(leader.heartbeat())).errorCode).toBe(0);

    follower.protocols = [{ name: 'range', metadata: subscription('orders', 'pages') }];
    const rejoin = follower.joinOnce();
    await h.clock.advance(1);
    expect((await h.clock.until(leader.heartbeat())).errorCode).toBe(
      ErrorCode.REBALANCE_IN_PROGRESS,
    );
    expect((await h.clock.until(leader.joinOnce())).generationId).toBe(2);
    expect((await rejoin).generationId).toBe(2);
    await Promise.all([h.clock.until(leader.sync()), h.clock.until(follower.sync())]);

    const again = leader.joinOnce();
    await h.clock.advance(1);
    expect((await h.clock.until(follower.heartbeat())).errorCode).toBe(
      ErrorCode.REBALANCE_IN_PROGRESS,
    );
    await h.clock.until(follower.joinOnce());
    expect((await again).generationId).toBe(3);
  });

  test('a lost JoinGroup answer is given again without a new rebalance', async () => {
    const h = await harness();
    const [leader, follower] = [new TestMember(h), new TestMember(h)];
    await Promise.all([h.clock.until(leader.join()), h.clock.until(follower.join())]);
    const again = await h.clock.until(leader.joinOnce());
    expect(again).toMatchObject({ errorCode: 0, generationId: 1 });
    expect(again.members).toHaveLength(2);
    expect((await h.clock.until(follower.joinOnce())).generationId).toBe(1);
  });

  test('a JoinGroup sent twice answers the first so that nobody waits for ever', async () => {
    const h = await harness();
    const [a, b] = [new TestMember(h), new TestMember(h)];
    await settle(h, a, b);
    b.protocols = [{ name: 'range', metadata: subscription('pages') }];
    const first = b.joinOnce();
    const second = b.joinOnce();
    expect((await h.clock.until(first)).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    await h.clock.until(a.joinOnce());
    expect((await h.clock.until(second)).generationId).toBe(2);
  });

  test('who does not come back within the rebalance timeout is out', async () => {
    const h = await harness();
    const [a, b, late] = [new TestMember(h), new TestMember(h), new TestMember(h)];
    a.rebalanceTimeoutMs = b.rebalanceTimeoutMs = late.rebalanceTimeoutMs = 8_000;
    a.sessionTimeoutMs = b.sessionTimeoutMs = late.sessionTimeoutMs = 60_000;
    await settle(h, a, b, late);
    const joins = Promise.all([a.joinOnce(), b.joinOnce()]);
    await h.clock.advance(7_999);
    expect((await describe1(h)).groupState).toBe('PreparingRebalance');
    await h.clock.advance(1);
    expect((await joins).map((join) => join.generationId)).toEqual([2, 2]);
    expect((await h.clock.until(late.heartbeat())).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });
});

test('a member has a hundred protocols at most: a small request may name a million', async () => {
  const h = await harness();
  const join = (count: number) => {
    const member = new TestMember(h);
    const metadata = Buffer.alloc(0);
    member.protocols = Array.from({ length: count }, (_, index) => ({
      name: `${index}`,
      metadata,
    }));
    return h.clock.until(member.join());
  };
  expect((await join(101)).errorCode).toBe(ErrorCode.INVALID_REQUEST);
  expect(h.coordinator.listGroups({ statesFilter: [], typesFilter: [] }).groups).toEqual([]);
  expect((await join(100)).errorCode).toBe(0);
});
