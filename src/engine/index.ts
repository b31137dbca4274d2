// The door of src/engine: many partitions by topic.

export type {
  AppendAnswer,
  AppendRequest,
  AppendResult,
  ConfigChange,
  ConfigValue,
  CreateTopic,
  Engine,
  FetchedRecords,
  FetchSpec,
  Isolation,
  Partition,
  PartitionWatcher,
  ProducerInfo,
  Topic,
  TransactionOwner,
} from './contract.ts';
export type { EngineMetrics } from './metrics.ts';
export { type OpenEngineOptions, openEngine } from './open-engine.ts';
export { checkTopicName, isInternalTopic } from './topic-names.ts';
