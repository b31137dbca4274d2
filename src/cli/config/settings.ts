// From merged settings to what `serve` starts with: our own few names and Kafka's equivalents taken out, the rest
// sorted into broker configs, names without meaning in one process, and names nobody knows.

import { formatAddress, parseAdvertised } from '../../compose/addresses.ts';
import { plainValue } from '../config-pairs.ts';
import { usageError } from '../exit-codes.ts';
import type { Setting } from './sources.ts';

export interface ServeSettings {
  /** Null: nothing is kept (`--memory`). */
  readonly dataDirectory: string | null;
  readonly dataDirectoryIsDefault: boolean;
  /** Null: both loopbacks. */
  readonly host: string | null;
  readonly port: number;
  /** `host:port` or `host`; null: the address that each client connected to. */
  readonly advertise: string | null;
  /** Files in PEM; null: plain TCP. `clientCa` null: certificates of clients are not asked for. */
  readonly tls: {
    readonly cert: string;
    readonly key: string;
    readonly clientCa: string | null;
  } | null;
  /** Null: no HTTP. */
  readonly metricsPort: number | null;
  readonly flush: 'sync' | 'os';
  readonly acceptReplicationFactor: boolean;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /**
   * Kafka's broker configs, by name; those without effect too, since they are checked and shown. Times and sizes are
   * plain numbers.
   */
  readonly configs: ReadonlyMap<string, Setting>;
  /** Known to Kafka, without meaning in a single process. */
  readonly ignored: readonly Setting[];
  /** Not known at all; told once, then left alone. */
  readonly unknown: readonly Setting[];
}

export const DATA_DIRECTORY_DEFAULT = './tidemark-data';
export const PORT_DEFAULT = 9092;

type Settings = ReadonlyMap<string, Setting>;

/** First of several names that is set. */
function first(settings: Settings, names: readonly string[]): Setting | undefined {
  // Of two names for one thing the stronger source wins, and among equals the earlier name.
  const order = ['flag', 'TIDEMARK_*', 'KAFKA_*', 'file'];
  const found = names.flatMap((name) => settings.get(name) ?? []);
  return found.sort((a, b) => order.indexOf(a.origin) - order.indexOf(b.origin))[0];
}

const names = {
  data: ['data', 'log.dirs', 'log.dir'],
  memory: ['memory'],
  host: ['host', 'listeners', 'host.name'],
  port: ['port', 'listeners'],
  advertise: ['advertise', 'advertised.listeners'],
  tlsCert: ['tls.cert'],
  tlsKey: ['tls.key'],
  tlsClientCa: ['tls.client.ca'],
  flush: ['flush', 'tidemark.flush.policy'],
  acceptReplicationFactor: ['accept.replication.factor'],
  logLevel: ['log.level'],
  metricsPort: ['metrics.port'],
} as const;
const ownNames: ReadonlySet<string> = new Set(Object.values(names).flat());

/** What the broker makes of a config name. */
export type ConfigEffect = 'live' | 'ignored' | 'unknown';

/**
 * Sorts the settings. An unknown KAFKA_* variable counts only when `meant` says that its name may
 * have been meant as a config. Throws a usage error for a value that cannot be used.
 */
export function serveSettings(
  settings: Settings,
  effectOf: (name: string) => ConfigEffect,
  meant: (name: string) => boolean,
): ServeSettings {
  const configs = new Map<string, Setting>();
  const ignored: Setting[] = [];
  const unknown: Setting[] = [];
  for (const [name, setting] of settings) {
    if (ownNames.has(name)) continue;
    const effect = effectOf(name);
    if (effect !== 'unknown')
      configs.set(name, { ...setting, value: plainValue(name, setting.value) });
    else if (setting.origin !== 'KAFKA_*' || meant(name)) unknown.push(setting);
    if (effect === 'ignored') ignored.push(setting);
  }
  const data = first(settings, names.data);
  const metricsPort = first(settings, names.metricsPort);
  const memory = flagOf(first(settings, names.memory));
  refuseGuarded(first(settings, names.host), settings.get('listener.security.protocol.map'));
  return {
    dataDirectory: memory ? null : (data?.value.split(',')[0] ?? DATA_DIRECTORY_DEFAULT).trim(),
    dataDirectoryIsDefault: data === undefined,
    host: hostOf(first(settings, names.host)),
    port: portOf(first(settings, names.port)),
    advertise: advertiseOf(first(settings, names.advertise)),
    tls: tlsOf(settings),
    flush: oneOf(first(settings, names.flush), ['sync', 'os'], 'sync'),
    acceptReplicationFactor: flagOf(first(settings, names.acceptReplicationFactor)),
    logLevel: oneOf(first(settings, names.logLevel), ['debug', 'info', 'warn', 'error'], 'info'),
    metricsPort: metricsPort === undefined ? null : plainPort(metricsPort),
    configs,
    ignored,
    unknown,
  };
}

function tlsOf(settings: Settings): ServeSettings['tls'] {
  const [cert, key] = [first(settings, names.tlsCert), first(settings, names.tlsKey)];
  const clientCa = first(settings, names.tlsClientCa);
  if (cert !== undefined && key !== undefined) {
    return { cert: cert.value, key: key.value, clientCa: clientCa?.value ?? null };
  }
  const given = cert ?? key ?? clientCa;
  if (given === undefined) return null;
  throw usageError(
    `${given.writtenAs}: TLS needs a certificate and its key`,
    'give --tls-cert and --tls-key',
  );
}

function bad(setting: Setting, wanted: string): Error {
  return usageError(`${setting.writtenAs}: '${setting.value}' is not ${wanted}`);
}

function flagOf(setting: Setting | undefined): boolean {
  if (setting === undefined) return false;
  const value = setting.value.toLowerCase();
  if (['true', '1', 'yes', 'on', ''].includes(value)) return true;
  if (['false', '0', 'no', 'off'].includes(value)) return false;
  throw bad(setting, 'true or false');
}

function oneOf<const T extends string>(
  setting: Setting | undefined,
  allowed: readonly T[],
  fallback: T,
): T {
  if (setting === undefined) return fallback;
  const found = allowed.find((name) => name === setting.value.toLowerCase());
  if (found === undefined) throw bad(setting, allowed.join(' or '));
  return found;
}

/** The first listener that is for clients: in a KRaft file the controller has one of its own. */
function clientListener(setting: Setting): { name: string; host: string; port: number } {
  for (const text of setting.value.split(',')) {
    const match = /^\s*(?:([A-Za-z0-9_]+):\/\/)?\[?([^\]]*?)\]?:(\d{1,5})\s*$/.exec(text);
    const [, name = '', host = '', port = ''] = match ?? [];
    if (match === null || Number(port) > 65_535)
      throw bad(setting, 'a list like PLAINTEXT://host:9092');
    if (name.toUpperCase().startsWith('CONTROLLER')) continue;
    return { name, host, port: Number(port) };
  }
  throw bad(setting, 'a list with a listener for clients');
}

function isListeners(setting: Setting): boolean {
  return /listeners/i.test(setting.writtenAs);
}

/** Never plain text on a network where TLS or SASL is asked for. */
function refuseGuarded(listeners: Setting | undefined, map: Setting | undefined): void {
  if (listeners === undefined || !isListeners(listeners)) return;
  const { name } = clientListener(listeners);
  const pairs = (map?.value ?? '').split(',').map((pair) => pair.trim().split(':'));
  const protocol = (pairs.find(([of]) => of === name)?.[1] ?? name).toUpperCase();
  if (!/^(SSL|SASL_SSL|SASL_PLAINTEXT)$/.test(protocol)) return;
  throw usageError(
    `${listeners.writtenAs}: ${name} is a ${protocol} listener; SASL is not built in, TLS has its own options`,
    'for TLS: --host, --port, --tls-cert, --tls-key; else PLAINTEXT://HOST:PORT, only for trusted networks',
  );
}

function hostOf(setting: Setting | undefined): string | null {
  if (setting === undefined) return null;
  const host = isListeners(setting) ? clientListener(setting).host : setting.value;
  if (host === '*' || host === '') return '0.0.0.0';
  if (/[\s/]/.test(host)) throw bad(setting, 'a host name or address');
  return host;
}

function portOf(setting: Setting | undefined): number {
  if (setting === undefined) return PORT_DEFAULT;
  return isListeners(setting) ? clientListener(setting).port : plainPort(setting);
}

function plainPort(setting: Setting): number {
  const port = Number(setting.value);
  if (!/^\d{1,5}$/.test(setting.value) || port > 65_535) {
    throw bad(setting, 'a port, 0 to 65535 (0 takes any free one)');
  }
  return port;
}

function advertiseOf(setting: Setting | undefined): string | null {
  if (setting === undefined) return null;
  if (isListeners(setting)) return formatAddress(clientListener(setting));
  const address = setting.value.trim();
  if (/[\s,]/.test(address)) throw bad(setting, 'one address, host:port');
  parseAdvertised(address);
  return address;
}
