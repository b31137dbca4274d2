// The public API. Everything else is internal and may change.

export { isTidemarkError, TidemarkError } from './base/errors.ts';
export { KafkaError, type KafkaErrorName } from './base/kafka-errors.ts';
export type { Logger } from './base/ports.ts';
export {
  BrokerOptionError,
  type BrokerOptions,
  type ListenAddress,
  openBroker as serve,
  type RunningBroker,
} from './compose/index.ts';
