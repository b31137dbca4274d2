// From merged settings to what `serve` starts with: our own few names and Kafka's equivalents taken out, the rest
// sorted into broker configs, names without meaning in one process, and names nobody knows.

import { formatAddress, parseBrokers } from '../../client/index.ts';
import { usageError } from '../exit-codes.ts';
import type { Setting } from './sources.ts';

export interface ServeSettings {
  /** Null: nothing is kept (`--memory`). */
  readonly dataDirectory: string | null;
  readonly dataDirectoryIsDefault: boolean;
  /** Null: both loopbacks. */
  readonly host: string | null;
  readonly port: number;
  /** Null: the address that each client connected to. */
  readonly advertise: { readonly host: string; readonly port: number } | null;
  readonly flush: 'sync' | 'os';
  readonly acceptReplicationFactor: boolean;
  readonly nodeId: number | null;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** Kafka's broker configs, by name. */
  readonly configs: ReadonlyMap<string, Setting>;
  /** Known to Kafka, without meaning in a single process. */
  readonly ignored: readonly Setting[];
  /** Not known at all; told once, then left alone. */
  readonly unknown: readonly Setting[];
}

export const DATA_DIRECTORY_DEFAULT = './tidemark-data';
export const PORT_DEFAULT = 9092;

/** Kafka's settings about clusters, the JVM's threads, ZooKeeper and other processes. */
const ignoredPatterns: readonly RegExp[] = [
  /^process\.roles$/,
  /^(initial\.)?broker\.registration\./,
  /^(broker|controller|replica|zookeeper|quorum)\./,
  /^controller\./,
  /^(inter|security\.inter)\.broker\./,
  /^(default|offsets\.topic|transaction\.state\.log|config\.storage)\.replication\.factor$/,
  /^(share\.coordinator\.state\.topic|offset\.storage|status\.storage)\.(replication\.factor|min\.isr)$/,
  /^transaction\.state\.log\.min\.isr$/,
  /^min\.insync\.replicas$/,
  /^num\.(network|io|replica\.fetchers?|replica\.alter\.log\.dirs|recovery)\.?(threads.*)?$/,
  /^background\.threads$/,
  /^queued\.max\./,
  /^(leader\.|auto\.leader\.|unclean\.leader\.)/,
  /^listener\.security\.protocol\.map$/,
  /^metadata\.(log|max|snapshot)\./,
  /^metrics?\./,
  /^remote\.(log|fetch|list)\./,
  /^socket\.(send|receive)\.buffer\.bytes$/,
  /^(alter|create)\.(config|log|topic)\..*policy/,
  /^(authorizer|super\.users|allow\.everyone)/,
  /^(group\.initial\.rebalance\.delay\.ms)$/,
  /^cluster\.id$/,
  /^rack$/,
];

function isIgnored(name: string): boolean {
  return ignoredPatterns.some((pattern) => pattern.test(name));
}

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
  flush: ['flush'],
  acceptReplicationFactor: ['accept.replication.factor'],
  nodeId: ['node.id', 'broker.id'],
  logLevel: ['log.level'],
} as const;
const ownNames: ReadonlySet<string> = new Set(Object.values(names).flat());

/**
 * Sorts the settings. `isKnown` says whether the broker knows a config by that name. Throws a usage error for a value
 * that cannot be used.
 */
export function serveSettings(
  settings: Settings,
  isKnown: (name: string) => boolean,
): ServeSettings {
  const configs = new Map<string, Setting>();
  const ignored: Setting[] = [];
  const unknown: Setting[] = [];
  for (const [name, setting] of settings) {
    if (ownNames.has(name)) continue;
    if (isKnown(name)) configs.set(name, setting);
    else (isIgnored(name) ? ignored : unknown).push(setting);
  }
  const data = first(settings, names.data);
  const memory = flagOf(first(settings, names.memory));
  return {
    dataDirectory: memory ? null : (data?.value.split(',')[0] ?? DATA_DIRECTORY_DEFAULT).trim(),
    dataDirectoryIsDefault: data === undefined,
    host: hostOf(first(settings, names.host)),
    port: portOf(first(settings, names.port)),
    advertise: advertiseOf(first(settings, names.advertise)),
    flush: oneOf(first(settings, names.flush), ['sync', 'os'], 'sync'),
    acceptReplicationFactor: flagOf(first(settings, names.acceptReplicationFactor)),
    nodeId: integerOf(first(settings, names.nodeId)),
    logLevel: oneOf(first(settings, names.logLevel), ['debug', 'info', 'warn', 'error'], 'info'),
    configs,
    ignored,
    unknown,
  };
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

function integerOf(setting: Setting | undefined): number | null {
  if (setting === undefined) return null;
  if (!/^\d{1,10}$/.test(setting.value)) throw bad(setting, 'a number of 0 or more');
  return Number(setting.value);
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

function hostOf(setting: Setting | undefined): string | null {
  if (setting === undefined) return null;
  const host = isListeners(setting) ? clientListener(setting).host : setting.value;
  if (host === '*' || host === '') return '0.0.0.0';
  if (/[\s/]/.test(host)) throw bad(setting, 'a host name or address');
  return host;
}

function portOf(setting: Setting | undefined): number {
  if (setting === undefined) return PORT_DEFAULT;
  if (isListeners(setting)) return clientListener(setting).port;
  const port = Number(setting.value);
  if (!/^\d{1,5}$/.test(setting.value) || port > 65_535) {
    throw bad(setting, 'a port, 0 to 65535 (0 takes any free one)');
  }
  return port;
}

function advertiseOf(setting: Setting | undefined): { host: string; port: number } | null {
  if (setting === undefined) return null;
  const text = isListeners(setting) ? formatAddress(clientListener(setting)) : setting.value;
  const [address, more] = parseBrokers(text);
  if (address === undefined || more !== undefined) throw bad(setting, 'one address, host:port');
  return address;
}
