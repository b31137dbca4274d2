// tidemark verify -b while the leader of a partition dies: the one after it is read.

import { expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { BrokerCheck } from '../../../src/cli/inspect/verify-broker.ts';
import * as client from '../../../src/client/index.ts';
import type { Transport } from '../../../src/protocol/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

/** A cluster of two whose first leads a partition of one record until it is asked for it: then it is dead. */
function setUp() {
  const clock = new VirtualClock();
  const asked: string[] = [];
  let leaderId = 1;
  const brokers = [1, 2].map((nodeId) => ({ nodeId, host: `h${nodeId}`, port: 1 }));
  const offsetAt = (timestamp: number): number => (timestamp === -1 ? 1 : 0);
  const answers: Record<string, (request: never) => object> = {
    Metadata: () => {
      const partitions = [{ partitionIndex: 0, errorCode: 0, leaderId, leaderEpoch: leaderId }];
      const topics = [{ name: 't', topicId: 'id', errorCode: 0, partitions }];
      return { errorCode: 0, controllerId: 2, brokers, topics };
    },
    ListOffsets: ({ topics }: { topics: [{ partitions: [{ timestamp: number }] }] }) => {
      const offset = offsetAt(topics[0].partitions[0].timestamp);
      const one = { partitionIndex: 0, errorCode: 0, offset, timestamp: -1, leaderEpoch: 0 };
      return { topics: [{ name: 't', partitions: [one] }] };
    },
    DescribeConfigs: () => ({ results: [{ errorCode: 0, configs: [] }] }),
    Fetch: () => ({ errorCode: 0, responses: [{ partitions: [{ errorCode: 0, records: null }] }] }),
  };
  const transports = [1, 2].map((nodeId): Transport => {
    const gone = (): Promise<never> =>
      Promise.reject(new client.ClientError('cannot_connect', 'it is gone'));
    const isGone = (): boolean => nodeId === 1 && leaderId === 2;
    return {
      versions: () => (isGone() ? gone() : Promise.resolve([0, 9])),
      close: () => Promise.resolve(),
      send({ name }: { name: string }, request: never) {
        if (name === 'Fetch') {
          asked.push(`${name} of ${nodeId}`);
          leaderId = 2;
        }
        return isGone() ? gone() : Promise.resolve(answers[name]?.(request));
      },
    } as unknown as Transport;
  });
  const network: client.Network = {
    copies: false,
    entries: () => transports,
    to: ({ id }) => transports[id - 1] as Transport,
    fork: () => network,
    close: () => Promise.resolve(),
  };
  const cluster = new client.Cluster({ network, clock, random: new SeededRandom(1) });
  return { clock, cluster, asked };
}

test('a leader that dies is not asked again, but the next one is', async () => {
  const { clock, cluster, asked } = setUp();
  const check = new BrokerCheck({ cluster, client }, { progress() {} }, false);
  const [topic] = await cluster.listTopics();
  if (topic === undefined) throw new Error('there is no topic');
  await clock.until(check.topic(topic));
  expect(asked).toEqual(['Fetch of 1', 'Fetch of 2']);
  expect(check.findings).toMatchObject([{ offsets: { first: 0, last: 0 } }]);
});
