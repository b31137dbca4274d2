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
import type { AppendResult, Partition } from '../../engine/index.ts';
import { Produce, type ProduceRequest, type ProduceResponse } from '../../protocol/index.ts';
import { InvalidRecordsError, ProduceFormatError } from '../../record/index.ts';
import { errorCodeOf, errorMessageOf } from '../errors.ts';
import { type Handler, handler, type RequestContext } from '../handler.ts';
import { findPartition, type Services } from '../services.ts';

type TopicData = ProduceRequest['topicData'][number];
type PartitionData = TopicData['partitionData'][number];
type TopicAnswer = ProduceResponse['responses'][number];
type PartitionAnswer = TopicAnswer['partitionResponses'][number];

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

function emptyAnswer(index: number): PartitionAnswer {
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

function refuse(answer: PartitionAnswer, errorCode: number, errorMessage: string): void {
  answer.errorCode = errorCode;
  answer.errorMessage = errorMessage;
}

/** One partition's part of a produce request. */
interface Part {
  readonly topic: TopicData;
  readonly data: PartitionData;
  readonly acks: -1 | 0 | 1;
  readonly context: RequestContext;
}

/** Appends to one partition and fills its answer in; then `settled` is called, perhaps at once. */
function append(
  services: Services,
  part: Part,
  answer: PartitionAnswer,
  settled: () => void,
): void {
  const { topic, data, acks, context } = part;
  const { version, lease } = context;
  const partition = findPartition(services.engine, topic, data.index);
  const { records } = data;
  if (partition === undefined || records === null) {
    if (partition !== undefined) {
      const text = 'a produce request must have one record batch for each partition';
      refuse(answer, ErrorCode.INVALID_RECORD, text);
    } else if (version >= 13 && services.engine.topicById(topic.topicId) === undefined) {
      refuse(answer, ErrorCode.UNKNOWN_TOPIC_ID, 'no topic has this id');
    } else {
      const text = 'this server does not host this topic-partition';
      refuse(answer, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, text);
    }
    settled();
    return;
  }
  // After a refusal it is never dropped: the disk may be at work on the bytes all the same.
  lease?.hold();
  const whenOver = {
    appended(done: AppendResult) {
      services.metrics.producedBytes += records.byteLength;
      services.metrics.producedBatches++;
      answer.baseOffset = done.baseOffset;
      answer.logAppendTimeMs = done.logAppendTimeMs;
      answer.logStartOffset = done.logStartOffset;
      settled();
    },
    refused(error: unknown) {
      if (errorCodeOf(error) === ErrorCode.UNKNOWN_SERVER_ERROR) {
        const where = { topic: topic.name, partition: data.index, error };
        services.logger.error(where, 'append failed');
      }
      explain(answer, error, partition);
      settled();
    },
  };
  const released = lease?.drop;
  const origin = 'client';
  partition.appendFor(whenOver, { records, acks, origin, produceVersion: version, released });
}

function explain(answer: PartitionAnswer, error: unknown, partition: Partition): void {
  refuse(answer, errorCodeOf(error), errorMessageOf(error));
  if (tellsStart(error)) answer.logStartOffset = partition.startOffset;
  if (error instanceof InvalidRecordsError) {
    answer.recordErrors = error.recordErrors.map(({ batchIndex, message }) => ({
      batchIndex,
      batchIndexErrorMessage: message,
    }));
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
      partitionResponses: topic.partitionData.map(({ index }) => {
        const answer = emptyAnswer(index);
        refuse(answer, errorCode, message);
        return answer;
      }),
    })),
  };
}

function isAcks(acks: number): acks is -1 | 0 | 1 {
  return acks === -1 || acks === 0 || acks === 1;
}

function produce(
  services: Services,
  request: ProduceRequest,
  context: RequestContext,
): Promise<Pick<ProduceResponse, 'responses'> | null> | Pick<ProduceResponse, 'responses'> {
  const { acks } = request;
  if (!isAcks(acks)) {
    const text = `acks must be -1, 0 or 1, not ${acks}`;
    return refuseAll(request, ErrorCode.INVALID_REQUIRED_ACKS, text);
  }
  // One promise for all of it: each costs as much as a good part of an append.
  return new Promise((resolve) => {
    let open = 1;
    const settled = (): void => {
      open--;
      if (open > 0) return;
      if (acks === 0) disconnectIfRefused(responses, context);
      resolve(acks === 0 ? null : { responses });
    };
    // Every append is begun before any is waited for, so they share syncs, and their order is that of
    // the request.
    const responses = request.topicData.map((topic) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitionResponses: topic.partitionData.map((data) => {
        const answer = emptyAnswer(data.index);
        open++;
        append(services, { topic, data, acks, context }, answer, settled);
        return answer;
      }),
    }));
    settled();
  });
}

/** With acks=0 nothing else tells the producer. */
function disconnectIfRefused(answers: readonly TopicAnswer[], { session }: RequestContext): void {
  const failed = answers
    .flatMap((topic) => topic.partitionResponses)
    .find((partition) => partition.errorCode !== 0);
  if (failed === undefined) return;
  session.disconnect(`a produce request with acks=0 failed: ${failed.errorMessage}`);
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
