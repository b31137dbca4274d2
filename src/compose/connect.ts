// Clients over TCP, with the host's sockets, clock and randomness. What `connect()` calls.

import {
  callback,
  type KindsOf,
  type OptionKind,
  text,
  wrongOption,
} from '../base/option-kinds.ts';
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
import { warnProcess } from '../host/warn.ts';

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
  /**
   * Hears of trouble that is borne: requests that failed and are tried again for `leftMs`; with Infinity, until the
   * producer or consumer is closed. Consumers with an `onTrouble` of their own tell that. Without either the process is
   * warned (`process.on('warning')`) of a consumer that has waited for 5 s.
   */
  readonly onTrouble?: (error: unknown, leftMs: number) => void;
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
  checkConnectOptions(options);
  const list: unknown = Array.isArray(brokers) ? brokers.join() : brokers;
  if (typeof list !== 'string') {
    throw new ClientError('invalid_address', "give the brokers' addresses: connect('host:9092')");
  }
  const cluster = remoteCluster(list, options);
  try {
    await cluster.describe();
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return new ClusterClient(cluster);
}

const milliseconds: OptionKind = {
  wanted: 'milliseconds above 0',
  fits: (value) => typeof value === 'number' && value > 0,
};

const kinds: KindsOf<ConnectOptions> = {
  clientId: text,
  apiTimeoutMs: milliseconds,
  requestTimeoutMs: milliseconds,
  connectTimeoutMs: milliseconds,
  metadataMaxAgeMs: milliseconds,
  tls: {
    wanted: 'true, or { ca } with what the file of the authority holds',
    fits: (value) => typeof value === 'boolean' || (typeof value === 'object' && value !== null),
  },
  onTrouble: callback,
};

/** For callers without types. Throws ClientError `invalid_option`. */
function checkConnectOptions(options: ConnectOptions): void {
  const wrong = wrongOption('connect', options, kinds);
  if (wrong !== null) throw new ClientError('invalid_option', wrong);
  const { tls = {} } = options;
  if (typeof tls === 'boolean') return;
  for (const name of ['ca', 'cert', 'key'] as const) {
    for (const given of [tls[name] ?? []].flat()) {
      // Node takes anything as an authority and then trusts nobody.
      const pem = typeof given === 'string' || Buffer.isBuffer(given);
      if (pem && given.includes('-----BEGIN ')) continue;
      const message = `tls.${name} is no PEM text; give what is in the file, not its name: readFileSync('${name}.pem')`;
      throw new ClientError('invalid_option', message);
    }
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new ClientError('invalid_option', 'tls.cert and tls.key belong together: give both');
  }
}

/**
 * Connects when first used. `brokers`: `host:port`, several with commas between. Throws ClientError
 * `invalid_address`.
 */
export function remoteCluster(brokers: string, options: ConnectOptions = {}): Cluster {
  useAccelerators();
  const {
    clientId = 'tidemark',
    apiTimeoutMs,
    metadataMaxAgeMs,
    tls = false,
    onTrouble,
    ...times
  } = options;
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
    ...(onTrouble !== undefined && { onTrouble }),
    warn: warnProcess,
  });
}
