// DescribeQuorum, versions 0 to 2 (v1 times of voters; v2 directories, messages and the voters'
// listeners).
//
// The metadata quorum has one voter, this node, which leads it. Its log is our catalogue, which has
// no Kafka offsets: they are told as 0. Anything but partition 0 of `__cluster_metadata` is
// UNKNOWN_TOPIC_OR_PARTITION, as in Kafka.

import { ErrorCode } from '../../base/kafka-errors.ts';
import { DescribeQuorum, type DescribeQuorumRequest, ZERO_UUID } from '../../protocol/index.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

const METADATA_TOPIC = '__cluster_metadata';

/** Whether a topic of the request names the metadata quorum. */
function isMetadata(topic: DescribeQuorumRequest['topics'][number]): boolean {
  return (
    topic.topicName === METADATA_TOPIC &&
    topic.partitions.some(({ partitionIndex }) => partitionIndex === 0)
  );
}

export function describeQuorumHandler(services: Services): Handler {
  const { engine, clock } = services;
  return handler(DescribeQuorum, {
    handle(request, context) {
      const { host, port } = services.endpoint(context.session);
      const node = { nodeId: engine.nodeId, listeners: [{ name: 'CONTROLLER', host, port }] };
      const voter = {
        replicaId: engine.nodeId,
        replicaDirectoryId: ZERO_UUID,
        logEndOffset: 0,
        lastFetchTimestamp: clock.now(),
        lastCaughtUpTimestamp: clock.now(),
      };
      return {
        errorCode: 0,
        errorMessage: context.version < 2 ? null : '',
        topics: request.topics.map(({ topicName, partitions }) => ({
          topicName,
          partitions: partitions.map(({ partitionIndex }) => {
            const known = topicName === METADATA_TOPIC && partitionIndex === 0;
            return {
              partitionIndex,
              errorCode: known ? 0 : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
              errorMessage: known ? null : 'only the metadata quorum has voters',
              leaderId: known ? engine.nodeId : 0,
              leaderEpoch: known ? 1 : 0,
              highWatermark: 0,
              currentVoters: known ? [voter] : [],
              observers: [],
            };
          }),
        })),
        nodes: context.version < 2 || !request.topics.some(isMetadata) ? [] : [node],
      };
    },
    refuse: (_request, error) => ({
      errorCode: error.errorCode,
      errorMessage: error.message,
      topics: [],
    }),
  });
}
