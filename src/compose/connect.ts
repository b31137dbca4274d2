// Clients over TCP, with the host's sockets, clock and randomness. What `connect()` calls.

import { unknownOption } from '../base/option-names.ts';
import {
  type Client,
  ClientError,
  Cluster,
  ClusterClient,
  parseBrokers,
  tcpNetwork,
} from '../client/index.ts';
import { useAccelerators } from '../host/accelerators.ts';
import { clientClock } from '../host/node-clock.ts';
import { nodeRandom } from '../host/node-random.ts';
import { type ClientTls, tcpConnector, tlsConnector } from '../host/tcp-connector.ts';
import { connectNames } from './option-names.ts';

/** Kafka's names in brackets; all times in milliseconds. */
export interface ConnectOptions {
  /** What brokers log and measure us by. Default `tidemark`. [`client.id`] */
  readonly clientId?: string;
  /** How long a call goes on trying. Default 60 000. [`default.api.timeout.ms`] */
  readonly apiTimeoutMs?: number;
  /** How long an answer may take. Default 30 000. [`request.timeout.ms`] */
  readonly requestTimeoutMs?: number;
  /** How long a connection may take. Default 10 000. [`socket.connection.setup.timeout.ms`] */
  readonly connectTimeoutMs?: number;
  /** Age at which metadata are asked for again. Default 300 000. [`metadata.max.age.ms`] */
  readonly metadataMaxAgeMs?: number;
  /** TLS, with the authorities that Node knows (`true`) or as told. Default: plain TCP. */
  readonly tls?: boolean | ClientTls;
}

/**
 * Connects to a cluster: Tidemark, Apache Kafka, Redpanda. Resolves when one of the brokers has answered; lost
 * connections are opened again as needed. Throws ClientError `invalid_address`, `invalid_option`,
 * `cannot_connect`.
 */
export async function connect(
  brokers: string | readonly string[],
  options: ConnectOptions = {},
): Promise<Client> {
  const wrong = unknownOption('connect', options, connectNames);
  if (wrong !== null) throw new ClientError('invalid_option', wrong);
  const list = typeof brokers === 'string' ? brokers : brokers.join(',');
  const cluster = remoteCluster(list, options);
  try {
    await cluster.describe();
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return new ClusterClient(cluster);
}

/**
 * Connects when first used. `brokers`: `host:port`, several with commas between. Throws ClientError
 * `invalid_address`.
 */
export function remoteCluster(brokers: string, options: ConnectOptions = {}): Cluster {
  useAccelerators();
  const { clientId = 'tidemark', apiTimeoutMs, metadataMaxAgeMs, tls = false, ...times } = options;
  const secure = tls === false ? null : tlsConnector(tls === true ? {} : tls);
  const shared = { clock: clientClock, random: nodeRandom };
  const network = tcpNetwork(parseBrokers(brokers), {
    clientId,
    connector: secure ?? tcpConnector,
    ...times,
    ...shared,
  });
  return new Cluster({
    network,
    ...shared,
    ...(apiTimeoutMs !== undefined && { apiTimeoutMs }),
    ...(metadataMaxAgeMs !== undefined && { metadataMaxAgeMs }),
  });
}
