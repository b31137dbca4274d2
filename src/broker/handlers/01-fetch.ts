// Fetch, versions 4 to 18.
//
// v4 isolation levels · v5 logStartOffset · v7 sessions (KIP-227) · v9 leader epochs (KIP-320) ·
// v11 rack and preferred replica (always -1: there is one) · v12 flexible, divergence by epoch ·
// v13 topics by id (KIP-516) · v15 replicaState · v16 endpoints of new leaders (never set) · v17,
// v18 fields of followers, ignored.
//
// Waits for `minBytes` up to `maxWaitMs`, woken by commits. In an incremental answer only what
// changed is told; a raised log start offset alone is told with the next change. An answer holds
// `maxBytes` at most, capped by `fetch.max.bytes` and by what the memory for unsent answers leaves,
// except that a first batch always fits.
//
// Not done: replication. A request from a replica gets NOT_LEADER_OR_FOLLOWER for each partition,
// as Kafka answers replicas that it does not know; the other fields of replicas are ignored.

import { ErrorCode } from '../../base/kafka-errors.ts';
import { Fetch, type FetchRequest, type ResponseInput } from '../../protocol/index.ts';
import { FetchSet } from '../fetch/fetch-set.ts';
import type { FetchTarget } from '../fetch/fetch-target.ts';
import { loadResults } from '../fetch/load-results.ts';
import {
  type PartitionLookup,
  type TargetReader,
  type TargetResult,
  unread,
} from '../fetch/read-targets.ts';
import { runFetch } from '../fetch/run-fetch.ts';
import { FINAL_EPOCH, INITIAL_EPOCH, nextEpoch } from '../fetch/session-cache.ts';
import { type Handler, handler, type RequestContext } from '../handler.ts';
import { AnswerBudget } from '../memory-gate.ts';
import { numberConfig, type Services } from '../services.ts';

type Answer = ResponseInput<typeof Fetch>;
type TopicAnswer = Answer['responses'][number] & { partitions: TargetResult[] };

/** How a request stands to sessions. */
interface FetchMode {
  readonly kind: 'none' | 'open' | 'continue';
  readonly set: FetchSet;
}

type Mode = FetchMode | { readonly kind: 'error'; readonly errorCode: number };

function putTargets(set: FetchSet, request: FetchRequest): void {
  for (const topic of request.topics) {
    for (const partition of topic.partitions) {
      set.put({
        topic: topic.topic,
        topicId: topic.topicId,
        index: partition.partition,
        fetchOffset: partition.fetchOffset,
        maxBytes: partition.partitionMaxBytes,
        // Unlike in ListOffsets, every negative epoch is none (FetchRequest.optionalEpoch).
        currentLeaderEpoch: Math.max(-1, partition.currentLeaderEpoch),
        lastFetchedEpoch: partition.lastFetchedEpoch,
      });
    }
  }
}

function newSet(request: FetchRequest, usesTopicIds: boolean): FetchSet {
  const set = new FetchSet(usesTopicIds);
  putTargets(set, request);
  return set;
}

/** Kafka's FetchManager.newContext. */
function modeOf(services: Services, request: FetchRequest, version: number): Mode {
  const { fetchSessions } = services;
  const { sessionId, sessionEpoch } = request;
  const usesTopicIds = version >= 13;
  if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
    if (sessionId !== 0) fetchSessions.remove(sessionId);
    const set = newSet(request, usesTopicIds);
    return { kind: sessionEpoch === FINAL_EPOCH ? 'none' : 'open', set };
  }
  const session = fetchSessions.get(sessionId);
  if (session === undefined) {
    return { kind: 'error', errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND };
  }
  if (session.epoch !== sessionEpoch) {
    return { kind: 'error', errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH };
  }
  if (session.usesTopicIds !== usesTopicIds) {
    return { kind: 'error', errorCode: ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR };
  }
  for (const topic of request.forgottenTopicsData) {
    const name = usesTopicIds ? topic.topicId : topic.topic;
    for (const index of topic.partitions) session.forget(name, index);
  }
  const { size } = session.targets;
  putTargets(session, request);
  if (session.targets.size > size && !fetchSessions.fits) {
    fetchSessions.remove(sessionId);
    return { kind: 'error', errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND };
  }
  if (session.targets.size === 0) {
    fetchSessions.remove(sessionId);
    return { kind: 'none', set: new FetchSet(usesTopicIds) };
  }
  session.epoch = nextEpoch(sessionEpoch);
  fetchSessions.touch(session);
  return { kind: 'continue', set: session };
}

function isNews(target: FetchTarget, result: TargetResult): boolean {
  return (
    result.byteLength > 0 ||
    result.errorCode !== 0 ||
    result.divergingEpoch !== undefined ||
    result.highWatermark !== target.toldHighWatermark ||
    result.logStartOffset !== target.toldStartOffset
  );
}

/**
 * What is answered, by topic; notes what the fetcher is then told, and moves who was served to the
 * end.
 */
function collect(set: FetchSet, reader: TargetReader, all: boolean): Answer['responses'] {
  const topics = new Map<string, TopicAnswer>();
  for (const result of reader.results) {
    const { target } = result;
    if (!all && !isNews(target, result)) continue;
    const failed = result.errorCode !== 0;
    target.toldHighWatermark = failed ? -1 : result.highWatermark;
    target.toldStartOffset = failed ? -1 : result.logStartOffset;
    if (result.byteLength > 0 && set.ready.delete(target)) set.ready.add(target);
    const { topic, topicId } = target.spec;
    const key = set.usesTopicIds ? topicId : topic;
    let answer = topics.get(key);
    if (answer === undefined) {
      answer = { topic, topicId, partitions: [] };
      topics.set(key, answer);
    }
    answer.partitions.push(result);
  }
  return [...topics.values()];
}

function bytesMax(services: Services, asked: number, memory: AnswerBudget): number {
  const configured = numberConfig(services.engine, 'fetch.max.bytes');
  return Math.max(0, Math.min(asked, configured, memory.affordableBytes));
}

type Answered = Promise<Answer> | Answer;

/** Answers within this call where nothing has to be waited for. */
function fetch(
  services: Services,
  lookup: PartitionLookup,
  request: FetchRequest,
  context: RequestContext,
): Answered {
  const mode = modeOf(services, request, context.version);
  if (mode.kind === 'error') {
    return { errorCode: mode.errorCode, sessionId: 0, responses: [] };
  }
  const { clock, fetchSessions, fetchDeadlines, gate } = services;
  const { session } = context;
  const { kind, set } = mode;
  const memory = new AnswerBudget(gate);
  let answered = false;
  // Sessions are told of changed topics anyway.
  if (kind !== 'continue') fetchSessions.follow(set);
  context.whenAnswered = () => {
    if (kind !== 'continue') fetchSessions.unfollow(set);
    memory.end();
    if (answered) return;
    // What its client has been told is not known any more: a session begins anew.
    fetchSessions.remove(set.id);
    set.dispose();
  };
  const maxBytes = bytesMax(services, request.maxBytes, memory);
  const answer = (reader: TargetReader): Answer => {
    const made = answerOf(services, mode, reader);
    answered = true;
    return made;
  };
  const loaded = (reader: TargetReader): Answered => {
    const loading = loadResults(reader, session.sendsRegions, memory);
    if (loading === undefined) return answer(reader);
    const failed = (error: unknown): never => {
      reader.release();
      throw error;
    };
    return loading.then(() => answer(reader), failed);
  };
  const read = runFetch({
    set,
    clock,
    deadlines: fetchDeadlines,
    lookup,
    limits: {
      isolation: request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted',
      maxBytes,
      progress: true,
      fromReplica: Math.max(request.replicaId, request.replicaState.replicaId) >= 0,
      memory,
    },
    minBytes: Math.min(request.minBytes, maxBytes),
    maxWaitMs: request.maxWaitMs,
    fetcher: session,
  });
  return read instanceof Promise ? read.then(loaded) : loaded(read);
}

function answerOf(services: Services, { kind, set }: FetchMode, reader: TargetReader): Answer {
  const { fetchSessions, metrics } = services;
  metrics.fetchedBytes += reader.bytes;
  const responses = collect(set, reader, kind !== 'continue');
  const kept = kind === 'continue' || (kind === 'open' && fetchSessions.add(set));
  const sessionId = kept ? set.id : 0;
  if (!kept) set.dispose();
  return { errorCode: 0, sessionId, responses };
}

export function fetchHandler(services: Services): Handler {
  const { engine } = services;
  const lookup: PartitionLookup = {
    partition: (topic, index) => engine.partition(topic, index),
    topicName: (topicId) => engine.topicById(topicId)?.name,
  };
  return handler(Fetch, {
    handle: (request, context) => fetch(services, lookup, request, context),
    refuse: (request, { errorCode }) => ({
      errorCode,
      sessionId: 0,
      responses: request.topics.map((topic) => ({
        topic: topic.topic,
        topicId: topic.topicId,
        partitions: topic.partitions.map(({ partition: partitionIndex }) => {
          const { records, highWatermark } = unread;
          return { partitionIndex, errorCode, highWatermark, abortedTransactions: [], records };
        }),
      })),
    }),
  });
}
