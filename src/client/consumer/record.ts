// Records as consumers give them, made from what a scanner came to: key and value decoded, headers and raw bytes found
// again in the batch when somebody asks.

import { asError } from '../../base/errors.ts';
import { type RecordFields, type RecordScanner, readRecordAt } from '../../record/index.ts';
import type { TopicPartition } from '../admin-cluster.ts';
import { bufferSerde, type Serde, stringSerde } from '../serde.ts';
import type { ConsumedRecord } from './options.ts';

const NO_HEADERS: ConsumedRecord['headers'] = [];

/** Where the record is in the log, and what is inside it. */
class ScannedRecord<K, V> implements ConsumedRecord<K, V> {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
  readonly key: K | null;
  readonly value: V | null;
  readonly error: Error | null;
  readonly #section: Buffer;
  readonly #at: number;

  constructor(
    place: TopicPartition,
    scanner: RecordScanner,
    leaderEpoch: number,
    key: K | null,
    value: V | null,
    error: Error | null,
  ) {
    this.topic = place.topic;
    this.partition = place.partition;
    this.offset = scanner.offset;
    this.timestamp = scanner.timestamp;
    this.leaderEpoch = leaderEpoch;
    this.key = key;
    this.value = value;
    this.error = error;
    this.#section = scanner.section;
    this.#at = scanner.startAt;
  }

  get headers(): ConsumedRecord['headers'] {
    return this.#fields().headers as ConsumedRecord['headers'];
  }

  get raw(): ConsumedRecord['raw'] {
    const { key, value } = this.#fields();
    return { key, value };
  }

  /** All of it, for `JSON.stringify` and for logs. */
  toJSON(): object {
    const { headers } = this;
    return { ...this, headers };
  }

  #fields(): RecordFields {
    return readRecordAt(this.#section, this.#at);
  }
}

/** Makes records of one consumer. */
export class RecordDecoder<K, V> {
  readonly #key: Serde<K, never>;
  readonly #value: Serde<V, never>;

  constructor(key: Serde<K, never>, value: Serde<V, never>) {
    this.#key = key;
    this.#value = value;
  }

  /** The record that the scanner stands at. Never throws: what the serdes throw is the record's `error`. */
  decode(place: TopicPartition, scanner: RecordScanner, leaderEpoch: number): ConsumedRecord<K, V> {
    const { section } = scanner;
    let key: K | null = null;
    let value: V | null = null;
    let error: Error | null = null;
    try {
      key = read(this.#key, section, scanner.keyAt, scanner.keyLength);
      value = read(this.#value, section, scanner.valueAt, scanner.valueLength);
    } catch (cause) {
      error = asError(cause);
      key = null;
      value = null;
    }
    return new ScannedRecord(place, scanner, leaderEpoch, key, value, error);
  }
}

function read<T>(serde: Serde<T, never>, section: Buffer, at: number, length: number): T | null {
  if (length < 0) return null;
  // The two that need no buffer of their own, or nothing else.
  if ((serde as object) === stringSerde) return section.toString('utf8', at, at + length) as T;
  const bytes = section.subarray(at, at + length);
  return (serde as object) === bufferSerde ? (bytes as T) : serde.decode(bytes);
}

/** Stands for a batch whose inside is damaged: its bytes are `raw.value`. */
export function damagedRecord(
  place: TopicPartition,
  at: { readonly offset: number; readonly leaderEpoch: number; readonly bytes: Buffer },
  error: Error,
): ConsumedRecord<never, never> {
  const { topic, partition } = place;
  const { offset, leaderEpoch, bytes } = at;
  const raw = { key: null, value: bytes };
  const empty = { timestamp: -1, key: null, value: null, headers: NO_HEADERS };
  return { topic, partition, offset, leaderEpoch, ...empty, error, raw };
}
