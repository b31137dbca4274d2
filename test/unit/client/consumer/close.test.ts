// Closing a consumer whose brokers do not answer any more.

import { expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { Consumer } from '../../../../src/client/consumer/consumer.ts';
import { encodeAssignment } from '../../../../src/client/consumer/subscription.ts';
import { Cluster, singleNetwork, tcpNetwork } from '../../../../src/client/index.ts';
import {
  type Api,
  LeaveGroup,
  OffsetCommit,
  type SendOptions,
  type Transport,
} from '../../../../src/protocol/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { FakeBroker, type FakeRequest, metadataBody } from '../fake-broker.ts';

const place = { topic: 't', partition: 0 };
const node = { nodeId: 1, host: 'fake', port: 1 };
const zero = { errorCode: 0 };
const answers: Record<string, object | undefined> = {
  Metadata: metadataBody('t', 1),
  FindCoordinator: { coordinators: [{ key: 'g', ...node, ...zero, errorMessage: null }] },
  JoinGroup: {
    ...{ ...zero, generationId: 1, protocolType: 'consumer', protocolName: 'cooperative-sticky' },
    ...{ leader: 'other', skipAssignment: false, memberId: 'm', members: [] },
  },
  SyncGroup: {
    ...zero,
    protocolType: 'consumer',
    protocolName: 'cooperative-sticky',
    assignment: encodeAssignment([place]),
  },
  Heartbeat: zero,
  OffsetFetch: { groups: [{ groupId: 'g', topics: [], ...zero }] },
  ListOffsets: {
    topics: [
      {
        name: 't',
        partitions: [{ partitionIndex: 0, ...zero, timestamp: -1, offset: 7, leaderEpoch: 0 }],
      },
    ],
  },
  OffsetCommit: {
    topics: [{ name: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAg', partitions: [] }],
  },
  LeaveGroup: { ...zero, members: [] },
};

/** A member of a group with something to commit. */
async function member(cluster: Cluster, clock: VirtualClock, closeTimeoutMs: number) {
  const troubles: unknown[] = [];
  const told: string[] = [];
  const consumer = new Consumer(cluster, {
    topics: ['t'],
    group: 'g',
    closeTimeoutMs,
    onRevoked: () => void told.push('revoked'),
    onTrouble: (error) => troubles.push(error),
  });
  void consumer.run(() => {}).catch(() => {});
  await clock.advance(100);
  expect(consumer.assignment()).toEqual([place]);
  const closed = async (limitMs: number): Promise<void> => {
    await clock.until(consumer.close(), limitMs);
  };
  return { closed, told, troubles };
}

/** One whose broker then does as `goAway` says. */
async function away(closeTimeoutMs: number, goAway: (broker: FakeBroker) => void) {
  const clock = new VirtualClock();
  const broker = new FakeBroker(({ api }: FakeRequest) => answers[api.name]);
  const shared = { clock, random: new SeededRandom(7) };
  const tcp = { ...shared, clientId: 'test', connector: broker };
  const cluster = new Cluster({ network: tcpNetwork([{ host: 'fake', port: 1 }], tcp), ...shared });
  const joined = await member(cluster, clock, closeTimeoutMs);
  goAway(broker);
  return { broker, ...joined };
}

const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const ways: [string, (broker: FakeBroker) => void][] = [
  [
    'does not answer',
    (broker) => {
      broker.answer = () => undefined;
    },
  ],
  [
    'is gone',
    (broker) => {
      broker.refuse = refused;
      for (const connection of broker.connections) connection.hangUp(null);
    },
  ],
  [
    'is behind a network that lets nothing through',
    (broker) => {
      broker.connect = () => new Promise(() => {});
      for (const connection of broker.connections) connection.hangUp(null);
    },
  ],
];

test.each(ways)('takes its time and no longer when the broker %s', async (_, goAway) => {
  const { closed, told, troubles } = await away(10_000, goAway);
  await closed(12_000);
  expect(told).toEqual(['revoked']);
  expect(troubles.map(String).join()).toContain('the last commit was not made');
});

test('takes no longer when the broker is in this process, and its disk hangs', async () => {
  const clock = new VirtualClock();
  let hangs = false;
  const transport = {
    versions: () => Promise.resolve([0, 9]),
    close: () => Promise.resolve(),
    send: (api: Api, _: object, { signal }: SendOptions = {}) => {
      const answer = hangs ? undefined : answers[api.name];
      if (answer !== undefined) return Promise.resolve(api.response.complete(answer as never));
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
    },
  } as unknown as Transport;
  const network = singleNetwork(transport);
  const cluster = new Cluster({ network, clock, random: new SeededRandom(7) });
  const { closed, told, troubles } = await member(cluster, clock, 10_000);
  hangs = true;
  await closed(12_000);
  expect(told).toEqual(['revoked']);
  expect(troubles.map(String).join()).toContain('the last commit was not made');
});

test('a broker that answers hears the last commit and the good-bye, without any time left', async () => {
  const { broker, closed, told } = await away(1, () => {});
  await closed(1_000);
  expect(told).toEqual(['revoked']);
  expect([broker.of(OffsetCommit).length, broker.of(LeaveGroup).length]).toEqual([1, 1]);
});
