// A command's way to the cluster, from its options and the environment. The client is loaded here, when it is needed.

import type { Cluster, TcpOptions } from '../client/index.ts';
import { CliError, ExitCode, exitCodeOf, nextStepOf, usageError } from './exit-codes.ts';
import { type CliIo, processIo } from './io.ts';
import { wholeNumber } from './numbers.ts';
import type { BrokerOptions } from './program.ts';
import { type Ending, endingOf, stopSignal } from './stop-signal.ts';
import { clientTlsOf, tlsProperties } from './tls-files.ts';
import { Waiting } from './waiting.ts';

const BROKERS_DEFAULT = '127.0.0.1:9092';
/** The client's defaults, in ms. */
const REQUEST_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 10_000;

/** The broker list: option, then environment, then the default. */
export function brokersOf(options: BrokerOptions): string {
  const { env } = process;
  return (
    options.brokers ||
    env['TIDEMARK_BROKERS'] ||
    env['KAFKA_BROKERS'] ||
    env['BOOTSTRAP_SERVERS'] ||
    BROKERS_DEFAULT
  );
}

/** Properties of `-X`, by name. Throws a usage error for one without `=`. */
export function propertiesOf(options: BrokerOptions): Map<string, string> {
  const properties = new Map<string, string>();
  for (const text of options.property ?? []) {
    const at = text.indexOf('=');
    if (at < 1) throw usageError(`-X ${text}: write -X key=value`);
    properties.set(text.slice(0, at).trim(), text.slice(at + 1).trim());
  }
  return properties;
}

/** Properties that commands read for themselves. */
const ofCommands = new Set([
  'acks',
  'compression.type',
  'linger.ms',
  'batch.size',
  'isolation.level',
  'group.protocol',
]);
const times: Readonly<Record<string, 'requestTimeoutMs' | 'connectTimeoutMs'>> = {
  'request.timeout.ms': 'requestTimeoutMs',
  'socket.connection.setup.timeout.ms': 'connectTimeoutMs',
};

interface ClientSettings {
  clientId: string;
  apiTimeoutMs?: number;
  requestTimeoutMs?: number;
  connectTimeoutMs?: number;
}

function clientSettings(properties: ReadonlyMap<string, string>): ClientSettings {
  const settings: ClientSettings = { clientId: 'tidemark-cli' };
  for (const [name, value] of properties) {
    const time = times[name];
    if (name === 'client.id') settings.clientId = value;
    else if (name === 'default.api.timeout.ms') settings.apiTimeoutMs = milliseconds(name, value);
    else if (time !== undefined) settings[time] = milliseconds(name, value);
    else if (name === 'security.protocol' && !/^(PLAINTEXT|SSL)$/i.test(value)) {
      throw unknownProperty(name);
    } else if (tlsProperties.has(name)) continue;
    else if (!ofCommands.has(name)) throw unknownProperty(name);
  }
  return settings;
}

function unknownProperty(name: string): Error {
  const secure = /^(security|sasl|ssl)\./.test(name);
  const known = ['client.id', 'default.api.timeout.ms', ...Object.keys(times), ...ofCommands];
  return usageError(
    secure ? `-X ${name}: SASL is not built in yet, TLS is` : `-X ${name} is not known`,
    secure
      ? `TLS: --tls, or ${[...tlsProperties].join(', ')}`
      : `known are ${known.join(', ')}; for TLS ${[...tlsProperties].join(', ')}`,
  );
}

/** What timers take, in milliseconds: 24 days. */
const TIME_MAX_MS = 2 ** 31 - 1;

function milliseconds(name: string, value: string): number {
  return wholeNumber(`-X ${name}`, value, { from: 1, to: TIME_MAX_MS });
}

/** A connected command. */
export interface Session {
  readonly cluster: Cluster;
  readonly client: typeof import('../client/index.ts');
  /** Broker list as it was resolved. */
  readonly brokers: string;
  readonly properties: ReadonlyMap<string, string>;
  /** Tells of what is waited for. */
  readonly waiting: Waiting;
  /** From the first call on SIGINT and SIGTERM end the command in order: its connections close when that is over. */
  stopSignal(): CommandEnding;
}

/** How a command that has a cluster hears that it has to end. */
export interface CommandEnding extends Ending {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
}

/** Runs `work` with a cluster, and closes the cluster after it. Nothing is connected before the first request. */
export async function withCluster<T>(
  options: BrokerOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const properties = propertiesOf(options);
  const settings = clientSettings(properties);
  const brokers = brokersOf(options);
  const tls = clientTlsOf(options, properties);
  const [client, connectors, { clientClock }, { nodeRandom }, { useAccelerators }] =
    await Promise.all([
      import('../client/index.ts'),
      import('../host/tcp-connector.ts'),
      import('../host/node-clock.ts'),
      import('../host/node-random.ts'),
      import('../host/accelerators.ts'),
    ]);
  useAccelerators();
  const { apiTimeoutMs, ...tcp } = settings;
  let io: CliIo | null = null;
  const say = (line: string): void => {
    io ??= processIo();
    io.say(line);
  };
  const waiting = new Waiting(say, {
    requestTimeoutMs: settings.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    connectTimeoutMs: settings.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
  });
  const tcpOptions: TcpOptions = {
    ...tcp,
    connector: tls === null ? connectors.tcpConnector : connectors.tlsConnector(tls),
    clock: clientClock,
    random: nodeRandom,
  };
  const addresses = client.parseBrokers(brokers);
  const network = waiting.watch(client.tcpNetwork(addresses, tcpOptions), addresses);
  const timing = apiTimeoutMs === undefined ? {} : { apiTimeoutMs };
  const cluster = new client.Cluster({
    network,
    clock: clientClock,
    random: nodeRandom,
    onTrouble: (error, leftMs) => waiting.hear(error, leftMs),
    ...timing,
  });
  const heeded: { ending?: CommandEnding } = {};
  const heedSignals = (): CommandEnding => {
    heeded.ending ??= commandEnding(() => void cluster.close());
    return heeded.ending;
  };
  try {
    return await work({ cluster, client, brokers, properties, waiting, stopSignal: heedSignals });
  } catch (error) {
    throw heeded.ending?.over.aborted === true ? cutShort(error) : error;
  } finally {
    heeded.ending?.off();
    await cluster.close();
  }
}

function commandEnding(close: () => void): CommandEnding {
  const stop = stopSignal();
  const ending = endingOf(stop.signal);
  ending.over.addEventListener('abort', close, { once: true });
  return {
    ...ending,
    signal: stop.signal,
    off() {
      stop.off();
      ending.off();
    },
  };
}

/** What a command fails with whose connections were closed under it. */
function cutShort(error: unknown): unknown {
  if (exitCodeOf(error) === ExitCode.interrupted) return error;
  const step = nextStepOf(error);
  return new CliError(ExitCode.interrupted, 'interrupted', step, { cause: error });
}
