import { describe, expect, test } from 'vitest';
import { ErrorCode } from '../../../src/base/kafka-errors.ts';
import { decodeRecord } from '../../../src/coordinator/index.ts';
import type { OffsetFetchRequest } from '../../../src/protocol/index.ts';
import {
  commitCode,
  commitTopic,
  context,
  fetchOffset,
  type Harness,
  harness,
  settle,
  TestMember,
  ZERO_ID,
} from './harness.ts';

const simple = { generationIdOrMemberEpoch: -1, memberId: '' };
const minute = 60_000;

async function fetch(h: Harness, version: number, request: Partial<OffsetFetchRequest>) {
  return h.clock.until(
    h.coordinator.offsetFetch(
      { groupId: '', topics: null, groups: [], requireStable: false, ...request },
      context(version),
    ),
  );
}

describe('OffsetCommit', () => {
  test('of a member is durable, with epoch and metadata, in the record that Kafka writes', async () => {
    const h = await harness();
    const member = new TestMember(h);
    await settle(h, member);
    const topics = [commitTopic('orders', 1, 42, 'note')];
    expect(commitCode(await h.clock.until(member.commit(0, { topics })))).toBe(0);
    await h.restart();
    expect(await fetchOffset(h, 'group', 'orders', 1)).toEqual({
      partitionIndex: 1,
      committedOffset: 42,
      committedLeaderEpoch: 3,
      metadata: 'note',
      errorCode: 0,
    });
    const record = h.log.appends.at(-1)![0]!;
    // Key type 1; value version 4, whose only tagged field is the topic id.
    expect(record.key.toString('latin1')).toBe(
      '\x00\x01\x00\x05group\x00\x06orders\x00\x00\x00\x01',
    );
    expect(record.value!.readInt16BE(0)).toBe(4);
    expect(decodeRecord(record)).toMatchObject({
      value: { offset: 42, commitTimestamp: h.clock.now(), topicId: h.topics.topic('orders')!.id },
    });
  });

  test('is not answered, nor its offset told, before it is durable', async () => {
    const h = await harness();
    const member = new TestMember(h);
    await settle(h, member);
    await h.clock.until(member.commit(1));
    h.log.mode = 'stall';
    const seen: number[] = [];
    const commit = member.commit(2).then((response) => seen.push(commitCode(response)));
    await h.clock.advance(1);
    const asked = { groupId: 'group', memberId: null, memberEpoch: -1, topics: null };
    const fetched = h.coordinator
      .offsetFetch({ groupId: '', topics: null, groups: [asked], requireStable: false }, context(9))
      .then((r) => seen.push(r.groups[0]!.topics[0]!.partitions[0]!.committedOffset));
    // Another group's offsets, and this group's heartbeats, do not wait.
    expect((await fetchOffset(h, 'other')).committedOffset).toBe(-1);
    expect((await h.clock.until(member.heartbeat())).errorCode).toBe(0);
    await h.clock.advance(1_000);
    expect(seen).toEqual([]);
    h.log.resume();
    await Promise.all([commit, fetched]);
    expect(seen).toEqual([0, 2]);
  });

  test('of consumers without a group is accepted while no member owns it', async () => {
    const h = await harness();
    const loner = new TestMember(h, 'loners');
    expect(commitCode(await h.clock.until(loner.commit(7, simple)))).toBe(0);
    expect((await fetchOffset(h, 'loners')).committedOffset).toBe(7);
    await settle(h, new TestMember(h, 'loners'));
    expect(commitCode(await h.clock.until(loner.commit(8, simple)))).toBe(
      ErrorCode.UNKNOWN_MEMBER_ID,
    );
    expect((await fetchOffset(h, 'loners')).committedOffset).toBe(7);
  });

  test('to a group that is not there with a generation: the code depends on the version', async () => {
    const h = await harness();
    const request = {
      groupId: 'nowhere',
      generationIdOrMemberEpoch: 3,
      memberId: 'x',
      groupInstanceId: null,
      retentionTimeMs: -1,
      topics: [commitTopic('orders', 0, 1)],
    };
    const commit = (version: number) =>
      h.clock.until(h.coordinator.offsetCommit(request, context(version)));
    expect(commitCode(await commit(8))).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(commitCode(await commit(9))).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    expect(h.log.appends).toEqual([]);
  });

  test('refuses strangers, old generations, fenced instances and unfinished generations', async () => {
    const h = await harness();
    const member = new TestMember(h, 'group', 'one');
    await h.clock.until(member.join());
    const code = async (overrides: object) =>
      commitCode(await h.clock.until(member.commit(1, overrides)));
    expect(await code({})).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    await h.clock.until(member.sync());
    expect(await code({ memberId: 'x' })).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect(await code({ memberId: 'x', groupInstanceId: null })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(await code({ generationIdOrMemberEpoch: 9 })).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(await code({ generationIdOrMemberEpoch: 0 })).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(await code({ generationIdOrMemberEpoch: -1 })).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(await code({ groupInstanceId: 'y' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect((await fetchOffset(h, 'group')).committedOffset).toBe(-1);
    expect(await code({})).toBe(0);
  });

  test('during PreparingRebalance is accepted and keeps the session', async () => {
    const h = await harness();
    const [a, b] = [new TestMember(h), new TestMember(h)];
    await settle(h, a, b);
    void b.leave();
    await h.clock.advance(9_000);
    expect(commitCode(await h.clock.until(a.commit(5)))).toBe(0);
    await h.clock.advance(9_000);
    expect((await h.clock.until(a.heartbeat())).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });

  test('a commit that no batch could hold is refused whole, and the next one is taken', async () => {
    const h = await harness({ config: { messageMaxBytes: 8_000 } });
    const full = 'x'.repeat(4_000);
    const topics = [commitTopic('orders', 0, 1, full), commitTopic('orders', 1, 1, full)];
    const response = await h.clock.until(new TestMember(h).commit(0, { ...simple, topics }));
    expect(response.topics.map((topic) => topic.partitions[0]!.errorCode)).toEqual([
      ErrorCode.INVALID_COMMIT_OFFSET_SIZE,
      ErrorCode.INVALID_COMMIT_OFFSET_SIZE,
    ]);
    expect(h.log.appends).toEqual([]);
    expect(commitCode(await h.clock.until(new TestMember(h).commit(5, simple)))).toBe(0);
  });

  test('answers per partition, in order, and stores what is right', async () => {
    const h = await harness();
    const topics = [
      commitTopic('orders', 0, 1, 'x'.repeat(4_096)),
      commitTopic('orders', 1, 1, 'x'.repeat(4_097)),
      commitTopic('orders', 4, 1),
      commitTopic('orders', -1, 1),
      commitTopic('nowhere', 0, 1),
      commitTopic('pages', 1, 9),
    ];
    const response = await h.clock.until(new TestMember(h).commit(0, { ...simple, topics }));
    expect(response.topics.map((topic) => [topic.name, topic.partitions[0]!.errorCode])).toEqual([
      ['orders', 0],
      ['orders', ErrorCode.OFFSET_METADATA_TOO_LARGE],
      ['orders', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      ['orders', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      ['nowhere', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      ['pages', 0],
    ]);
    expect(h.log.appends.flat()).toHaveLength(2);
  });

  test('v10 takes topics by id', async () => {
    const h = await harness();
    const orders = h.topics.topic('orders')!.id;
    const request = {
      groupId: 'group',
      ...simple,
      groupInstanceId: null,
      retentionTimeMs: -1,
      topics: [
        { ...commitTopic('', 0, 5), topicId: orders },
        { ...commitTopic('', 0, 5), topicId: 'B'.repeat(22) },
      ],
    };
    const response = await h.clock.until(h.coordinator.offsetCommit(request, context(10)));
    expect(response.topics.map((t) => [t.topicId, t.partitions[0]!.errorCode])).toEqual([
      [orders, 0],
      ['B'.repeat(22), ErrorCode.UNKNOWN_TOPIC_ID],
    ]);
    expect((await fetchOffset(h, 'group')).committedOffset).toBe(5);
  });

  test('a retention time of its own, from v2 to v4, is kept in value version 1', async () => {
    const h = await harness();
    const keep = { ...simple, retentionTimeMs: 30 * minute };
    await h.clock.until(new TestMember(h).commit(5, keep));
    expect(h.log.appends[0]![0]!.value!.readInt16BE(0)).toBe(1);
    await h.restart();
    await h.clock.advance(29 * minute);
    expect((await fetchOffset(h, 'group')).committedOffset).toBe(5);
    await h.clock.advance(12 * minute);
    expect((await fetchOffset(h, 'group')).committedOffset).toBe(-1);
  });
});

describe('OffsetFetch', () => {
  test('of one group by name, before v8', async () => {
    const h = await harness();
    await h.clock.until(new TestMember(h).commit(5, simple));
    const response = await fetch(h, 7, {
      groupId: 'group',
      topics: [
        { name: 'orders', partitionIndexes: [0, 1] },
        { name: 'nowhere', partitionIndexes: [3] },
      ],
    });
    expect(response).toMatchObject({ errorCode: 0, groups: [] });
    const offsets = response.topics.map((topic) => [
      topic.name,
      ...topic.partitions.map((partition) => partition.committedOffset),
    ]);
    expect(offsets).toEqual([
      ['orders', 5, -1],
      ['nowhere', -1],
    ]);
  });

  test('of all topics, and of several groups, known or not', async () => {
    const h = await harness();
    const topics = [commitTopic('orders', 3, 1), commitTopic('pages', 0, 2)];
    await h.clock.until(new TestMember(h, 'a').commit(0, { ...simple, topics }));
    await h.clock.until(new TestMember(h, 'b').commit(3, simple));
    const groups = ['a', 'b', 'c'].map((groupId) => ({
      groupId,
      memberId: null,
      memberEpoch: -1,
      topics: null,
    }));
    const response = await fetch(h, 8, { groups });
    expect(
      response.groups.map((group) => [group.groupId, ...group.topics.map((topic) => topic.name)]),
    ).toEqual([['a', 'orders', 'pages'], ['b', 'orders'], ['c']]);
    expect((await fetch(h, 2, { groupId: 'a' })).topics).toHaveLength(2);
  });

  test('v10 asks by id; an id that is not known says so', async () => {
    const h = await harness();
    await h.clock.until(new TestMember(h).commit(5, simple));
    const ask = (topicId: string) => ({
      groups: [
        {
          groupId: 'group',
          memberId: null,
          memberEpoch: -1,
          topics: [{ name: '', topicId, partitionIndexes: [0] }],
        },
      ],
    });
    const known = await fetch(h, 10, ask(h.topics.topic('orders')!.id));
    expect(known.groups[0]!.topics[0]!.partitions[0]!.committedOffset).toBe(5);
    const unknown = await fetch(h, 10, ask('B'.repeat(22)));
    expect(unknown.groups[0]!.topics[0]).toMatchObject({
      topicId: 'B'.repeat(22),
      partitions: [{ committedOffset: -1, errorCode: ErrorCode.UNKNOWN_TOPIC_ID }],
    });
  });

  test('does not tell offsets of a deleted topic as those of its namesake', async () => {
    const h = await harness();
    await h.clock.until(new TestMember(h).commit(5, simple));
    h.topics.add('orders', 4, 'C'.repeat(21).concat('A'));
    expect((await fetchOffset(h, 'group')).committedOffset).toBe(-1);
    h.topics.known.delete('orders');
    expect((await fetchOffset(h, 'group')).committedOffset).toBe(5);
  });

  test('v1 has an error only in partitions', async () => {
    const h = await harness();
    const topics = [{ name: 'orders', partitionIndexes: [0] }];
    const groupId = '\ufffd'.repeat(11_000);
    const v1 = await fetch(h, 1, { groupId, topics });
    expect(v1.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.INVALID_GROUP_ID);
    const v2 = await fetch(h, 2, { groupId, topics });
    expect(v2).toMatchObject({ errorCode: ErrorCode.INVALID_GROUP_ID, topics: [] });
  });
});

describe('offsets go away', () => {
  test('by OffsetDelete, unless members are subscribed to the topic', async () => {
    const h = await harness();
    const member = new TestMember(h);
    await settle(h, member);
    const topics = [commitTopic('orders', 0, 1), commitTopic('pages', 0, 2)];
    await h.clock.until(member.commit(0, { topics }));
    const remove = (groupId: string) =>
      h.clock.until(
        h.coordinator.offsetDelete({
          groupId,
          topics: [
            { name: 'orders', partitions: [{ partitionIndex: 0 }] },
            { name: 'pages', partitions: [{ partitionIndex: 0 }, { partitionIndex: 1 }] },
            { name: 'nowhere', partitions: [{ partitionIndex: 0 }] },
          ],
        }),
      );
    const codes = (await remove('group')).topics.map((topic) =>
      topic.partitions.map((partition) => partition.errorCode),
    );
    expect(codes).toEqual([
      [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC],
      [0, 0],
      [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    expect((await remove('nowhere')).errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    await h.restart();
    expect((await fetchOffset(h, 'group', 'pages')).committedOffset).toBe(-1);
    expect((await fetchOffset(h, 'group')).committedOffset).toBe(1);
  });

  test('OffsetDelete of one that is named over and over writes one record', async () => {
    const h = await harness();
    await h.clock.until(new TestMember(h).commit(1, simple));
    const partitions = new Array(1000).fill({ partitionIndex: 0 });
    const topics = [{ name: 'orders', partitions }];
    const { errorCode } = await h.clock.until(
      h.coordinator.offsetDelete({ groupId: 'group', topics }),
    );
    expect(errorCode).toBe(0);
    expect(h.log.appends.at(-1)).toHaveLength(1);
    expect((await fetchOffset(h, 'group')).committedOffset).toBe(-1);
  });

  test('OffsetDelete refuses a live group whose subscriptions cannot be read', async () => {
    const h = await harness();
    const member = new TestMember(h);
    member.protocolType = 'connect';
    await settle(h, member);
    const response = await h.clock.until(
      h.coordinator.offsetDelete({ groupId: 'group', topics: [] }),
    );
    expect(response.errorCode).toBe(ErrorCode.NON_EMPTY_GROUP);
  });

  test('with their topic', async () => {
    const h = await harness();
    const topics = [commitTopic('orders', 0, 1), commitTopic('pages', 0, 2)];
    await h.clock.until(new TestMember(h, 'a').commit(0, { ...simple, topics }));
    await h.clock.until(new TestMember(h, 'b').commit(0, { ...simple, topics }));
    await h.clock.until(h.coordinator.onTopicsDeleted(['pages']));
    await h.restart();
    expect((await fetchOffset(h, 'a', 'pages')).committedOffset).toBe(-1);
    expect((await fetchOffset(h, 'b', 'pages')).committedOffset).toBe(-1);
    expect((await fetchOffset(h, 'a')).committedOffset).toBe(1);
  });

  test('by age, counted from when the group became empty, and the group with them', async () => {
    const h = await harness({ config: { offsetsRetentionMinutes: 60 } });
    const member = new TestMember(h);
    await settle(h, member);
    await h.clock.until(member.commit(1));
    for (let beat = 0; beat < 12; beat++) {
      await h.clock.advance(9_000);
      await h.clock.until(member.heartbeat());
    }
    await h.clock.until(member.leave());
    await h.clock.advance(59 * minute);
    expect((await fetchOffset(h, 'group')).committedOffset).toBe(1);
    await h.clock.advance(11 * minute);
    expect((await fetchOffset(h, 'group')).committedOffset).toBe(-1);
    expect(h.coordinator.listGroups({ statesFilter: [], typesFilter: [] }).groups).toEqual([]);
    await h.restart();
    expect(h.coordinator.listGroups({ statesFilter: [], typesFilter: [] }).groups).toEqual([]);
  });

  test('by age from the commit, for consumers without a group and topics nobody reads', async () => {
    const h = await harness({ config: { offsetsRetentionMinutes: 60 } });
    const member = new TestMember(h);
    member.sessionTimeoutMs = 1_800_000;
    await settle(h, member);
    const topics = [commitTopic('orders', 0, 1), commitTopic('pages', 0, 2)];
    await h.clock.until(member.commit(0, { topics }));
    await h.clock.until(new TestMember(h, 'loner').commit(3, simple));
    for (let beat = 0; beat < 3; beat++) {
      await h.clock.advance(25 * minute);
      await h.clock.until(member.heartbeat());
    }
    expect((await fetchOffset(h, 'group')).committedOffset).toBe(1);
    expect((await fetchOffset(h, 'group', 'pages')).committedOffset).toBe(-1);
    expect((await fetchOffset(h, 'loner')).committedOffset).toBe(-1);
  });

  test('many at once are spread over batches', async () => {
    const h = await harness({ config: { offsetsRetentionMinutes: 60 } });
    h.topics.add('wide', 5_000);
    const partitions = Array.from({ length: 5_000 }, (_, index) => ({
      ...commitTopic('wide', index, index).partitions[0]!,
    }));
    const topics = [{ name: 'wide', topicId: ZERO_ID, partitions }];
    await h.clock.until(new TestMember(h).commit(0, { ...simple, topics }));
    expect(h.log.appends).toHaveLength(1);
    await h.clock.until(h.coordinator.onTopicsDeleted(['wide']));
    expect(h.log.appends.length).toBeGreaterThan(1);
    expect(h.log.appends.slice(1).flat()).toHaveLength(5_000);
  });
});
