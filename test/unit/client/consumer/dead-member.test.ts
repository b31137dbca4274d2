// A member of a classic group that cannot go on, because the program's callback throws or the group refuses it: its
// partitions are for others at once.

import { expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { ClassicMember } from '../../../../src/client/consumer/classic-member.ts';
import { encodeAssignment } from '../../../../src/client/consumer/subscription.ts';
import { TopicWatch } from '../../../../src/client/consumer/topic-watch.ts';
import { Cluster, singleNetwork } from '../../../../src/client/index.ts';
import type { Transport } from '../../../../src/protocol/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';

const TOPIC = 'pages';
const GROUP_AUTHORIZATION_FAILED = 30;
const place = { topic: TOPIC, partition: 0 };

/** A member of a group of its own, with what it asked the coordinator and told its consumer. */
function member(heartbeat: number, assigned: () => void) {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const told: string[] = [];
  const answers: Record<string, object> = {
    FindCoordinator: { coordinators: [{ nodeId: 1, host: 'h', port: 1, errorCode: 0 }] },
    Metadata: { errorCode: 0, brokers: [{ nodeId: 1, host: 'h', port: 1 }], topics: [] },
    JoinGroup: { errorCode: 0, memberId: 'm', leader: 'other', generationId: 1, members: [] },
    SyncGroup: { errorCode: 0, assignment: encodeAssignment([place]) },
    Heartbeat: { errorCode: heartbeat },
    LeaveGroup: { errorCode: 0, members: [] },
  };
  const transport = {
    versions: () => Promise.resolve([0, 9]),
    close: () => Promise.resolve(),
    send({ name }: { name: string }, { members }: { members?: { memberId: string }[] }) {
      asked.push(name === 'LeaveGroup' ? `${name} ${members?.[0]?.memberId}` : name);
      return Promise.resolve(answers[name]);
    },
  } as unknown as Transport;
  const network = singleNetwork(transport);
  const cluster = new Cluster({ network, clock, random: new SeededRandom(1) });
  const quiet = { onChange: () => {}, onTrouble: () => {} };
  const watch = new TopicWatch(cluster, { topics: [TOPIC], everyMs: 60_000, ...quiet });
  let owned: (typeof place)[] = [];
  const away = (what: string) => () => {
    if (owned.length > 0) told.push(what);
    owned = [];
    return Promise.resolve();
  };
  const host = {
    owned: () => owned,
    assign() {
      owned = [place];
      told.push('assigned');
      assigned();
      return Promise.resolve();
    },
    revoke: away('revoked'),
    lost: away('lost'),
    stuckMs: () => 0,
    unstuck: () => Promise.resolve(),
    trouble: () => {},
  };
  const times = { sessionTimeoutMs: 3_000, heartbeatIntervalMs: 300, maxPollIntervalMs: 60_000 };
  const options = { group: 'g', instanceId: null, assignors: ['cooperative-sticky'] as const };
  const one = new ClassicMember(cluster, { ...options, ...times }, host, watch);
  return { clock, asked, told, run: () => one.run(), leave: () => one.leave() };
}

test('a callback that throws ends the membership: no heartbeats, nothing kept', async () => {
  const { clock, asked, told, run, leave } = member(0, () => {
    throw new Error('the database is away');
  });
  await expect(clock.until(run())).rejects.toThrow('the database is away');
  expect(told).toEqual(['assigned', 'revoked']);
  expect(asked.at(-1)).toBe('LeaveGroup m');
  const { length } = asked;
  await clock.advance(5_000);
  await clock.until(leave());
  expect(asked.slice(length)).toEqual([]);
});

test('a group that refuses it is told that it is gone', async () => {
  const { clock, asked, told, run } = member(GROUP_AUTHORIZATION_FAILED, () => {});
  await expect(clock.until(run())).rejects.toMatchObject({ code: 'GROUP_AUTHORIZATION_FAILED' });
  expect(told).toEqual(['assigned', 'lost']);
  expect(asked.at(-1)).toBe('LeaveGroup m');
});
