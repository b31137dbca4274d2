// What a consumer is made with, and the records that it gives.

import type { TopicPartition } from '../admin-cluster.ts';
import type { Isolation } from '../list-offsets.ts';
import type { OffsetSpec } from '../offset-spec.ts';
import type { AnySerde, SerdeValue } from '../serde.ts';
import type { AssignorName } from './assignors.ts';

/** A record as a consumer gives it. `headers` and `raw` are looked up when they are asked for. */
export interface ConsumedRecord<K = unknown, V = unknown> extends TopicPartition {
  readonly offset: number;
  /** Milliseconds since the epoch, -1 for none. */
  readonly timestamp: number;
  /** Epoch of the leader that wrote it; -1 when unknown. */
  readonly leaderEpoch: number;
  /** Null for a record without key, and where `error` is set. */
  readonly key: K | null;
  /** Null for a tombstone, and where `error` is set. */
  readonly value: V | null;
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[];
  /**
   * Why the record cannot be read: the serde's error, or a RecordError for a batch whose inside is damaged although
   * its checksum is right; `raw.value` is then the whole batch, and the next record comes from after it.
   */
  readonly error: Error | null;
  /** Key and value as they are in the log. */
  readonly raw: { readonly key: Buffer | null; readonly value: Buffer | null };
}

/** Records of one partition that came together. */
export interface ConsumedBatch<K = unknown, V = unknown> extends TopicPartition {
  /** At least one, in order. */
  readonly records: readonly ConsumedRecord<K, V>[];
  /** End of what could be read when the broker answered. */
  readonly endOffset: number;
}

/** How far a group is in a partition. */
export interface OffsetToCommit extends TopicPartition {
  /** The first offset that is not dealt with. */
  readonly offset: number;
  /** `leaderEpoch` of the record before it, so that a cut log is noticed (KIP-320). */
  readonly leaderEpoch?: number;
  /** Words of yours, kept beside it; 4,096 bytes by Kafka's default. */
  readonly metadata?: string;
}

export type OnPlaces = (places: readonly TopicPartition[]) => void | Promise<void>;

export interface ConsumerOptions<KS extends AnySerde = 'string', VS extends AnySerde = 'msgpack'> {
  /**
   * Topics to read, by name or by a pattern that some part of the name matches (never internal topics). The members of
   * a group share their partitions; without a group all partitions are read. Topics and partitions that come later are
   * noticed.
   */
  readonly topics?: readonly string[] | RegExp;
  /**
   * Instead of `topics`: exactly these partitions, shared with nobody. A topic that is not there is waited for, which
   * `onTrouble` hears; for a partition that its topic does not have, reading throws `UNKNOWN_TOPIC_OR_PARTITION`.
   */
  readonly assign?: readonly TopicPartition[];
  /** Shares the work, and remembers how far it is. */
  readonly group?: string;
  /**
   * `classic` (default): works with every broker; the members' own assignors share the partitions.
   * `consumer`: KIP-848, Kafka 4 and Tidemark; the broker shares them, and nobody stops while it does.
   */
  readonly protocol?: 'classic' | 'consumer';
  /** Where to begin where nothing is committed: `earliest` (default), `latest`, or a place of the offset grammar. */
  readonly from?: 'earliest' | 'latest' | OffsetSpec;
  /**
   * Where to go on when the position is not in the log any more, because retention took it or the log was cut. A topic
   * that was deleted and made anew is read from its beginning, also with `latest`: all of it came later.
   * `error`: reading throws, and goes on after a `seek`. Default: `latest` if `from` is, else `earliest`.
   */
  readonly outOfRange?: 'earliest' | 'latest' | 'error';
  /** Default: string keys, MessagePack values. */
  readonly key?: KS;
  readonly value?: VS;
  /**
   * Commits what is dealt with, so often (ms, default 5,000) and when partitions are handed over. False: `commit()` is
   * yours to call. Only with a group.
   */
  readonly autoCommit?: { readonly everyMs: number } | boolean;
  /** Default `read_committed`: records of open or aborted transactions are not shown. */
  readonly isolation?: Isolation;
  /**
   * How a classic group shares its partitions, in order of preference; all members need one in common. Default
   * `cooperative-sticky`, which Java's default (`range`, then `cooperative-sticky`) has too. librdkafka's default has
   * `range` and `roundrobin`, kafkajs's only `RoundRobinAssigner`.
   */
  readonly assignor?: AssignorName | readonly AssignorName[];
  /** With `protocol: 'consumer'`: `uniform` or `range` on the broker's side. Default: the broker's choice. */
  readonly serverAssignor?: string;
  /** A static member (KIP-345): comes back after a restart without a rebalance. Closing it does not leave the group. */
  readonly instanceId?: string;
  /** Kafka's `session.timeout.ms`. Default 45,000. With `protocol: 'consumer'` the broker decides. */
  readonly sessionTimeoutMs?: number;
  /**
   * Kafka's `heartbeat.interval.ms`. Default 3,000, or a third of a shorter session. With `protocol: 'consumer'` the
   * broker decides.
   */
  readonly heartbeatIntervalMs?: number;
  /**
   * Kafka's `max.poll.interval.ms`. Default 300,000. Heartbeats go on by the clock however long a record takes, so a
   * program that hangs would keep its partitions for ever. Therefore a member that has a record (or batch) at work for
   * so long leaves the group (`onLost`), its partitions go to others, and it joins again when that is done. Of handlers
   * of `run` side by side, one is enough. The same time bounds how long a rebalance waits for records at work. Only
   * what blocks the event loop (a long synchronous computation) holds up heartbeats; then `sessionTimeoutMs` is the
   * limit.
   */
  readonly maxPollIntervalMs?: number;
  /** How often topics are looked at anew, in ms (`metadata.max.age.ms`). Default 300,000. */
  readonly metadataMaxAgeMs?: number;
  /** Bytes that are read ahead and kept, at most (a batch larger than that comes alone). Default 32 MiB. */
  readonly bufferBytes?: number;
  /** Bytes of one answer of a broker (`fetch.max.bytes`). Default 16 MiB. */
  readonly maxBytes?: number;
  /** Bytes of one partition in one answer (`max.partition.fetch.bytes`). Default 1 MiB. */
  readonly partitionBytes?: number;
  /** Fewest bytes that a broker answers before `maxWaitMs` (`fetch.min.bytes`). Default 1. */
  readonly minBytes?: number;
  /** Longest wait of a broker for new records, in ms (`fetch.max.wait.ms`). Default 500. */
  readonly maxWaitMs?: number;
  /** Compares each batch's checksum (`check.crcs`). Default true. */
  readonly checkCrcs?: boolean;
  /**
   * How long `close` waits, in ms: for handlers of `run` at work, and for brokers to take the last commit and the
   * good-bye, which have 5 s in any case. Default 30,000. A commit that was not made by then is trouble (`onTrouble`):
   * whoever goes on begins at the one before.
   */
  readonly closeTimeoutMs?: number;
  /**
   * Partitions were given to this consumer; nothing is read of them before it is done. A place for `seek`. It is called
   * again after it threw a `KafkaError` or `ClientError` that is retriable; with another error reading ends.
   */
  readonly onAssigned?: OnPlaces;
  /** They are about to be taken away; what was read of them is dealt with and committed. */
  readonly onRevoked?: OnPlaces;
  /** The group went on without us: others read them already, and records may come twice. */
  readonly onLost?: OnPlaces;
  /** A position was not in the log, and moved as `outOfRange` says. */
  readonly onMoved?: (place: TopicPartition, from: number, to: number) => void;
  /** Hears of trouble that passes: connections lost, leaders moving, topics that do not exist yet. */
  readonly onTrouble?: (error: unknown) => void;
  /** Ends reading once the record at work is dealt with; then commits and leaves the group, as {@link close} does. */
  readonly signal?: AbortSignal;
}

/** Types of keys and values that options lead to. */
export type RecordOf<KS, VS> = ConsumedRecord<SerdeValue<KS>, SerdeValue<VS>>;
export type BatchOf<KS, VS> = ConsumedBatch<SerdeValue<KS>, SerdeValue<VS>>;
