// The coordinators' ports, over the engine: `__consumer_offsets` as a command log, and the
// catalogue, read only.

import { KafkaError } from '../base/kafka-errors.ts';
import {
  type CommandLog,
  EVENTS_TOPIC,
  type EventLog,
  type LogEntry,
  type LogRecord,
  type TopicView,
  type TransactionalProducer,
} from '../coordinator/index.ts';
import type { Engine, Partition } from '../engine/index.ts';
import {
  BatchHeader,
  buildBatch,
  decodeControlKey,
  prepareCodecOf,
  readRecords,
} from '../record/index.ts';

export const GROUP_METADATA_TOPIC = '__consumer_offsets';

/** The entries of one stored batch, in order. */
function* entriesOf(batch: Buffer): Generator<LogEntry> {
  const header = new BatchHeader(batch);
  const transaction = header.isTransactional
    ? { producerId: header.producerId, producerEpoch: header.producerEpoch }
    : null;
  for (const { key, value, timestamp } of readRecords(batch)) {
    if (header.isControl) {
      const type = decodeControlKey(key);
      if (type === 'unknown' || transaction === null) continue;
      yield { kind: 'marker', transaction, outcome: type };
    } else if (key !== null) {
      const record: LogRecord = { key, value, timestampMs: timestamp };
      yield { kind: 'record', record, transaction };
    }
  }
}

/** The command log of the group coordinator. The topic is made when a group first needs it. */
export function groupCommandLog(engine: Engine): CommandLog {
  const partitionOf = (index: number): Partition => {
    const partition = engine.partition(GROUP_METADATA_TOPIC, index);
    if (partition !== undefined) return partition;
    throw new KafkaError('COORDINATOR_NOT_AVAILABLE', `no ${GROUP_METADATA_TOPIC}-${index}`);
  };
  return {
    partitionCount: () => engine.topic(GROUP_METADATA_TOPIC)?.partitionCount ?? 0,
    async create() {
      return (await engine.autoCreateTopic(GROUP_METADATA_TOPIC)).partitionCount;
    },
    async append(partition, records) {
      const batch = buildBatch(
        records.map(({ key, value, timestampMs }) => ({ key, value, timestamp: timestampMs })),
      );
      await partitionOf(partition).append({ records: batch, acks: -1, origin: 'internal' });
    },
    async *read(partition) {
      const source = partitionOf(partition);
      // A log that takes no writes may end before what was acknowledged, or hold what was refused and counts once it is
      // reopened: a state read from it now would be wrong one way or the other. Loading is tried again.
      if (!source.online) {
        const message = `${GROUP_METADATA_TOPIC}-${partition} takes no writes, its groups wait`;
        throw new KafkaError('COORDINATOR_NOT_AVAILABLE', message);
      }
      const open = new Map<number, TransactionalProducer>();
      for await (const batch of source.batches(source.startOffset)) {
        // Ours are not compressed; those of a directory that Kafka wrote may be.
        await prepareCodecOf(new BatchHeader(batch).codecId);
        for (const entry of entriesOf(batch)) {
          const { kind, transaction } = entry;
          if (kind === 'marker') open.delete(transaction.producerId);
          else if (transaction !== null) open.set(transaction.producerId, transaction);
          yield entry;
        }
      }
      for (const transaction of open.values()) {
        if (!(await source.isCommitPrepared(transaction))) continue;
        yield { kind: 'marker', transaction, outcome: 'commit' };
      }
    },
  };
}

/** The log of the groups' timeline: one partition, so that all of it has one order. */
export function groupEventLog(engine: Engine): EventLog {
  return {
    exists: () => engine.topic(EVENTS_TOPIC) !== undefined,
    async create() {
      await engine.autoCreateTopic(EVENTS_TOPIC);
    },
    async append(records) {
      const partition = engine.partition(EVENTS_TOPIC, 0);
      if (partition === undefined) throw new Error(`no ${EVENTS_TOPIC}-0`);
      // Nobody has to look after a diary: once the disk takes writes again, it goes on by itself.
      if (!partition.online) await partition.reopen();
      const batch = buildBatch(
        records.map(({ key, value, timestampMs }) => ({ key, value, timestamp: timestampMs })),
      );
      await partition.append({ records: batch, acks: -1, origin: 'internal' });
    },
  };
}

/** What coordinators may know of the topics. */
export function topicView(engine: Engine): TopicView {
  return {
    topic: (name) => engine.topic(name),
    topicById: (id) => engine.topicById(id),
    // Whoever asks for all topics does not mean the broker's diary, which would move its partitions as it is made.
    topics: () => engine.topics().filter(({ name }) => name !== EVENTS_TOPIC),
  };
}
