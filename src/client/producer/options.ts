// What a producer is made with, and the records that it takes.

import type { Codec } from '../../record/index.ts';
import { ClientError } from '../errors.ts';
import { checkProducerOptions } from '../option-kinds.ts';
import type { AnySerde, SerdeInput } from '../serde.ts';
import type { Partitioner } from './partitioner.ts';

/** Headers by name, or as a list where order or repetition matters. Text is UTF-8. */
export type OutgoingHeaders =
  | { readonly [name: string]: string | Uint8Array | null }
  | readonly { readonly key: string; readonly value: string | Uint8Array | null }[];

/** A record to send. Bytes in it must not change until it is acknowledged. */
export interface ProducerRecord<Key = unknown, Value = unknown> {
  readonly topic: string;
  /** Records of one key go to one partition, in order. */
  readonly key?: Key | null;
  /** Null is a tombstone: compaction removes the key. */
  readonly value: Value | null;
  readonly headers?: OutgoingHeaders;
  /** Default: by the partitioner. */
  readonly partition?: number;
  /** Milliseconds since the epoch. Default: now. */
  readonly timestamp?: number;
}

/** Where a record landed. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  /** -1 where the broker did not say: with `acks: 0`, and for a repeat that it no longer remembers. */
  readonly offset: number;
  /** Milliseconds since the epoch: the broker's time under `LogAppendTime`, else the record's. */
  readonly timestamp: number;
}

/** Kafka's names in brackets; all times in milliseconds. */
export interface ProducerOptions<K extends AnySerde = 'string', V extends AnySerde = 'msgpack'> {
  /** How values become bytes. Default `msgpack`. */
  readonly value?: V;
  /** How keys become bytes. Default `string`. */
  readonly key?: K;
  /** -1 (default): on disk, and on all replicas in sync. 1: in the leader's page cache. 0: nobody answers. [`acks`] */
  readonly acks?: -1 | 0 | 1;
  /** Each record once and in order, over retries too. Default: true unless `acks` is 0 or 1. [`enable.idempotence`] */
  readonly idempotent?: boolean;
  /**
   * How long a batch waits for more records. Default: none while the partition is idle, and while it is busy until
   * the answer, 64 KiB or 5 ms, so that single sends are quick and many fill batches. [`linger.ms`]
   */
  readonly lingerMs?: number;
  /** Bytes of a batch before compression. Default 512 KiB. [`batch.size`] */
  readonly batchBytes?: number;
  /** Bytes of records not acknowledged; beyond, records wait for room. Default 32 MiB. [`buffer.memory`] */
  readonly bufferBytes?: number;
  /** Default `none`. [`compression.type`] */
  readonly compression?: Codec;
  /** Of gzip (1–9) or zstd (1–22). [`compression.gzip.level`, `compression.zstd.level`] */
  readonly level?: number;
  /** Where keys go. `murmur2` (default) is what Java's clients do; `xxhash64` is faster; or a function of yours. */
  readonly partitioner?: Partitioner;
  /** From `send` to giving up, retries and all. Default 120 000. [`delivery.timeout.ms`] */
  readonly deliveryTimeoutMs?: number;
  /** One request, at the broker. Default 30 000. [`request.timeout.ms`] */
  readonly requestTimeoutMs?: number;
  /** First wait before a retry; doubles up to a second. Default 100. [`retry.backoff.ms`] */
  readonly retryBackoffMs?: number;
  /** Requests under way to one broker. Default 5, the most with idempotence. [`max.in.flight…`] */
  readonly maxInFlight?: number;
  /** Whether a topic that is missing may be made, where the brokers allow it. Default true. */
  readonly createTopics?: boolean;
  /** Ends the producer at once: what is not acknowledged rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The record type that a producer of these serdes takes. */
export type RecordFor<K extends AnySerde, V extends AnySerde> = ProducerRecord<
  SerdeInput<K>,
  SerdeInput<V>
>;

/** Options with every default in place. */
export interface ProducerSettings {
  readonly acks: -1 | 0 | 1;
  readonly idempotent: boolean;
  /** Null: as {@link ProducerOptions.lingerMs} says of the default. */
  readonly lingerMs: number | null;
  readonly batchBytes: number;
  readonly bufferBytes: number;
  readonly codec: Codec;
  readonly level: number | undefined;
  readonly deliveryTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly maxInFlight: number;
  readonly createTopics: boolean;
}

/** A broker remembers the last five batches of a producer; one more could be taken for new when it is repeated. */
const IDEMPOTENT_IN_FLIGHT_MAX = 5;

/** Throws ClientError `invalid_option`. */
export function settingsOf(options: ProducerOptions<AnySerde, AnySerde>): ProducerSettings {
  checkProducerOptions(options);
  const { acks = -1, compression: codec = 'none', maxInFlight = 5 } = options;
  const idempotent = options.idempotent ?? acks === -1;
  if (idempotent && acks === 0) {
    throw new ClientError('invalid_option', 'idempotent needs answers: acks -1 or 1, not 0');
  }
  if (idempotent && maxInFlight > IDEMPOTENT_IN_FLIGHT_MAX) {
    const text = `maxInFlight ${maxInFlight}: brokers remember 5 batches, so at most 5, or idempotent: false`;
    throw new ClientError('invalid_option', text);
  }
  return {
    acks,
    idempotent,
    lingerMs: options.lingerMs ?? null,
    batchBytes: options.batchBytes ?? 512 * 1024,
    bufferBytes: options.bufferBytes ?? 32 * 1024 * 1024,
    codec,
    level: levelOf(codec, options.level),
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? 120_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
    retryBackoffMs: options.retryBackoffMs ?? 100,
    maxInFlight,
    createTopics: options.createTopics ?? true,
  };
}

/** The highest level of the codecs that have levels; the lowest is 1. */
const levels: Partial<Record<Codec, number>> = { gzip: 9, zstd: 22 };

function levelOf(codec: Codec, level: number | undefined): number | undefined {
  if (level === undefined) return undefined;
  const highest = levels[codec];
  if (highest === undefined) {
    const text = `level ${level}: compression '${codec}' has no levels; gzip and zstd have`;
    throw new ClientError('invalid_option', text);
  }
  if (Number.isInteger(level) && level >= 1 && level <= highest) return level;
  const text = `level ${level}: ${codec} has the whole numbers from 1 to ${highest}`;
  throw new ClientError('invalid_option', text);
}
