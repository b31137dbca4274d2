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
import type { AppendAnswer, AppendResult, Partition } from '../../engine/index.ts';
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

/** The same for all answers that have none. */
const noErrors: PartitionAnswer['recordErrors'] = [];
const noLeader: PartitionAnswer['currentLeader'] = { leaderId: -1, leaderEpoch: -1 };

function emptyAnswer(index: number): PartitionAnswer {
  return {
    index,
    errorCode: 0,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: noErrors,
    errorMessage: null,
    currentLeader: noLeader,
  };
}

function refuse(answer: PartitionAnswer, errorCode: number, errorMessage: string): void {
  answer.errorCode = errorCode;
  answer.errorMessage = errorMessage;
}

/** One partition's part of a produce request: appends, and fills its answer in. */
class Append implements AppendAnswer {
  readonly answer: PartitionAnswer;
  readonly #produce: Producing;
  readonly #topic: TopicData;
  readonly #records: Buffer | null;
  #partition: Partition | undefined = undefined;

  constructor(produce: Producing, topic: TopicData, { index, records }: PartitionData) {
    this.answer = emptyAnswer(index);
    this.#produce = produce;
    this.#topic = topic;
    this.#records = records;
  }

  /** Then the request is told that it is settled, perhaps at once. */
  begin(): void {
    const { services, acks, context } = this.#produce;
    const partition = findPartition(services.engine, this.#topic, this.answer.index);
    const records = this.#records;
    if (partition === undefined || records === null) {
      this.#refuseUnfit(partition);
      this.#produce.settled();
      return;
    }
    this.#partition = partition;
    const { version, lease } = context;
    // After a refusal it is never dropped: the disk may be at work on the bytes all the same.
    lease?.hold();
    const released = lease?.drop;
    const origin = 'client';
    partition.appendFor(this, { records, acks, origin, produceVersion: version, released });
  }

  appended(done: AppendResult): void {
    const { answer } = this;
    const { metrics } = this.#produce.services;
    metrics.producedBytes += this.#records?.byteLength ?? 0;
    metrics.producedBatches++;
    answer.baseOffset = done.baseOffset;
    answer.logAppendTimeMs = done.logAppendTimeMs;
    answer.logStartOffset = done.logStartOffset;
    this.#produce.settled();
  }

  refused(error: unknown): void {
    if (errorCodeOf(error) === ErrorCode.UNKNOWN_SERVER_ERROR) {
      const where = { topic: this.#topic.name, partition: this.answer.index, error };
      this.#produce.services.logger.error(where, 'append failed');
    }
    explain(this.answer, error, this.#partition);
    this.#produce.settled();
  }

  /** There is no such partition, or nothing for it. */
  #refuseUnfit(partition: Partition | undefined): void {
    const { answer } = this;
    const { services, context } = this.#produce;
    if (partition !== undefined) {
      const text = 'a produce request must have one record batch for each partition';
      refuse(answer, ErrorCode.INVALID_RECORD, text);
    } else if (
      context.version >= 13 &&
      services.engine.topicById(this.#topic.topicId) === undefined
    ) {
      refuse(answer, ErrorCode.UNKNOWN_TOPIC_ID, 'no topic has this id');
    } else {
      const text = 'this server does not host this topic-partition';
      refuse(answer, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, text);
    }
  }
}

function explain(answer: PartitionAnswer, error: unknown, partition: Partition | undefined): void {
  refuse(answer, errorCodeOf(error), errorMessageOf(error));
  if (tellsStart(error)) answer.logStartOffset = partition?.startOffset ?? -1;
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

type Responses = Pick<ProduceResponse, 'responses'>;

/** A produce request at work. One promise for all of it: each costs as much as a good part of an append. */
class Producing {
  readonly services: Services;
  readonly acks: -1 | 0 | 1;
  readonly context: RequestContext;
  readonly answer: Promise<Responses | null>;
  readonly #responses: TopicAnswer[];
  #answered: (response: Responses | null) => void = () => {};
  /** Appends that are not settled, and the beginning of them all. */
  #open = 1;

  constructor(
    services: Services,
    request: ProduceRequest,
    acks: -1 | 0 | 1,
    context: RequestContext,
  ) {
    this.services = services;
    this.acks = acks;
    this.context = context;
    this.answer = new Promise((resolve) => {
      this.#answered = resolve;
    });
    // Every append is begun before any is waited for, so they share syncs, and their order is that of
    // the request.
    this.#responses = request.topicData.map((topic) => this.#begin(topic));
    this.settled();
  }

  settled(): void {
    this.#open--;
    if (this.#open > 0) return;
    const responses = this.#responses;
    if (this.acks === 0) disconnectIfRefused(responses, this.context);
    this.#answered(this.acks === 0 ? null : { responses });
  }

  #begin(topic: TopicData): TopicAnswer {
    const partitionResponses = topic.partitionData.map((data) => {
      const append = new Append(this, topic, data);
      this.#open++;
      append.begin();
      return append.answer;
    });
    return { name: topic.name, topicId: topic.topicId, partitionResponses };
  }
}

function produce(
  services: Services,
  request: ProduceRequest,
  context: RequestContext,
): Promise<Responses | null> | Responses {
  const { acks } = request;
  if (isAcks(acks)) return new Producing(services, request, acks, context).answer;
  const text = `acks must be -1, 0 or 1, not ${acks}`;
  return refuseAll(request, ErrorCode.INVALID_REQUIRED_ACKS, text);
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
