// The compact form in which broker configs are written down.

import type { ConfigDefInput } from '../config-def.ts';

/** Extra rules of a row. A broker config can be changed at run time only when the row says so. */
export type ConfigRules = Omit<ConfigDefInput, 'name' | 'type' | 'default' | 'doc'>;

export type BrokerConfigRow = readonly [
  name: string,
  type: ConfigDefInput['type'],
  default_: string | null,
  doc: string,
  rules?: ConfigRules,
];
