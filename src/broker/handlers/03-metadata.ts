// Metadata, versions 0 to 13.
//
// v0 no topics: all · v1 null: all, none: none; controller, rack, internal · v2 cluster id · v4
// allowAutoTopicCreation · v5 offline replicas · v7 leader epoch · v8 authorized operations
// (everything: there is no authorization yet) · v9 flexible · v10 topic ids · v12 topics by id ·
// v13 top-level error (never set).
//
// There is one node: it leads every partition, and is the controller. Its address is the one the
// client connected to, or what `--advertise` says. A topic that is created by being asked for comes
// with its leader in the same answer, so clients need no second try; any number of requests for it
// create it once.

import { ErrorCode, KafkaError } from '../../base/kafka-errors.ts';
import type { Engine, Topic } from '../../engine/index.ts';
import {
  Metadata,
  type MetadataRequest,
  type MetadataResponse,
  ZERO_UUID,
} from '../../protocol/index.ts';
import { errorCodeOf } from '../errors.ts';
import { type Handler, handler, type RequestContext } from '../handler.ts';
import { once } from '../once.ts';
import {
  CLUSTER_OPERATIONS,
  NO_OPERATIONS,
  numberConfig,
  rackOf,
  type Services,
  TOPIC_OPERATIONS,
} from '../services.ts';
import { PARTITIONS_PER_REQUEST_MAX } from '../topic-specs.ts';

type TopicRequest = NonNullable<MetadataRequest['topics']>[number];
type TopicAnswer = MetadataResponse['topics'][number];
type PartitionAnswer = TopicAnswer['partitions'][number];

function partitions(engine: Engine, topic: Topic): PartitionAnswer[] {
  const node = [engine.nodeId];
  const all: PartitionAnswer[] = [];
  for (let index = 0; index < topic.partitionCount; index++) {
    all.push({
      errorCode: 0,
      partitionIndex: index,
      leaderId: engine.nodeId,
      leaderEpoch: engine.partition(topic.name, index)?.leaderEpoch ?? -1,
      replicaNodes: node,
      isrNodes: node,
      offlineReplicas: [],
    });
  }
  return all;
}

function describe(engine: Engine, topic: Topic, operations: number): TopicAnswer {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: partitions(engine, topic),
    topicAuthorizedOperations: operations,
  };
}

function missing(errorCode: number, name: string | null, topicId: string): TopicAnswer {
  return {
    errorCode,
    name,
    topicId,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: NO_OPERATIONS,
  };
}

interface Asked {
  readonly create: boolean;
  readonly operations: number;
  readonly version: number;
}

async function findOrCreate(
  services: Services,
  topic: TopicRequest,
  asked: Asked,
): Promise<TopicAnswer> {
  const { engine } = services;
  const { name, topicId } = topic;
  const byId = topicId !== ZERO_UUID && asked.version >= 12;
  // An id without a topic has no name to answer with, below v12 no null either.
  if (byId) {
    const found = engine.topicById(topicId);
    return found === undefined
      ? missing(ErrorCode.UNKNOWN_TOPIC_ID, name, topicId)
      : describe(engine, found, asked.operations);
  }
  if (name === null) return missing(ErrorCode.INVALID_REQUEST, null, topicId);
  const known = engine.topic(name);
  if (known !== undefined) return describe(engine, known, asked.operations);
  if (!asked.create) {
    const code = isTopicName(name)
      ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      : ErrorCode.INVALID_TOPIC_EXCEPTION;
    return missing(code, name, ZERO_UUID);
  }
  try {
    return describe(engine, await engine.autoCreateTopic(name), asked.operations);
  } catch (error) {
    return missing(errorCodeOf(error), name, ZERO_UUID);
  }
}

/**
 * Kafka's rule for topic names: 1 to 249 of letters, digits, `.`, `_` and `-`, but neither `.` nor
 * `..`.
 */
export function isTopicName(name: string): boolean {
  return /^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..';
}

/** No more topics for one request than CreateTopics makes: all stay unknown, as where Kafka's controller refuses. */
function mayCreate(engine: Engine, { allowAutoTopicCreation, topics }: MetadataRequest): boolean {
  if (!allowAutoTopicCreation || engine.brokerConfig('auto.create.topics.enable') !== true) {
    return false;
  }
  const unknown = new Set<string>();
  for (const { name } of topics ?? []) {
    if (name !== null && engine.topic(name) === undefined) unknown.add(name);
  }
  return unknown.size * numberConfig(engine, 'num.partitions') <= PARTITIONS_PER_REQUEST_MAX;
}

async function metadata(
  services: Services,
  request: MetadataRequest,
  context: RequestContext,
): Promise<MetadataResponse> {
  const { engine } = services;
  const { version } = context;
  const operations = request.includeTopicAuthorizedOperations ? TOPIC_OPERATIONS : NO_OPERATIONS;
  const all = request.topics === null || (version === 0 && request.topics.length === 0);
  const asked: Asked = {
    create: mayCreate(engine, request),
    operations,
    version,
  };
  if (!all && (version === 10 || version === 11)) {
    const byId = request.topics?.some(
      (topic) => topic.topicId !== ZERO_UUID || topic.name === null,
    );
    if (byId === true) {
      throw new KafkaError('INVALID_REQUEST', 'topics by id are answered from version 12');
    }
  }
  const topics = all
    ? engine.topics().map((topic) => describe(engine, topic, operations))
    : await Promise.all(
        once(request.topics ?? [], ({ name, topicId }) => `${name}/${topicId}`).map((topic) =>
          findOrCreate(services, topic, asked),
        ),
      );
  const { host, port } = services.endpoint(context.session);
  return {
    throttleTimeMs: 0,
    brokers: [{ nodeId: engine.nodeId, host, port, rack: rackOf(engine) }],
    clusterId: engine.clusterId,
    controllerId: engine.nodeId,
    topics,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? CLUSTER_OPERATIONS
      : NO_OPERATIONS,
    errorCode: 0,
  };
}

export function metadataHandler(services: Services): Handler {
  return handler(Metadata, {
    handle: (request, context) => metadata(services, request, context),
    refuse: (request, error, context) => ({
      brokers: [],
      clusterId: services.engine.clusterId,
      controllerId: -1,
      topics: (request.topics ?? []).map(({ name, topicId }) => ({
        ...missing(error.errorCode, context.version < 12 ? (name ?? '') : name, topicId),
      })),
      errorCode: error.errorCode,
    }),
  });
}
