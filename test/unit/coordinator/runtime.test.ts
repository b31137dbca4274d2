import { describe, expect, test } from 'vitest';
import { ErrorCode, KafkaError } from '../../../src/base/kafka-errors.ts';
import type { LogEntry } from '../../../src/coordinator/index.ts';
import { encodeRecord } from '../../../src/coordinator/index.ts';
import {
  commitCode,
  describe1,
  fetchOffset,
  harness,
  MemoryLog,
  settle,
  TestMember,
} from './harness.ts';

const simple = { generationIdOrMemberEpoch: -1, memberId: '' };

describe('a restart', () => {
  test('finds groups with members, who go on without a rebalance', async () => {
    const h = await harness();
    const [a, b] = [new TestMember(h), new TestMember(h, 'group', 'two')];
    await settle(h, a, b);
    await h.clock.until(a.commit(5));
    const before = await describe1(h);
    await h.restart();
    expect(await describe1(h)).toEqual(before);
    expect((await h.clock.until(a.heartbeat())).errorCode).toBe(0);
    expect((await h.clock.until(b.heartbeat())).errorCode).toBe(0);
    expect((await h.clock.until(b.sync())).assignment.toString()).toBe('assigned 1');
    expect(commitCode(await h.clock.until(a.commit(6)))).toBe(0);
    // The leader (the static member, which needed no handshake) still leads: a new member makes a new generation.
    const c = new TestMember(h);
    const joins = [a.joinOnce(), b.joinOnce(), c.join()].map((join) => h.clock.until(join));
    expect((await Promise.all(joins)).map((join) => join.leader)).toEqual(
      Array.from({ length: 3 }, () => b.memberId),
    );
  });

  test('times out the members that do not come back', async () => {
    const h = await harness();
    await settle(h, new TestMember(h));
    await h.restart();
    await h.clock.advance(9_999);
    expect((await describe1(h)).members).toHaveLength(1);
    await h.clock.advance(1);
    expect(await describe1(h)).toMatchObject({ groupState: 'Empty', members: [] });
  });

  test('skips records it does not know or cannot read, and keeps the rest', async () => {
    const h = await harness();
    await h.clock.until(new TestMember(h).commit(5, simple));
    for (const entries of h.log.partitions) {
      const junk = (key: Buffer, value: Buffer | null): LogEntry => ({
        kind: 'record',
        record: { key, value, timestampMs: 0 },
        transaction: null,
      });
      // A record type of the future, one of KIP-848, a key cut short, a value of a future version.
      entries.unshift(junk(Buffer.from([0, 99, 1, 2]), Buffer.from([0, 0])));
      entries.push(junk(Buffer.from([0, 3, 0, 1, 0x61]), Buffer.from([0, 0, 0, 0, 0, 1, 0])));
      entries.push(junk(Buffer.from([0, 2, 0, 50]), Buffer.from([0, 3])));
      entries.push(junk(Buffer.alloc(0), null));
      entries.push(junk(Buffer.from([0, 2, 0, 1, 0x61]), Buffer.from([0, 77])));
    }
    await h.restart();
    expect((await fetchOffset(h, 'group')).committedOffset).toBe(5);
  });
});

describe('loading', () => {
  test('answers COORDINATOR_LOAD_IN_PROGRESS, and is tried again when it fails', async () => {
    const h = await harness();
    await settle(h, new TestMember(h));
    h.log.readFailures = 4;
    await h.restart();
    const member = new TestMember(h);
    expect((await h.clock.until(member.joinOnce())).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    const list = h.coordinator.listGroups({ statesFilter: [], typesFilter: [] });
    expect(list.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    await h.clock.advance(1_000);
    expect((await h.clock.until(member.joinOnce())).errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
    expect((await describe1(h)).members).toHaveLength(1);
  });

  test('requests during the load are told to wait', async () => {
    const h = await harness();
    let open: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    h.log.read = async function* (): AsyncIterable<LogEntry> {
      await gate;
      yield* [];
    };
    const restarted = h.restart('go on');
    await h.clock.advance(1);
    const member = new TestMember(h);
    member.memberId = 'x';
    const code = async () => (await h.clock.until(member.heartbeat())).errorCode;
    expect(await code()).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    const list = h.coordinator.listGroups({ statesFilter: [], typesFilter: [] });
    expect(list.errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    open();
    await restarted;
    await h.clock.advance(1);
    expect(await code()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  test('a long log is read in many turns, between which others have theirs', async () => {
    const h = await harness();
    const entries = 20_000;
    let read = 0;
    const unknown: LogEntry = {
      kind: 'record',
      record: { key: Buffer.from([0, 99, 1, 2]), value: null, timestampMs: 0 },
      transaction: null,
    };
    h.log.read = async function* (partition): AsyncIterable<LogEntry> {
      for (let entry = 0; partition === 0 && entry < entries; entry++) {
        read++;
        yield unknown;
      }
    };
    await h.restart('go on');
    const turns: number[] = [];
    const look = (): void => {
      turns.push(read);
      if (read < entries) h.clock.setTimer(0, look);
    };
    h.clock.setTimer(0, look);
    await h.clock.advance(1);
    expect(read).toBe(entries);
    expect(turns.length).toBeGreaterThan(entries / 1000);
  });

  test('the first request makes the topic, once', async () => {
    const log = new MemoryLog(8, false);
    const h = await harness({ log });
    expect(log.partitionCount()).toBe(0);
    const members = [new TestMember(h, 'a'), new TestMember(h, 'b'), new TestMember(h, 'c')];
    const joins = await Promise.all(members.map((member) => h.clock.until(member.join())));
    expect(joins.map((join) => join.errorCode)).toEqual([0, 0, 0]);
    expect(log.creations).toBe(1);
    expect(await h.clock.until(h.coordinator.partitionOf('hello'))).toBe(99_162_322 % 8);
  });
});

describe('a failed append', () => {
  test('answers all who wait, and the state is that of the log again', async () => {
    const h = await harness();
    const member = new TestMember(h);
    await settle(h, member);
    await h.clock.until(member.commit(1));
    h.log.mode = 'fail';
    const failed = await h.clock.until(member.commit(2));
    expect(commitCode(failed)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    const meanwhile = await h.clock.until(member.heartbeat());
    expect(meanwhile.errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    h.log.mode = 'ok';
    await h.clock.advance(1_000);
    expect((await fetchOffset(h, 'group')).committedOffset).toBe(1);
    expect((await h.clock.until(member.heartbeat())).errorCode).toBe(0);
    expect(commitCode(await h.clock.until(member.commit(3)))).toBe(0);
  });

  test('that reached the log all the same is found by reading', async () => {
    const h = await harness();
    const member = new TestMember(h);
    await settle(h, member);
    h.log.mode = 'lost';
    h.log.failure = new KafkaError('KAFKA_STORAGE_ERROR', 'sync failed');
    const failed = await h.clock.until(member.commit(2));
    expect(commitCode(failed)).toBe(ErrorCode.NOT_COORDINATOR);
    h.log.mode = 'ok';
    await h.clock.advance(1_000);
    expect((await fetchOffset(h, 'group')).committedOffset).toBe(2);
  });

  test('of the assignment sends everybody to find the coordinator, and the group recovers', async () => {
    const h = await harness();
    const [a, b] = [new TestMember(h), new TestMember(h)];
    await Promise.all([h.clock.until(a.join()), h.clock.until(b.join())]);
    const waiting = b.sync();
    h.log.mode = 'fail';
    const own = await h.clock.until(a.sync({ [a.memberId]: 'all' }));
    expect(own.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect((await waiting).errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    h.log.mode = 'ok';
    await h.clock.advance(1_000);
    // The generation was never durable: its ids are unknown, and members start afresh.
    expect((await h.clock.until(a.heartbeat())).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    const [c, d] = [new TestMember(h), new TestMember(h)];
    const synced = await settle(h, c, d);
    expect(synced.map((sync) => sync.errorCode)).toEqual([0, 0]);
  });

  test('leaves no hole: what waits behind it is not written', async () => {
    const h = await harness({ log: new MemoryLog(1) });
    const write = h.log.append.bind(h.log);
    let calls = 0;
    h.log.append = async (partition, records) => {
      if (++calls > 1) return write(partition, records);
      await new Promise<void>((resolve) => {
        h.clock.setTimer(1_000, resolve);
      });
      throw new KafkaError('MESSAGE_TOO_LARGE', 'told to fail');
    };
    const first = new TestMember(h, 'a').commit(1, simple);
    await h.clock.advance(5);
    const second = new TestMember(h, 'b').commit(2, simple);
    await h.clock.advance(990);
    expect(calls).toBe(1);
    await h.clock.advance(1_000);
    const codes = [commitCode(await first), commitCode(await second)];
    expect(codes).toEqual(codes.map(() => ErrorCode.UNKNOWN_SERVER_ERROR));
    expect((await fetchOffset(h, 'a')).committedOffset).toBe(-1);
    expect((await fetchOffset(h, 'b')).committedOffset).toBe(-1);
  });

  test('again and again leaves other partitions of the log alone', async () => {
    const h = await harness();
    const groups = ['a', 'b', 'c', 'd'].map((id) => new TestMember(h, id));
    const append = h.log.append.bind(h.log);
    h.log.append = (partition, records) =>
      partition === 1 ? Promise.reject(new Error('broken')) : append(partition, records);
    const codes = await Promise.all(
      groups.map(async (one) => commitCode(await h.clock.until(one.commit(1, simple)))),
    );
    expect(codes.sort()).toEqual([0, 0, 0, ErrorCode.COORDINATOR_NOT_AVAILABLE]);
  });
});

test('steps of one turn share a batch, in order', async () => {
  const h = await harness({ log: new MemoryLog(1) });
  const members = Array.from({ length: 50 }, (_, index) => new TestMember(h, `group ${index}`));
  await Promise.all(members.map((member) => h.clock.until(member.commit(1, simple))));
  expect(h.log.appends).toHaveLength(1);
  expect(h.log.appends[0]).toHaveLength(50);
});

test('what comes while a batch is on its way shares the next one', async () => {
  const h = await harness({ log: new MemoryLog(1) });
  h.log.mode = 'stall';
  const members = Array.from({ length: 20 }, (_, index) => new TestMember(h, `group ${index}`));
  const commits = [];
  for (const member of members) {
    commits.push(member.commit(1, simple));
    await h.clock.advance(1);
  }
  expect(h.log.appends).toHaveLength(1);
  h.log.resume();
  const codes = await h.clock.until(Promise.all(commits));
  expect(codes.map(commitCode)).toEqual(codes.map(() => 0));
  expect(h.log.appends.map((records) => records.length)).toEqual([1, 19]);
});

test('closing answers all who wait', async () => {
  const h = await harness();
  const member = new TestMember(h);
  const join = member.join();
  await h.clock.advance(1);
  h.coordinator.close();
  expect((await h.clock.until(join)).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
  expect((await h.clock.until(new TestMember(h).joinOnce())).errorCode).toBe(
    ErrorCode.NOT_COORDINATOR,
  );
  expect(h.clock.pending()).toBe(0);
});

describe('offsets of transactions in the log', () => {
  const offset = (value: number, producerId: number | null): LogEntry => ({
    kind: 'record',
    record: encodeRecord(
      {
        kind: 'offset',
        group: 'group',
        topic: 'orders',
        partition: 0,
        value: {
          offset: value,
          leaderEpoch: -1,
          metadata: '',
          commitTimestamp: 0,
          expireTimestamp: -1,
          topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
        },
      },
      0,
    ),
    transaction: producerId === null ? null : { producerId, producerEpoch: 0 },
  });
  const marker = (producerId: number, outcome: 'commit' | 'abort'): LogEntry => ({
    kind: 'marker',
    transaction: { producerId, producerEpoch: 0 },
    outcome,
  });

  async function replayed(...entries: LogEntry[]) {
    const log = new MemoryLog(1);
    log.partitions[0]!.push(...entries);
    return harness({ log });
  }

  test('count when committed, not when aborted, nor when their transaction has no end', async () => {
    const open = await replayed(offset(1, null), offset(2, 7));
    expect(await fetchOffset(open, 'group')).toMatchObject({
      committedOffset: 1,
      errorCode: ErrorCode.NONE,
    });
    const committed = await replayed(offset(1, null), offset(2, 7), marker(7, 'commit'));
    expect((await fetchOffset(committed, 'group')).committedOffset).toBe(2);
    const aborted = await replayed(offset(1, null), offset(2, 7), marker(7, 'abort'));
    expect((await fetchOffset(aborted, 'group')).committedOffset).toBe(1);
  });

  test('do not undo a plain commit made after them', async () => {
    const h = await replayed(offset(2, 7), offset(3, null), marker(7, 'commit'));
    expect((await fetchOffset(h, 'group')).committedOffset).toBe(3);
  });

  test('do not keep their group from expiring where their transaction has no end', async () => {
    const h = await replayed(offset(1, null), offset(2, 7));
    const listed = () => h.coordinator.listGroups({ statesFilter: [], typesFilter: [] }).groups;
    expect(listed().map((group) => group.groupId)).toEqual(['group']);
    await h.clock.advance(30 * 24 * 3_600_000);
    expect(listed()).toEqual([]);
  });
});
