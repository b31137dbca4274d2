// Configs as the protocol numbers them.

import type { ConfigChange, ConfigValue } from '../engine/index.ts';

/** Kafka's ConfigResource.Type. */
export const ResourceType = {
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const;

/** Kafka's DescribeConfigsResponse.ConfigSource. */
export const sourceCode: Readonly<Record<ConfigValue['source'], number>> = {
  topic: 1,
  'dynamic-broker': 2,
  'static-broker': 4,
  default: 5,
  group: 8,
};

/** Kafka's DescribeConfigsResponse.ConfigType. */
export const typeCode: Readonly<Record<ConfigValue['type'], number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
};

/** Kafka's AlterConfigOp.OpType, by number. */
export const operations: readonly ConfigChange['operation'][] = [
  'set',
  'delete',
  'append',
  'subtract',
];

/** What a client may see of a value: nothing when it is secret. */
export function shownValue(config: ConfigValue): string | null {
  return config.sensitive ? null : config.value;
}
