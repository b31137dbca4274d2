// Which broker is asked for what any of them can tell.

import { expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { ClientError, Cluster } from '../../../src/client/index.ts';
import type { Transport } from '../../../src/protocol/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

/** A broker that coordinates all groups as it says, while it is alive. */
class Broker {
  alive = true;
  readonly asked: string[] = [];
  readonly transport: Transport;

  constructor(host: string) {
    const node = { nodeId: 1, host, port: 1 };
    const answer = (): Promise<unknown> => {
      if (this.alive) {
        const topics: unknown[] = [];
        const coordinators = [{ ...node, errorCode: 0, errorMessage: null }];
        return Promise.resolve({ errorCode: 0, brokers: [node], topics, coordinators });
      }
      return Promise.reject(new ClientError('cannot_connect', `${host} is away`));
    };
    const transport = {
      versions: () => answer().then(() => [0, 4]),
      send: (api: { name: string }) => {
        this.asked.push(api.name);
        return answer();
      },
      close: () => Promise.resolve(),
    };
    this.transport = transport as unknown as Transport;
  }
}

test('a coordinator is asked for elsewhere when the broker that was asked is gone', async () => {
  const [first, second] = [new Broker('first'), new Broker('second')];
  const clock = new VirtualClock();
  const network = {
    copies: false,
    entries: () => [first.transport, second.transport],
    to: () => first.transport,
    fork: () => network,
    close: () => Promise.resolve(),
  };
  const cluster = new Cluster({ network, clock, random: new SeededRandom(1) });
  await cluster.describe();
  first.alive = false;
  await expect(cluster.coordinator('g')).rejects.toMatchObject({ code: 'cannot_connect' });
  expect(await cluster.coordinator('g')).toMatchObject({ host: 'second' });
  expect(second.asked).toEqual(['FindCoordinator']);
});
