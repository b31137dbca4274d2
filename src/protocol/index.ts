// The door of the protocol layer: schemas and codecs of Kafka's messages, frames, and the Transport
// port.
//
// - schema/: the schema language, its compiler and interpreter, readers and writers
// - messages/NN-name.ts: one API each; the others are headers, embedded messages and the records of
//   internal topics
// - frame.ts, header.ts: requests and responses on a byte stream
// - test/conformance/definitions.test.ts holds every schema against Kafka's own definitions
//
// For an API `X` there are `X` (the pair), `XRequest` and `XResponse` (schema and decoded type in
// one name).

export { type ApiName, apiByKey, apis } from './apis.ts';
export {
  type CoordinatorKey,
  type CoordinatorRecordType,
  coordinatorRecordTypes,
  decodeCoordinatorKey,
  encodeCoordinatorKey,
} from './coordinator-records.ts';
export {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  FrameSplitter,
  type IncomingRequest,
  parseRequest,
  peekCorrelationId,
  type RequestIdentity,
  type UnknownRequest,
} from './frame.ts';
export {
  decodeRequestHeader,
  peekRequestStart,
  type RequestStart,
  requestHeaderVersion,
  responseHeaderVersion,
} from './header.ts';
export { Produce, ProduceRequest, ProduceResponse } from './messages/00-produce.ts';
export { Fetch, FetchRequest, FetchResponse } from './messages/01-fetch.ts';
export {
  ListOffsets,
  ListOffsetsRequest,
  ListOffsetsResponse,
} from './messages/02-list-offsets.ts';
export { Metadata, MetadataRequest, MetadataResponse } from './messages/03-metadata.ts';
export {
  OffsetCommit,
  OffsetCommitRequest,
  OffsetCommitResponse,
} from './messages/08-offset-commit.ts';
export {
  OffsetFetch,
  OffsetFetchRequest,
  OffsetFetchResponse,
} from './messages/09-offset-fetch.ts';
export {
  FindCoordinator,
  FindCoordinatorRequest,
  FindCoordinatorResponse,
} from './messages/10-find-coordinator.ts';
export { JoinGroup, JoinGroupRequest, JoinGroupResponse } from './messages/11-join-group.ts';
export { Heartbeat, HeartbeatRequest, HeartbeatResponse } from './messages/12-heartbeat.ts';
export { LeaveGroup, LeaveGroupRequest, LeaveGroupResponse } from './messages/13-leave-group.ts';
export { SyncGroup, SyncGroupRequest, SyncGroupResponse } from './messages/14-sync-group.ts';
export {
  DescribeGroups,
  DescribeGroupsRequest,
  DescribeGroupsResponse,
} from './messages/15-describe-groups.ts';
export { ListGroups, ListGroupsRequest, ListGroupsResponse } from './messages/16-list-groups.ts';
export {
  SaslHandshake,
  SaslHandshakeRequest,
  SaslHandshakeResponse,
} from './messages/17-sasl-handshake.ts';
export {
  ApiVersions,
  ApiVersionsRequest,
  ApiVersionsResponse,
} from './messages/18-api-versions.ts';
export {
  CreateTopics,
  CreateTopicsRequest,
  CreateTopicsResponse,
} from './messages/19-create-topics.ts';
export {
  DeleteTopics,
  DeleteTopicsRequest,
  DeleteTopicsResponse,
} from './messages/20-delete-topics.ts';
export {
  DeleteRecords,
  DeleteRecordsRequest,
  DeleteRecordsResponse,
} from './messages/21-delete-records.ts';
export {
  InitProducerId,
  InitProducerIdRequest,
  InitProducerIdResponse,
} from './messages/22-init-producer-id.ts';
export {
  OffsetForLeaderEpoch,
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from './messages/23-offset-for-leader-epoch.ts';
export {
  AddPartitionsToTxn,
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from './messages/24-add-partitions-to-txn.ts';
export {
  AddOffsetsToTxn,
  AddOffsetsToTxnRequest,
  AddOffsetsToTxnResponse,
} from './messages/25-add-offsets-to-txn.ts';
export { EndTxn, EndTxnRequest, EndTxnResponse } from './messages/26-end-txn.ts';
export {
  WriteTxnMarkers,
  WriteTxnMarkersRequest,
  WriteTxnMarkersResponse,
} from './messages/27-write-txn-markers.ts';
export {
  TxnOffsetCommit,
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from './messages/28-txn-offset-commit.ts';
export {
  DescribeAcls,
  DescribeAclsRequest,
  DescribeAclsResponse,
} from './messages/29-describe-acls.ts';
export { CreateAcls, CreateAclsRequest, CreateAclsResponse } from './messages/30-create-acls.ts';
export { DeleteAcls, DeleteAclsRequest, DeleteAclsResponse } from './messages/31-delete-acls.ts';
export {
  DescribeConfigs,
  DescribeConfigsRequest,
  DescribeConfigsResponse,
} from './messages/32-describe-configs.ts';
export {
  AlterConfigs,
  AlterConfigsRequest,
  AlterConfigsResponse,
} from './messages/33-alter-configs.ts';
export {
  AlterReplicaLogDirs,
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from './messages/34-alter-replica-log-dirs.ts';
export {
  DescribeLogDirs,
  DescribeLogDirsRequest,
  DescribeLogDirsResponse,
} from './messages/35-describe-log-dirs.ts';
export {
  SaslAuthenticate,
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
} from './messages/36-sasl-authenticate.ts';
export {
  CreatePartitions,
  CreatePartitionsRequest,
  CreatePartitionsResponse,
} from './messages/37-create-partitions.ts';
export {
  DeleteGroups,
  DeleteGroupsRequest,
  DeleteGroupsResponse,
} from './messages/42-delete-groups.ts';
export {
  ElectLeaders,
  ElectLeadersRequest,
  ElectLeadersResponse,
} from './messages/43-elect-leaders.ts';
export {
  IncrementalAlterConfigs,
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from './messages/44-incremental-alter-configs.ts';
export {
  AlterPartitionReassignments,
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from './messages/45-alter-partition-reassignments.ts';
export {
  ListPartitionReassignments,
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from './messages/46-list-partition-reassignments.ts';
export {
  OffsetDelete,
  OffsetDeleteRequest,
  OffsetDeleteResponse,
} from './messages/47-offset-delete.ts';
export {
  DescribeClientQuotas,
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from './messages/48-describe-client-quotas.ts';
export {
  AlterClientQuotas,
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
} from './messages/49-alter-client-quotas.ts';
export {
  DescribeUserScramCredentials,
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
} from './messages/50-describe-user-scram-credentials.ts';
export {
  AlterUserScramCredentials,
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from './messages/51-alter-user-scram-credentials.ts';
export {
  DescribeQuorum,
  DescribeQuorumRequest,
  DescribeQuorumResponse,
} from './messages/55-describe-quorum.ts';
export {
  DescribeCluster,
  DescribeClusterRequest,
  DescribeClusterResponse,
} from './messages/60-describe-cluster.ts';
export {
  DescribeProducers,
  DescribeProducersRequest,
  DescribeProducersResponse,
} from './messages/61-describe-producers.ts';
export {
  DescribeTransactions,
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from './messages/65-describe-transactions.ts';
export {
  ListTransactions,
  ListTransactionsRequest,
  ListTransactionsResponse,
} from './messages/66-list-transactions.ts';
export {
  ConsumerGroupHeartbeat,
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from './messages/68-consumer-group-heartbeat.ts';
export {
  ConsumerGroupDescribe,
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from './messages/69-consumer-group-describe.ts';
export {
  GetTelemetrySubscriptions,
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from './messages/71-get-telemetry-subscriptions.ts';
export {
  PushTelemetry,
  PushTelemetryRequest,
  PushTelemetryResponse,
} from './messages/72-push-telemetry.ts';
export {
  ListConfigResources,
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
} from './messages/74-list-config-resources.ts';
export {
  DescribeTopicPartitions,
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from './messages/75-describe-topic-partitions.ts';
export {
  ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMetadataKey,
  ConsumerGroupMetadataValue,
  ConsumerGroupPartitionMetadataKey,
  ConsumerGroupPartitionMetadataValue,
  ConsumerGroupRegularExpressionKey,
  ConsumerGroupRegularExpressionValue,
  ConsumerGroupTargetAssignmentMemberKey,
  ConsumerGroupTargetAssignmentMemberValue,
  ConsumerGroupTargetAssignmentMetadataKey,
  ConsumerGroupTargetAssignmentMetadataValue,
} from './messages/consumer-group-records.ts';
export {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from './messages/consumer-protocol.ts';
export { ControlRecordTypeSchema, EndTxnMarker } from './messages/control-records.ts';
export { RequestHeader, ResponseHeader } from './messages/headers.ts';
export {
  GroupMetadataKey,
  GroupMetadataValue,
  LegacyOffsetCommitKey,
  LegacyOffsetCommitValue,
  OffsetCommitKey,
  OffsetCommitValue,
} from './messages/offset-records.ts';
export { TransactionLogKey, TransactionLogValue } from './messages/transaction-log.ts';
export type {
  Api,
  RequestInput,
  RequestOf,
  ResponseInput,
  ResponseOf,
} from './schema/api.ts';
export { ProtocolError, type ProtocolErrorCode } from './schema/error.ts';
export { type Fields, type Infer, type Input, NEVER, ZERO_UUID } from './schema/field.ts';
export {
  decodeMessage,
  decodeVersioned,
  encodeMessage,
  encodeVersioned,
  type Message,
  type VersionRange,
} from './schema/message.ts';
export { Reader } from './schema/reader.ts';
export { type Chunk, Writer } from './schema/writer.ts';
export type { ResponseMemory, SendOptions, Transport } from './transport.ts';
