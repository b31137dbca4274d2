// A cluster of one broker made of a function, for what lies above frames and connections.

import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { Cluster, type ClusterOptions, singleNetwork } from '../../../src/client/index.ts';
import type { Transport } from '../../../src/protocol/index.ts';
import type { VirtualClock } from '../../../src/testing/virtual-clock.ts';

/** `answer`: the body, or a promise of it, for a request of the API of this name. Versions go up to 9. */
export function fakeCluster(
  clock: VirtualClock,
  answer: (api: string, body: never) => unknown,
  options: Partial<ClusterOptions> = {},
): Cluster {
  const transport = {
    versions: () => Promise.resolve([0, 9]),
    close: () => Promise.resolve(),
    send: async ({ name }: { name: string }, body: never) => answer(name, body),
  } as unknown as Transport;
  const network = singleNetwork(transport);
  return new Cluster({ network, clock, random: new SeededRandom(1), ...options });
}
