// The door of the producer.

export type { OnFailed, OnLanded } from './batch.ts';
export type {
  OutgoingHeaders,
  ProducerOptions,
  ProducerRecord,
  RecordFor,
  RecordMetadata,
} from './options.ts';
export type { Partitioner, PartitionFunction } from './partitioner.ts';
export { Producer } from './producer.ts';
