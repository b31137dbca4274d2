// A member of a group that cannot go on, because the program's callback throws or the group refuses it: its
// partitions are for others at once.

import { once } from 'node:events';
import { expect, test } from 'vitest';
import { ClassicMember } from '../../../../src/client/consumer/classic-member.ts';
import type { Member } from '../../../../src/client/consumer/membership.ts';
import { ModernMember } from '../../../../src/client/consumer/modern-member.ts';
import { encodeAssignment } from '../../../../src/client/consumer/subscription.ts';
import { TopicWatch } from '../../../../src/client/consumer/topic-watch.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { fakeCluster } from '../fake-cluster.ts';

const TOPIC = 'pages';
const UNKNOWN_MEMBER_ID = 25;
const GROUP_AUTHORIZATION_FAILED = 30;
const place = { topic: TOPIC, partition: 0 };

const protocols = ['classic', 'consumer'] as const;

interface Asked {
  readonly members?: readonly { memberId: string }[];
  readonly memberEpoch?: number;
}

interface Behaviour {
  /** What the group answers heartbeats of its member with. */
  readonly heartbeat?: number;
  readonly assigned?: () => void;
  /** Resolves when what is at work is done. */
  readonly revoked?: Promise<unknown>;
}

/** A member of a group of its own, with what it asked the coordinator and told its consumer. */
function member(
  protocol: (typeof protocols)[number],
  { heartbeat = 0, assigned = () => {}, revoked }: Behaviour,
) {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const told: string[] = [];
  const brokers = [{ nodeId: 1, host: 'h', port: 1 }];
  const partitions = [{ partitionIndex: 0, errorCode: 0, leaderId: 1, leaderEpoch: 0 }];
  const topics = [{ name: TOPIC, topicId: 'id', errorCode: 0, partitions }];
  const topicPartitions = [{ topicId: 'id', partitions: [0] }];
  const answers: Record<string, object> = {
    FindCoordinator: { coordinators: [{ nodeId: 1, host: 'h', port: 1, errorCode: 0 }] },
    Metadata: { errorCode: 0, brokers, topics },
    JoinGroup: { errorCode: 0, memberId: 'm', leader: 'other', generationId: 1, members: [] },
    SyncGroup: { errorCode: 0, assignment: encodeAssignment([place]) },
    Heartbeat: { errorCode: heartbeat },
    'ConsumerGroupHeartbeat 0': {
      errorCode: 0,
      memberEpoch: 1,
      heartbeatIntervalMs: 300,
      assignment: { topicPartitions },
    },
    'ConsumerGroupHeartbeat 1': {
      errorCode: heartbeat,
      memberEpoch: 1,
      heartbeatIntervalMs: 300,
      assignment: null,
    },
    LeaveGroup: { errorCode: 0, members: [] },
  };
  const cluster = fakeCluster(clock, (name, { members, memberEpoch }: Asked) => {
    const call = memberEpoch === undefined ? name : `${name} ${memberEpoch}`;
    asked.push(name === 'LeaveGroup' ? `${name} ${members?.[0]?.memberId}` : call);
    return answers[call];
  });
  let owned: (typeof place)[] = [];
  const away = (what: string): void => {
    if (owned.length > 0) told.push(what);
    owned = [];
  };
  const host = {
    owned: () => owned,
    assign(places: readonly (typeof place)[]) {
      if (places.length === 0) return Promise.resolve();
      owned = [place];
      told.push('assigned');
      assigned();
      return Promise.resolve();
    },
    async revoke() {
      await revoked;
      away('revoked');
    },
    lost() {
      away('lost');
      return Promise.resolve();
    },
    stuckMs: () => 0,
    unstuck: () => Promise.resolve(),
    trouble: () => {},
  };
  const times = { sessionTimeoutMs: 3_000, heartbeatIntervalMs: 300, maxPollIntervalMs: 60_000 };
  const options = { group: 'g', instanceId: null, ...times };
  const classic = (): Member => {
    const quiet = { onChange: () => {}, onTrouble: () => {} };
    const watch = new TopicWatch(cluster, { topics: [TOPIC], everyMs: 60_000, ...quiet });
    return new ClassicMember(
      cluster,
      { ...options, assignors: ['cooperative-sticky'] },
      host,
      watch,
    );
  };
  const modern = (): Member =>
    new ModernMember(cluster, { ...options, topics: [TOPIC], serverAssignor: null }, host);
  const one = protocol === 'classic' ? classic() : modern();
  return { clock, asked, told, run: () => one.run(), leave: () => one.leave() };
}

const goodBye = { classic: 'LeaveGroup m', consumer: 'ConsumerGroupHeartbeat -1' };
const beat = { classic: 'Heartbeat', consumer: 'ConsumerGroupHeartbeat 1' };
const assigned = (): never => {
  throw new Error('the database is away');
};

test.each(protocols)(
  'a callback that throws ends the membership: no heartbeats, nothing kept (%s)',
  async (protocol) => {
    const { clock, asked, told, run, leave } = member(protocol, { assigned });
    await expect(clock.until(run())).rejects.toThrow('the database is away');
    expect(told).toEqual(['assigned', 'revoked']);
    expect(asked.at(-1)).toBe(goodBye[protocol]);
    const { length } = asked;
    await clock.advance(5_000);
    await clock.until(leave());
    expect(asked.slice(length)).toEqual([]);
  },
);

test.each(protocols)('it stays a member while records are at work (%s)', async (protocol) => {
  const work = new AbortController();
  const revoked = once(work.signal, 'abort');
  const { clock, asked, told, run } = member(protocol, { assigned, revoked });
  const dead = expect(run()).rejects.toThrow('the database is away');
  await clock.advance(1_000);
  const { length } = asked;
  await clock.advance(1_000);
  expect(new Set(asked.slice(length))).toEqual(new Set([beat[protocol]]));
  expect(told).toEqual(['assigned']);
  work.abort();
  await clock.until(dead);
  expect(told).toEqual(['assigned', 'revoked']);
  expect(asked.at(-1)).toBe(goodBye[protocol]);
});

test('what the group takes away meanwhile is lost', async () => {
  const work = new AbortController();
  const revoked = once(work.signal, 'abort');
  const { clock, asked, told, run } = member('consumer', {
    heartbeat: UNKNOWN_MEMBER_ID,
    assigned,
    revoked,
  });
  const dead = expect(run()).rejects.toThrow('the database is away');
  await clock.advance(1_000);
  expect(told).toEqual(['assigned', 'lost']);
  work.abort();
  await clock.until(dead);
  expect(asked.at(-1)).toBe(beat.consumer);
});

test.each(protocols)('a group that refuses it is told that it is gone (%s)', async (protocol) => {
  const { clock, asked, told, run } = member(protocol, { heartbeat: GROUP_AUTHORIZATION_FAILED });
  await expect(clock.until(run())).rejects.toMatchObject({ code: 'GROUP_AUTHORIZATION_FAILED' });
  expect(told).toEqual(['assigned', 'lost']);
  expect(asked.at(-1)).toBe(goodBye[protocol]);
});
