// The sockets of a broker: where it listens, what it tells clients of that, and its metrics over HTTP.

import { textOfError } from '../base/errors.ts';
import { type Broker, type Endpoint, type Metric, metricsText } from '../broker/index.ts';
import type { LoopDelay, Quantiles } from '../host/event-loop-delay.ts';
import type { MetricsServer } from '../host/metrics-server.ts';
import { tlsModule } from '../host/node-tls.ts';
import { listenTcp, type TcpListener } from '../host/tcp-server.ts';
import {
  BrokerOptionError,
  formatAddress,
  listenHosts,
  parseAdvertised,
  reachable,
} from './addresses.ts';
import type { ListenAddress, ListenOptions } from './broker-options.ts';
import type { HostedLog } from './host-log.ts';

const PORT_DEFAULT = 9092;

export interface Listening {
  readonly addresses: readonly ListenAddress[];
  readonly bootstrap: string;
  /** The port of `addresses`, then those of `morePorts`. */
  readonly ports: readonly number[];
  readonly metricsAddress: ListenAddress | null;
  /** Accepts no more and lets the connections go. */
  close(): Promise<void>;
}

/** Throws {@link BrokerOptionError}. */
export function checkListenOptions(options: ListenOptions): void {
  const port = options.port ?? PORT_DEFAULT;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new BrokerOptionError(`port ${port} is not between 0 and 65535`);
  }
  advertisedOf(options);
  if (options.tls !== undefined) checkTls(options.tls);
}

/** A certificate that cannot be used is told before anything is opened. */
function checkTls({ clientCa, ...shown }: NonNullable<ListenOptions['tls']>): void {
  try {
    tlsModule().createSecureContext({ ...shown, ...(clientCa && { ca: clientCa }) });
  } catch (cause) {
    const why = textOfError(cause);
    throw new BrokerOptionError(`tls: the certificate or its key cannot be used: ${why}`);
  }
}

/** The broker's configs tell of the listeners that there are, as they were asked for. */
function tellListeners({ assembled, listeners }: HostedLog): void {
  const told: string[] = [];
  const advertised: string[] = [];
  for (const { host = 'localhost', port = PORT_DEFAULT, tls, advertise } of listeners) {
    const protocol = tls === undefined ? 'PLAINTEXT' : 'SSL';
    told.push(`${protocol}://${formatAddress({ host, port })}`);
    if (advertise !== undefined) advertised.push(`${protocol}://${advertise}`);
  }
  const { engine } = assembled;
  engine.settleBrokerConfig('listeners', told.join() || null);
  engine.settleBrokerConfig('advertised.listeners', advertised.join() || null);
}

/** Throws ListenError when a port cannot be had; then nothing is left open. */
export async function listen(
  hosted: HostedLog,
  options: ListenOptions,
  morePorts: readonly number[] = [],
): Promise<Listening> {
  const { broker } = hosted.assembled;
  const advertised = advertisedOf(options);
  const listeners: TcpListener[] = [];
  try {
    for (const port of [options.port ?? PORT_DEFAULT, ...morePorts]) {
      listeners.push(await listenOn(hosted, { ...options, port }, advertised));
    }
    const addresses = listeners[0]?.addresses ?? [];
    const [first] = addresses;
    if (first !== undefined) {
      const { host, port } = reachable(first);
      broker.setListenEndpoint({ host: advertised?.host ?? host, port: advertised?.port || port });
    }
    const metrics = await serveMetricsOf(options, broker);
    const listener = { ...options };
    hosted.listeners.add(listener);
    tellListeners(hosted);
    return {
      addresses,
      bootstrap: first === undefined ? '' : formatAddress(reachable(first)),
      ports: listeners.map((listener) => listener.addresses[0]?.port ?? 0),
      metricsAddress: metrics?.address ?? null,
      async close() {
        hosted.listeners.delete(listener);
        tellListeners(hosted);
        await Promise.all(listeners.map((listener) => listener.close()));
        await metrics?.close();
      },
    };
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    throw error;
  }
}

function listenOn(
  hosted: HostedLog,
  options: ListenOptions & { readonly port: number },
  advertised: Endpoint | null,
): Promise<TcpListener> {
  const { assembled, regions, logger } = hosted;
  return listenTcp({
    ...(regions !== null && { regions }),
    ...(options.tls && { tls: options.tls }),
    hosts: listenHosts(options.host),
    port: options.port,
    optionalHosts: true,
    accept: (peer) => assembled.broker.accept(peer, advertised),
    onHandshakeFailed: (client, why) => {
      if (why === null) logger.debug({ client }, 'a client left during the TLS handshake');
      else logger.warn({ client, why }, 'a client was refused in the TLS handshake');
    },
  });
}

function advertisedOf({ advertise }: ListenOptions): Endpoint | null {
  return advertise === undefined ? null : parseAdvertised(advertise);
}

async function serveMetricsOf(
  options: ListenOptions,
  broker: Broker,
): Promise<MetricsServer | null> {
  if (options.metricsPort === undefined) return null;
  const [{ serveMetrics }, { EventLoopDelay }] = await Promise.all([
    import('../host/metrics-server.ts'),
    import('../host/event-loop-delay.ts'),
  ]);
  const host = listenHosts(options.host)[0] ?? '127.0.0.1';
  const delay = new EventLoopDelay();
  const text = () => broker.metricsText() + metricsText(loopDelayMetrics(delay.take()));
  try {
    const server = await serveMetrics({ host, port: options.metricsPort, text });
    return { address: server.address, close: () => server.close().finally(() => delay.stop()) };
  } catch (error) {
    delay.stop();
    throw error;
  }
}

function loopDelayMetrics(delay: LoopDelay): Metric[] {
  const metric = (name: string, help: string, { p50, p99, max }: Quantiles): Metric => {
    const samples = [
      { labels: { quantile: '0.5' }, value: p50 },
      { labels: { quantile: '0.99' }, value: p99 },
      { labels: { quantile: '1' }, value: max },
    ];
    return { name, type: 'gauge', help, samples };
  };
  const late = 'How many seconds late the event loop ran since the last scrape.';
  const own = 'The same without the time in which it could have run but had no processor.';
  const metrics = [metric('tidemark_event_loop_delay_seconds', late, delay)];
  if (delay.own !== null)
    metrics.push(metric('tidemark_event_loop_own_delay_seconds', own, delay.own));
  return metrics;
}
