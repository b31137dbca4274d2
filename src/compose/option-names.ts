// The options of `open` and `serve` by name.

import { type NamesOf, unknownOption } from '../base/option-names.ts';
import { BrokerOptionError } from './addresses.ts';
import type { ListenOptions, LogOptions, PlacedLogOptions } from './broker-options.ts';

export const logNames: NamesOf<LogOptions> = {
  adopt: true,
  flush: true,
  configs: true,
  acceptReplicationFactor: true,
  logger: true,
};

export const listenNames: NamesOf<ListenOptions> = {
  host: true,
  port: true,
  advertise: true,
  tls: true,
  metricsPort: true,
};

export const brokerNames: NamesOf<PlacedLogOptions & ListenOptions> = {
  dataDir: true,
  memory: true,
  ...logNames,
  ...listenNames,
};

/** Throws {@link BrokerOptionError} for a name that there is not. */
export function checkNames(
  what: string,
  options: object,
  names: Readonly<Record<string, true>>,
): void {
  const wrong = unknownOption(what, options, names);
  if (wrong !== null) throw new BrokerOptionError(wrong);
}
