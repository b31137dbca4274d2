// Old offsets (KIP-211) of groups of both protocols, also over restarts.

import { expect, test } from 'vitest';
import { ModernMember, settleModern } from './consumer/modern-member.ts';
import {
  commitCode,
  commitTopic,
  context,
  fetchOffset,
  type Harness,
  harness,
  settle,
  TestMember,
} from './harness.ts';

const minute = 60_000;
const config = { offsetsRetentionMinutes: 60, offsetsRetentionCheckIntervalMs: minute };

async function commitModern(h: Harness, member: ModernMember, topic: string): Promise<void> {
  const response = await h.clock.until(
    h.coordinator.offsetCommit(
      {
        groupId: member.groupId,
        generationIdOrMemberEpoch: member.epoch,
        memberId: member.memberId,
        groupInstanceId: null,
        retentionTimeMs: -1,
        topics: [commitTopic(topic, 0, 7)],
      },
      context(9),
    ),
  );
  expect(commitCode(response)).toBe(0);
}

const groups = (h: Harness) =>
  h.coordinator.listGroups({ statesFilter: [], typesFilter: [] }).groups.map((one) => one.groupId);

/** Time passes while the members are heard of. */
async function live(h: Harness, minutes: number, ...members: ModernMember[]): Promise<void> {
  for (let passed = 0; passed < minutes * 2; passed++) {
    await h.clock.advance(minute / 2);
    for (const member of members) await member.beat();
  }
}

test('of a consumer group: from the commit, once nobody asks for the topic; else never', async () => {
  const h = await harness({ config });
  const member = new ModernMember(h, 'm');
  member.topics = ['orders', 'pages'];
  await settleModern(member);
  await commitModern(h, member, 'orders');
  await commitModern(h, member, 'pages');
  await live(h, 70, member);
  expect((await fetchOffset(h, 'group', 'orders')).committedOffset).toBe(7);
  expect((await fetchOffset(h, 'group', 'pages')).committedOffset).toBe(7);
  member.topics = ['orders'];
  await settleModern(member);
  await live(h, 2, member);
  expect((await fetchOffset(h, 'group', 'pages')).committedOffset).toBe(-1);
  expect((await fetchOffset(h, 'group', 'orders')).committedOffset).toBe(7);
});

test('a consumer group without members goes with its last offset', async () => {
  const h = await harness({ config });
  const member = new ModernMember(h, 'm');
  await settleModern(member);
  await commitModern(h, member, 'orders');
  await live(h, 50, member);
  await member.leave();
  await h.clock.advance(5 * minute);
  expect(groups(h)).toEqual(['group']);
  await h.restart();
  // Kafka counts from the commit here, not from when the group became empty.
  await h.clock.advance(10 * minute);
  expect((await fetchOffset(h, 'group', 'orders')).committedOffset).toBe(-1);
  expect(groups(h)).toEqual([]);
  await h.restart();
  expect(groups(h)).toEqual([]);
});

test('a classic group: from when it became empty, also when the broker restarts meanwhile', async () => {
  const h = await harness({ config });
  const member = new TestMember(h);
  await settle(h, member);
  await h.clock.until(member.commit(7));
  for (let passed = 0; passed < 90; passed++) {
    for (let part = 0; part < 12; part++) {
      await h.clock.advance(5000);
      await h.clock.until(member.heartbeat());
    }
  }
  await h.clock.until(member.leave());
  await h.clock.advance(40 * minute);
  await h.restart();
  await h.clock.advance(15 * minute);
  expect((await fetchOffset(h, 'group')).committedOffset).toBe(7);
  await h.clock.advance(10 * minute);
  expect((await fetchOffset(h, 'group')).committedOffset).toBe(-1);
  expect(groups(h)).toEqual([]);
});

test('metadata may be as long as the config says, in UTF-16 units as Kafka counts', async () => {
  const h = await harness({ config: { offsetMetadataMaxBytes: 10 } });
  const member = new TestMember(h);
  await settle(h, member);
  const commit = (metadata: string) =>
    h.clock.until(member.commit(0, { topics: [commitTopic('orders', 0, 5, metadata)] }));
  expect(commitCode(await commit('ä'.repeat(10)))).toBe(0);
  expect(commitCode(await commit('a'.repeat(11)))).toBe(12);
  expect((await fetchOffset(h, 'group')).metadata).toBe('ä'.repeat(10));
  // A record has no room for more.
  h.config.offsetMetadataMaxBytes = 40_000;
  expect(commitCode(await commit('ä'.repeat(16_384)))).toBe(12);
  expect(commitCode(await commit('ä'.repeat(16_383)))).toBe(0);
});

test('a retention time beyond all times keeps the offset, and the groups need not be loaded again', async () => {
  const h = await harness({ config });
  const tool = new TestMember(h);
  const retentionTimeMs = Number.MAX_SAFE_INTEGER;
  expect(commitCode(await h.clock.until(tool.commit(7, { retentionTimeMs })))).toBe(0);
  expect((await fetchOffset(h, 'group')).committedOffset).toBe(7);
  await h.clock.advance(90 * minute);
  expect((await fetchOffset(h, 'group')).committedOffset).toBe(7);
});
