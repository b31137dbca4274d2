// The public API. Everything else is internal and may change.

export { isTidemarkError, TidemarkError } from './base/errors.ts';
export { KafkaError, type KafkaErrorName } from './base/kafka-errors.ts';
export type { Logger } from './base/ports.ts';
export {
  Admin,
  type AnySerde,
  bufferSerde,
  type Client,
  ClientError,
  type ClientErrorCode,
  type ConsumedBatch,
  type ConsumedRecord,
  Consumer,
  type ConsumerOptions,
  jsonSerde,
  msgpackSerde,
  type Partitioner,
  type PartitionFunction,
  Producer,
  type ProducerOptions,
  type ProducerRecord,
  type RecordMetadata,
  type Serde,
  stringSerde,
} from './client/index.ts';
export {
  BrokerOptionError,
  type BrokerOptions,
  type ConnectOptions,
  connect,
  type ListenAddress,
  type ListenOptions,
  type Log,
  type LogOptions,
  openBroker as serve,
  openLog as open,
  type RunningBroker,
} from './compose/index.ts';
