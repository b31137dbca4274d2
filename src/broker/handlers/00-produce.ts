// Produce, versions 3 to 13; announced from 0.
//
// v3 record batches v2 · v5 logStartOffset · v7 zstd · v8 errorMessage · v9 flexible · v10 current
// leader (never set: there is one node) · v11, v12 transactions v2 · v13 topics by id (KIP-516).
// Announced from version 0 although 0–2 are refused: librdkafka stops compressing otherwise
// (KAFKA-18659).
//
// Each partition is on its own: one that is refused keeps no other from being written. What a batch
// must be is checked by the engine. acks=-1 answers after the sync, acks=1 after the write, acks=0
// not at all; an error with acks=0 closes the connection, as in Kafka, since nothing else would
// tell the producer. `recordErrors` name single records where a topic's configs make the broker
// look at them: compaction, bounds on timestamps.
//
// Not done: `timeoutMs`. An answer comes from the disk, well or badly, and never early without it.

import { ErrorCode } from '../../base/kafka-errors.ts';
import type { MemoryLease } from '../../base/memory-pool.ts';
import { Produce, type ProduceRequest, type ProduceResponse } from '../../protocol/index.ts';
import { InvalidRecordsError, ProduceFormatError } from '../../record/index.ts';
import { errorCodeOf, errorMessageOf } from '../errors.ts';
import { type Handler, handler, type RequestContext } from '../handler.ts';
import { findPartition, type Services } from '../services.ts';

type TopicData = ProduceRequest['topicData'][number];
type PartitionData = TopicData['partitionData'][number];
type PartitionAnswer = ProduceResponse['responses'][number]['partitionResponses'][number];

/** Errors with which Kafka does not tell the log's start (ReplicaManager.appendRecordsToLeader). */
const untoldStart: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.INVALID_TOPIC_EXCEPTION,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.INVALID_TXN_STATE,
]);

/** Kafka knows the start once it has the log; what is wrong with the request is told before. */
function tellsStart(error: unknown): boolean {
  return !(error instanceof ProduceFormatError) && !untoldStart.has(errorCodeOf(error));
}

function answer(index: number): PartitionAnswer {
  return {
    index,
    errorCode: 0,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: [],
    errorMessage: null,
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
  };
}

function refused(index: number, errorCode: number, errorMessage: string): PartitionAnswer {
  const refusal = answer(index);
  refusal.errorCode = errorCode;
  refusal.errorMessage = errorMessage;
  return refusal;
}

async function append(
  services: Services,
  topic: TopicData,
  data: PartitionData,
  how: { readonly acks: -1 | 0 | 1; readonly version: number; readonly lease?: MemoryLease },
): Promise<PartitionAnswer> {
  const { engine, metrics } = services;
  const partition = findPartition(engine, topic, data.index);
  if (partition === undefined) {
    if (how.version >= 13 && engine.topicById(topic.topicId) === undefined) {
      return refused(data.index, ErrorCode.UNKNOWN_TOPIC_ID, 'no topic has this id');
    }
    const text = 'this server does not host this topic-partition';
    return refused(data.index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, text);
  }
  const { records } = data;
  if (records === null) {
    const text = 'a produce request must have one record batch for each partition';
    return refused(data.index, ErrorCode.INVALID_RECORD, text);
  }
  const { lease } = how;
  // After a refusal it is never dropped: the disk may be at work on the bytes all the same.
  lease?.hold();
  try {
    const appended = await partition.append({
      records,
      acks: how.acks,
      origin: 'client',
      produceVersion: how.version,
      released: lease?.drop,
    });
    metrics.producedBytes += records.byteLength;
    metrics.producedBatches++;
    const done = answer(data.index);
    done.baseOffset = appended.baseOffset;
    done.logAppendTimeMs = appended.logAppendTimeMs;
    done.logStartOffset = appended.logStartOffset;
    return done;
  } catch (error) {
    if (errorCodeOf(error) === ErrorCode.UNKNOWN_SERVER_ERROR) {
      services.logger.error({ topic: topic.name, partition: data.index, error }, 'append failed');
    }
    const refusal = refused(data.index, errorCodeOf(error), errorMessageOf(error));
    if (tellsStart(error)) refusal.logStartOffset = partition.startOffset;
    if (error instanceof InvalidRecordsError) {
      refusal.recordErrors = error.recordErrors.map(({ batchIndex, message }) => ({
        batchIndex,
        batchIndexErrorMessage: message,
      }));
    }
    return refusal;
  }
}

function refuseAll(
  request: ProduceRequest,
  errorCode: number,
  message: string,
): Pick<ProduceResponse, 'responses'> {
  return {
    responses: request.topicData.map((topic) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitionResponses: topic.partitionData.map((data) =>
        refused(data.index, errorCode, message),
      ),
    })),
  };
}

function isAcks(acks: number): acks is -1 | 0 | 1 {
  return acks === -1 || acks === 0 || acks === 1;
}

async function produce(
  services: Services,
  request: ProduceRequest,
  context: RequestContext,
): Promise<Pick<ProduceResponse, 'responses'> | null> {
  const { acks } = request;
  if (!isAcks(acks)) {
    const text = `acks must be -1, 0 or 1, not ${acks}`;
    return refuseAll(request, ErrorCode.INVALID_REQUIRED_ACKS, text);
  }
  const { version, lease } = context;
  const how = { acks, version, ...(lease && { lease }) };
  // Every append is begun before any is waited for, so they share syncs, and their order is that of
  // the request.
  const pending = request.topicData.map((topic) =>
    topic.partitionData.map((data) => append(services, topic, data, how)),
  );
  const answers = await Promise.all(pending.map((partitions) => Promise.all(partitions)));
  if (acks === 0) {
    const failed = answers.flat().find((partition) => partition.errorCode !== 0);
    if (failed !== undefined) {
      context.session.disconnect(`a produce request with acks=0 failed: ${failed.errorMessage}`);
    }
    return null;
  }
  return {
    responses: request.topicData.map((topic, i) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitionResponses: answers[i] ?? [],
    })),
  };
}

export function produceHandler(services: Services): Handler {
  return handler(Produce, {
    announcedFrom: 0,
    overlaps: true,
    leases: true,
    handle: (request, context) => produce(services, request, context),
    refuse: (request, error) => refuseAll(request, error.errorCode, error.message),
  });
}
