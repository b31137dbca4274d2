import { describe, expect, test } from 'vitest';
import { share, type Watched, Worker, watched } from './support.ts';

async function two(h: Watched): Promise<[Worker, Worker]> {
  const [a, b] = [new Worker(h, 'a', 1), new Worker(h, 'b', 2)];
  await share(
    h,
    new Map([
      [a, [0, 1]],
      [b, [2, 3]],
    ]),
  );
  return [a, b];
}

/** Time passes while `alive` send heartbeats. */
async function live(h: Watched, ms: number, ...alive: Worker[]): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    await h.clock.advance(Math.min(1000, ms - passed));
    for (const worker of alive) await h.clock.until(worker.heartbeat());
  }
}

describe('a classic group', () => {
  test('tells who joined, how long each phase took, and what moved', async () => {
    const h = await watched();
    const [a, b] = await two(h);
    const first = await h.told();
    expect(first.map(({ event, member }) => [event, member?.clientId])).toEqual([
      ['member-joined', 'a'],
      ['member-joined', 'b'],
      ['rebalance', undefined],
    ]);
    expect(first[0]?.member).toMatchObject({
      memberId: a.memberId,
      clientId: 'a',
      clientHost: '/127.0.0.1',
      instanceId: null,
    });
    expect(first[2]).toMatchObject({
      schemaVersion: 1,
      protocol: 'classic',
      epoch: 1,
      members: 2,
      leader: 'a',
      assignor: 'range',
      cause: 'a joined, b joined',
      movedPartitions: 4,
      moved: [
        { clientId: 'a', before: {}, after: { orders: '0-1' } },
        { clientId: 'b', before: {}, after: { orders: '2-3' } },
      ],
    });

    const c = new Worker(h, 'c', 3);
    const joining = c.join();
    await h.clock.advance(2000);
    const again = [a.join(), b.join()];
    await h.clock.until(Promise.all([...again, joining]));
    await h.clock.advance(300);
    const shares = new Map([
      [a, [0]],
      [b, [2, 3]],
      [c, [1]],
    ]);
    await h.clock.until(a.assign(shares));
    await h.clock.until(Promise.all([b.sync(), c.sync()]));
    const [joined, rebalance] = (await h.told()).slice(3);
    expect(joined).toMatchObject({ event: 'member-joined', member: { clientId: 'c' } });
    expect(rebalance).toMatchObject({
      epoch: 2,
      durationMs: 2300,
      phases: { prepareMs: 0, joinMs: 2000, syncMs: 300 },
      slowest: { clientId: 'b', ms: 2000 },
      cause: 'c joined',
      movedPartitions: 1,
      moved: [
        { clientId: 'a', before: { orders: '0-1' }, after: { orders: '0' } },
        { clientId: 'c', before: {}, after: { orders: '1' } },
      ],
    });
  });

  test('a handler longer than the session: which wait, how long, and the advice once it is back', async () => {
    const h = await watched();
    const [a, b] = await two(h);
    await live(h, 10_000, a);
    const removed = (await h.told()).at(-1);
    expect(removed).toMatchObject({
      event: 'member-removed',
      member: { clientId: 'b' },
      phase: 'session',
      limitMs: 10_000,
      silentMs: 10_000,
      cause: 'b was not heard of for 10.0 s; its session timeout is 10.0 s',
    });
    expect(removed?.advice).toContain('raise session.timeout.ms');
    await h.clock.until(a.join());
    await h.clock.until(a.assign(new Map([[a, [0, 1, 2, 3]]])));
    expect((await h.told()).at(-1)).toMatchObject({
      event: 'rebalance',
      cause: 'b was removed',
      moved: [
        { clientId: 'a', before: { orders: '0-1' }, after: { orders: '0-3' } },
        { clientId: 'b', before: { orders: '2-3' }, after: {} },
      ],
    });
    await live(h, 37_800, a);
    expect((await h.clock.until(b.heartbeat())).errorCode).toBe(25);
    const back = (await h.told()).at(-1);
    expect(back).toMatchObject({ event: 'member-back', member: { clientId: 'b' } });
    // Some turns of the clock passed between.
    expect(back?.awayMs).toBeGreaterThanOrEqual(47_800);
    expect(back?.awayMs).toBeLessThan(49_000);
    expect(back?.cause).toMatch(
      /^b spent 4[78]\.\d s between polls .*3[78]\.\d s more than its session/,
    );
    expect(back?.advice).toContain('raise session.timeout.ms above 50 s');
    // It is told once.
    await h.clock.until(b.heartbeat());
    expect((await h.told()).at(-1)).toEqual(back);
  });

  test('a member that heartbeats and does not poll is removed by the join phase, with words for it', async () => {
    const h = await watched();
    const [a, b] = await two(h);
    const c = new Worker(h, 'c', 3);
    const joining = c.join();
    await h.clock.advance(10);
    const again = a.join();
    await live(h, 29_500, b);
    await h.clock.advance(600);
    await h.clock.until(Promise.all([joining, again]));
    const told = await h.told();
    expect(told.find(({ event }) => event === 'rebalance-waiting')).toMatchObject({
      what: expect.stringMatching(/^the rebalance waits for b since 1\d\.\d s$/),
      cause: 'c joined',
    });
    const removed = told.at(-1);
    expect(removed).toMatchObject({ event: 'member-removed', phase: 'join', limitMs: 30_000 });
    expect(removed?.silentMs).toBeLessThan(2000);
    expect(removed?.cause).toMatch(
      /b did not join the rebalance within 30\.0 s, though it was heard/,
    );
    expect(removed?.advice).toContain('raise max.poll.interval.ms above 30.0 s');
    await h.clock.until(b.heartbeat());
    expect((await h.told()).at(-1)).toMatchObject({
      event: 'member-back',
      cause: expect.stringMatching(/^b spent 30\.\d s between polls.* max\.poll\.interval\.ms/),
    });
  });

  test('a client that leaves for its poll timeout says so; coming back tells how long it took', async () => {
    const h = await watched();
    const [a, b] = await two(h);
    await h.clock.until(b.leaveWith('consumer poll timeout has expired.'));
    expect((await h.told()).at(-1)).toMatchObject({
      event: 'member-left',
      cause: 'b did not poll for longer than its max.poll.interval.ms (30.0 s), so its client left',
    });
    await live(h, 8000, a);
    await h.clock.advance(200);
    b.memberId = '';
    void h.clock.until(b.join());
    await h.clock.advance(0);
    const back = (await h.told()).at(-1);
    expect(back).toMatchObject({ event: 'member-back', member: { clientId: 'b' } });
    expect(back?.cause).toMatch(/^b spent 38\.\d s between polls, 8\.\d s more than its max\.poll/);
    expect(back?.advice).toMatch(/raise max\.poll\.interval\.ms above 40 s, or take fewer records/);
  });

  test('a client that leaves without a word and is back on the same connection probably did not poll', async () => {
    const h = await watched();
    const [a, b] = await two(h);
    await h.clock.until(b.leaveWith(null));
    await live(h, 5000, a);
    b.memberId = '';
    void h.clock.until(b.join());
    await h.clock.advance(0);
    expect((await h.told()).at(-1)?.cause).toContain('probably spent 35.');
  });

  test.each([
    ['a new process', null, 9],
    ['one that said that it was closed', 'the consumer is being closed', 2],
  ])('%s of the same name is a new member', async (_, reason, connectionId) => {
    const h = await watched();
    const [, b] = await two(h);
    await h.clock.until(b.leaveWith(reason));
    void h.clock.until(new Worker(h, 'b', connectionId).join());
    await h.clock.advance(0);
    expect((await h.told()).at(-1)).toMatchObject({ event: 'member-joined', what: 'b joined' });
  });

  test('a member that never fetches its assignment', async () => {
    const h = await watched();
    const [a, b] = [new Worker(h, 'a', 1), new Worker(h, 'b', 2)];
    await h.clock.until(Promise.all([a.join(), b.join()]));
    const leader = a.assign(new Map([[a, [0, 1, 2, 3]]]));
    await h.clock.until(leader);
    await live(h, 30_000, a, b);
    expect((await h.told()).find(({ event }) => event === 'member-removed')).toMatchObject({
      phase: 'sync',
      member: { clientId: 'b' },
      cause: expect.stringContaining('did not fetch its assignment within 30.0 s'),
    });
  });

  test('static members: away, back in place, the same partitions', async () => {
    const h = await watched();
    const a = new Worker(h, 'a', 1);
    a.instanceId = 'till-1';
    await share(h, new Map([[a, [0, 1, 2, 3]]]));
    const twin = new Worker(h, 'a', 2);
    twin.instanceId = 'till-1';
    await h.clock.until(twin.join());
    expect((await h.told()).at(-1)).toMatchObject({
      event: 'member-replaced',
      what: 'till-1 is back in its place',
      member: { memberId: twin.memberId, instanceId: 'till-1' },
    });
  });

  test('the last one leaves; the group is deleted', async () => {
    const h = await watched();
    const [a, b] = await two(h);
    await h.clock.until(a.leaveWith(null));
    await h.clock.until(b.leaveWith(null));
    expect((await h.told()).at(-1)).toMatchObject({
      event: 'group-empty',
      epoch: 2,
      cause: 'a left, b left',
    });
    const request = { groupsNames: ['group'] };
    await h.clock.until(h.coordinator.deleteGroups(request));
    expect((await h.told()).at(-1)).toMatchObject({ event: 'group-ended' });
  });

  test('after a restart of the broker, what members had is known', async () => {
    const h = await watched();
    const [a, b] = await two(h);
    await h.restart();
    const c = new Worker(h, 'c', 3);
    const joins = Promise.all([c.join(), a.join(), b.join()]);
    await h.clock.until(joins);
    await h.clock.until(
      a.assign(
        new Map([
          [a, [0]],
          [b, [2, 3]],
          [c, [1]],
        ]),
      ),
    );
    expect((await h.told()).at(-1)).toMatchObject({
      movedPartitions: 1,
      moved: [
        { clientId: 'a', before: { orders: '0-1' }, after: { orders: '0' } },
        { clientId: 'c' },
      ],
    });
  });
});
