// A cluster reached over TCP with the host's sockets, clock and randomness.

import { Cluster, parseBrokers, tcpNetwork } from '../client/index.ts';
import { nodeClock } from '../host/node-clock.ts';
import { nodeRandom } from '../host/node-random.ts';
import { tcpConnector } from '../host/tcp-connector.ts';

/**
 * Connects when first used. `brokers`: `host:port`, several with commas between. Throws ClientError
 * `invalid_address`.
 */
export function remoteCluster(brokers: string, clientId: string): Cluster {
  const network = tcpNetwork(parseBrokers(brokers), {
    clientId,
    connector: tcpConnector,
    clock: nodeClock,
    random: nodeRandom,
  });
  return new Cluster({ network, clock: nodeClock, random: nodeRandom });
}
