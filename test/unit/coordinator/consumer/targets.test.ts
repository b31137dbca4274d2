// When the target of a consumer group is made (KIP-1263), and how soon members are asked to come back meanwhile.

import { expect, test } from 'vitest';
import { type Harness, harness } from '../harness.ts';
import { ClassicConsumer } from './classic-consumer.ts';
import { describeModern, ModernMember } from './modern-member.ts';

const INTERVAL_MS = 1_000;

function group(): Promise<Harness> {
  return harness({ config: { groupConsumerAssignmentIntervalMs: INTERVAL_MS } });
}

/** Records of new targets in the log: one for each time that somebody got another. */
function targetEpochs(h: Harness): number {
  const kinds = h.log.partitions.flatMap((entries) =>
    entries.map((entry) => (entry.kind === 'record' ? entry.record.key.readInt16BE(0) : -1)),
  );
  return kinds.filter((type) => type === 6).length;
}

test('the first member of a group has its partitions at once', async () => {
  const h = await group();
  const a = new ModernMember(h, 'a');
  await a.beat();
  expect(a.of('orders')).toEqual([0, 1, 2, 3]);
});

test('members that join one soon after the other share one target, made when the interval is over', async () => {
  const h = await group();
  const members = ['a', 'b', 'c', 'd'].map((id) => new ModernMember(h, id));
  for (const member of members) {
    await member.beat();
    await h.clock.advance(100);
  }
  expect(members.map((one) => one.of('orders').length)).toEqual([4, 0, 0, 0]);
  expect((await describeModern(h)).groupState).toBe('Assigning');
  expect(targetEpochs(h)).toBe(1);

  await h.clock.advance(INTERVAL_MS);
  for (let round = 0; round < 3; round++) for (const member of members) await member.beat();
  expect(members.flatMap((one) => one.of('orders')).sort()).toEqual([0, 1, 2, 3]);
  expect(members.map((one) => one.of('orders').length)).toEqual([1, 1, 1, 1]);
  expect((await describeModern(h)).groupState).toBe('Stable');
  expect(targetEpochs(h)).toBe(2);
});

test('how old the target is outlives a restart', async () => {
  const h = await group();
  const [a, b] = [new ModernMember(h, 'a'), new ModernMember(h, 'b')];
  await a.beat();
  await b.beat();
  await h.restart();
  await b.beat();
  expect(targetEpochs(h)).toBe(1);
  await h.clock.advance(INTERVAL_MS);
  await b.beat();
  expect(targetEpochs(h)).toBe(2);
});

test('a clock that was put back makes nobody wait', async () => {
  const h = await group();
  const [a, b] = [new ModernMember(h, 'a'), new ModernMember(h, 'b')];
  await a.beat();
  h.clock.jump(-3_600_000);
  await b.beat();
  expect(targetEpochs(h)).toBe(2);
});

test('a topic that a member gave up is taken from it before there is a new target', async () => {
  const h = await group();
  const a = new ModernMember(h, 'a');
  a.topics = ['orders', 'pages'];
  await a.beat();
  a.topics = ['pages'];
  await a.beat();
  expect(targetEpochs(h)).toBe(1);
  expect(a.of('orders')).toEqual([]);
  expect(a.of('pages')).toEqual([0, 1]);
});

test('members come back soon while there is something to wait for, and as usual after that', async () => {
  const h = await group();
  const [a, b] = [new ModernMember(h, 'a'), new ModernMember(h, 'b')];
  // Others may be on their way.
  expect((await a.beat()).heartbeatIntervalMs).toBe(1_000);
  await h.clock.advance(5_000);
  expect((await a.beat()).heartbeatIntervalMs).toBe(5_000);
  // b waits for what a has to give up.
  expect((await b.beat()).heartbeatIntervalMs).toBe(1_000);
  await h.clock.advance(5_000);
  expect((await b.beat()).heartbeatIntervalMs).toBe(1_000);
  await a.beat();
  await a.beat();
  expect((await b.beat()).heartbeatIntervalMs).toBe(5_000);
  expect(b.of('orders')).toHaveLength(2);
});

test('a group is given no more than a thousand heartbeats a second to hurry', async () => {
  const h = await group();
  const members = Array.from(
    { length: 3_000 },
    (_, index) => new ModernMember(h, `member-${index}`),
  );
  const answers = await Promise.all(members.map((member) => member.beat()));
  expect(answers.at(-1)?.heartbeatIntervalMs).toBe(3_000);
});

test('a classic member does not join again and again while the target is not due; its heartbeats make it then', async () => {
  const h = await group();
  const a = new ModernMember(h, 'a');
  await a.beat();
  const c = new ClassicConsumer(h, ['orders']);
  await h.clock.until(c.enter());
  expect(c.of('orders')).toEqual([]);
  expect(await h.clock.until(c.beat())).toBe(0);
  await h.clock.advance(INTERVAL_MS);
  expect(await h.clock.until(c.beat())).toBe(27);
  expect(targetEpochs(h)).toBe(2);
});
