import { describe, expect, test } from 'vitest';
import { context } from '../harness.ts';
import { type Watched, Worker, watched } from './support.ts';

/** A member of the consumer protocol that says everything with each heartbeat. */
class Modern {
  readonly h: Watched;
  readonly memberId: string;
  epoch = 0;
  owned: { topicId: string; partitions: number[] }[] = [];

  constructor(h: Watched, memberId: string) {
    this.h = h;
    this.memberId = memberId;
  }

  instanceId: string | null = null;

  async beat(memberEpoch = this.epoch): Promise<number> {
    const request = {
      groupId: 'group',
      memberId: this.memberId,
      memberEpoch,
      instanceId: this.instanceId,
      rackId: null,
      rebalanceTimeoutMs: 30_000,
      subscribedTopicNames: ['orders'],
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: memberEpoch > 0 ? this.owned : [],
    };
    const surroundings = context(1, `client-${this.memberId}`);
    const response = await this.h.clock.until(
      this.h.coordinator.consumerGroupHeartbeat(request, surroundings),
    );
    if (response.errorCode !== 0) return response.errorCode;
    this.epoch = response.memberEpoch;
    this.owned = response.assignment?.topicPartitions ?? this.owned;
    return 0;
  }
}

async function settle(h: Watched, ...members: Modern[]): Promise<void> {
  for (let round = 0; round < 6; round++) {
    for (const member of members) await member.beat();
    await h.clock.advance(1000);
  }
}

describe('a consumer group', () => {
  test('tells who joined and what moved, epoch by epoch', async () => {
    const h = await watched();
    const [a, b] = [new Modern(h, 'a'), new Modern(h, 'b')];
    await settle(h, a);
    await settle(h, a, b);
    const told = await h.told();
    expect(told.map(({ event }) => event)).toEqual([
      'member-joined',
      'rebalance',
      'member-joined',
      'rebalance',
    ]);
    expect(told[1]).toMatchObject({
      protocol: 'consumer',
      members: 1,
      assignor: 'uniform',
      cause: 'client-a joined',
      movedPartitions: 4,
    });
    expect(told[3]).toMatchObject({
      members: 2,
      movedPartitions: 2,
      cause: 'client-b joined',
      slowest: { clientId: 'client-b' },
      phases: { syncMs: 0 },
    });
    expect(told[3]?.moved?.map(({ clientId }) => clientId)).toEqual(['client-a', 'client-b']);
  });

  test('a member that is not heard of, and comes back under its id', async () => {
    const h = await watched();
    const [a, b] = [new Modern(h, 'a'), new Modern(h, 'b')];
    await settle(h, a, b);
    for (let passed = 0; passed < 50; passed += 5) {
      await a.beat();
      await h.clock.advance(5000);
    }
    expect((await h.told()).find(({ event }) => event === 'member-removed')).toMatchObject({
      member: { clientId: 'client-b' },
      phase: 'session',
      limitMs: 45_000,
      silentMs: 45_000,
    });
    expect(await b.beat()).toBe(25);
    const back = (await h.told()).find(({ event }) => event === 'member-back');
    expect(back?.cause).toMatch(
      /client-b spent 5\d\.\d s between polls .* session timeout of 45\.0 s/,
    );
  });

  test('a client that leaves because it was not polled comes back under its id', async () => {
    const h = await watched();
    const [a, b] = [new Modern(h, 'a'), new Modern(h, 'b')];
    await settle(h, a, b);
    await b.beat(-1);
    await h.clock.advance(6000);
    expect(await b.beat(0)).toBe(0);
    const back = (await h.told()).find(({ event }) => event === 'member-back');
    expect(back?.cause).toMatch(/probably spent 36\.\d s between polls/);
    expect(back?.advice).toContain('raise max.poll.interval.ms above 40 s');
  });

  test('a static member that goes to come back keeps its place', async () => {
    const h = await watched();
    const a = new Modern(h, 'a');
    a.instanceId = 'till-1';
    await settle(h, a);
    await a.beat(-2);
    expect((await h.told()).at(-1)).toMatchObject({ event: 'member-left', what: 'till-1 is away' });
    const twin = new Modern(h, 'twin');
    twin.instanceId = 'till-1';
    await settle(h, twin);
    const told = await h.told();
    expect(told.find(({ event }) => event === 'member-replaced')).toMatchObject({
      what: 'till-1 is back in its place',
      member: { memberId: 'twin' },
    });
    expect(told.filter(({ event }) => event === 'rebalance').length).toBe(1);
  });

  test('a member that does not give up its partitions', async () => {
    const h = await watched();
    const [a, b] = [new Modern(h, 'a'), new Modern(h, 'b')];
    await settle(h, a);
    for (let passed = 0; passed < 40; passed += 5) {
      const owned = a.owned;
      await b.beat();
      await a.beat();
      // It goes on with what it was to give up.
      a.owned = owned;
      await h.clock.advance(5000);
    }
    expect((await h.told()).find(({ event }) => event === 'member-removed')).toMatchObject({
      member: { clientId: 'client-a' },
      phase: 'revoke',
      limitMs: 30_000,
      cause: expect.stringContaining('did not give up its partitions within 30.0 s'),
    });
  });

  test('empties with its last member, and changes its protocol with the first of the other', async () => {
    const h = await watched();
    const a = new Modern(h, 'a');
    await settle(h, a);
    await a.beat(-1);
    expect((await h.told()).at(-1)).toMatchObject({
      event: 'group-empty',
      cause: 'client-a left',
    });
    await h.clock.advance(60_000);
    expect((await h.told()).at(-1)?.event).toBe('group-empty');
    const classic = new Worker(h, 'old', 1);
    await h.clock.until(classic.join());
    await h.clock.until(classic.assign(new Map([[classic, [0, 1, 2, 3]]])));
    a.epoch = 0;
    await settle(h, a);
    expect((await h.told()).find(({ event }) => event === 'group-migrated')).toMatchObject({
      what: 'the group went from the classic to the consumer protocol',
    });
  });
});
