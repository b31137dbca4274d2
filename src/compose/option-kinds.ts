// What the options of `open` and `serve` may be.

import {
  flag,
  type KindsOf,
  type OptionKind,
  oneOf,
  text,
  wrongOption,
} from '../base/option-kinds.ts';
import { BrokerOptionError } from './addresses.ts';
import type { ListenOptions, LogOptions, PlacedLogOptions } from './broker-options.ts';

const configs: OptionKind = {
  wanted: "an object with Kafka's names, as { 'num.partitions': 3 }",
  fits: (value) =>
    isObject(value) &&
    Object.values(value).every((one) => ['string', 'number', 'boolean'].includes(typeof one)),
};

const logger: OptionKind = {
  wanted: 'an object with the functions debug, info, warn and error, as console',
  fits: (value) =>
    isObject(value) &&
    ['debug', 'info', 'warn', 'error'].every((level) => typeof value[level] === 'function'),
};

const port: OptionKind = {
  wanted: 'a whole number from 0 to 65535; 0 takes a free port',
  fits: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535,
};

const tls: OptionKind = {
  wanted: '{ cert, key } with what their files hold',
  fits: (value) => isObject(value) && isPem(value['cert']) && isPem(value['key']),
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPem(value: unknown): boolean {
  return typeof value === 'string' || value instanceof Uint8Array;
}

export const logKinds: KindsOf<LogOptions> = {
  adopt: flag,
  flush: oneOf('sync', 'os'),
  configs,
  acceptReplicationFactor: flag,
  logger,
};

export const listenKinds: KindsOf<ListenOptions> = {
  host: text,
  port,
  advertise: text,
  tls,
  metricsPort: port,
};

export const brokerKinds: KindsOf<PlacedLogOptions & ListenOptions> = {
  dataDir: text,
  memory: flag,
  ...logKinds,
  ...listenKinds,
};

/** For callers without types. Throws {@link BrokerOptionError}. */
export function checkOptions(
  what: string,
  options: object,
  kinds: Readonly<Record<string, OptionKind>>,
): void {
  const wrong = wrongOption(what, options, kinds);
  if (wrong !== null) throw new BrokerOptionError(wrong);
}
