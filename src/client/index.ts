// The door of src/client: how to reach any Kafka cluster, over TCP or in process.

export { type BrokerAddress, formatAddress, parseBrokers } from './address.ts';
export { Admin, type OffsetAt } from './admin.ts';
export {
  describeLogDirs,
  type GroupListing,
  type LogDir,
  listGroups,
  type TopicPartition,
} from './admin-cluster.ts';
export {
  alterConfigs,
  type ConfigChange,
  type ConfigEntry,
  type ConfigResource,
  type ConfigSource,
  describeConfigs,
  listConfigResources,
} from './admin-configs.ts';
export { deleteGroup, deleteOffsets, type MemberToRemove } from './admin-groups.ts';
export {
  type ActiveProducer,
  alterReassignments,
  describeProducers,
  describeQuorum,
  electLeaders,
  listReassignments,
  type NewReplicas,
  type PartitionOutcome,
  type Quorum,
  type QuorumReplica,
  type Reassignment,
} from './admin-partitions.ts';
export type { ClientQuota, QuotaEntity, QuotaFilter } from './admin-quotas.ts';
export {
  type AdminOptions,
  type CreatedTopic,
  createPartitions,
  createTopics,
  deleteRecords,
  deleteTopics,
  type NewTopic,
  type Outcome,
} from './admin-topics.ts';
export {
  BatchSender,
  type BatchSenderOptions,
  type OnBatchLanded,
  openBatchSender,
} from './batch-sender.ts';
export type { ByteStream, ByteStreamHandler, Connector } from './byte-stream.ts';
export { type Client, ClusterClient } from './client.ts';
export {
  Cluster,
  type ClusterInfo,
  type ClusterOptions,
  isRetriableError,
} from './cluster.ts';
export type { AssignorName } from './consumer/assignors.ts';
export { Consumer } from './consumer/consumer.ts';
export type {
  ConsumedBatch,
  ConsumedRecord,
  ConsumerOptions,
  OffsetToCommit,
} from './consumer/options.ts';
export {
  type CommittedOffset,
  describeGroup,
  type GroupDescription,
  type GroupMember,
} from './describe-group.ts';
export { ClientError, type ClientErrorCode } from './errors.ts';
export type { FetchedRecords } from './fetched-records.ts';
export { Fetcher } from './fetcher.ts';
export type { FetcherOptions } from './fetcher-options.ts';
export { commitOffsets, committedOffsets } from './group-offsets.ts';
export {
  type FoundOffset,
  type Isolation,
  listOffsets,
  offsetLookup,
  SpecialTime,
} from './list-offsets.ts';
export { LogReader, type ReaderOptions } from './log-reader.ts';
export { type Network, type Node, singleNetwork, tcpNetwork } from './network.ts';
export { type OffsetLookup, type ResolvedOffset, resolveOffset } from './offset-resolve.ts';
export {
  describeOffsetSpec,
  formatTime,
  type OffsetRangeSpec,
  type OffsetSpec,
  OffsetSpecError,
  parseOffsetRange,
  parseOffsetSpec,
} from './offset-spec.ts';
export {
  type OnFailed,
  type OnLanded,
  type OutgoingHeaders,
  type Partitioner,
  type PartitionFunction,
  Producer,
  type ProducerOptions,
  type ProducerRecord,
  type RecordFor,
  type RecordMetadata,
} from './producer/index.ts';
export type { ProducerIdentity } from './producer-identity.ts';
export {
  type AnySerde,
  bufferSerde,
  jsonSerde,
  msgpackSerde,
  type NamedSerdes,
  type Serde,
  type SerdeInput,
  type SerdeName,
  type SerdeValue,
  serdeOf,
  stringSerde,
} from './serde.ts';
export { type TcpOptions, TcpTransport } from './tcp-transport.ts';
export type { PartitionInfo, TopicInfo } from './topic-cache.ts';
