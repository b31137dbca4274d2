// A dead letter: a record that could not be processed, as it was, with headers that tell where it came from and why.
// We write our own headers, and read those of Kafka Connect and Spring for Apache Kafka, too.

import type { PlacedRecord } from '../replay/index.ts';

/** Where a letter came from; -1 where its headers do not say. */
export interface Origin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

/** What a letter's headers say. */
export interface LetterFacts {
  /** Null: they say nothing. */
  readonly origin: Origin | null;
  readonly error: string | null;
  readonly message: string | null;
  /** How often it was tried; -1 where unknown. */
  readonly attempts: number;
  readonly failedMs: number;
  readonly group: string | null;
}

type Headers = PlacedRecord['headers'];

/** The headers that we write. Texts are UTF-8, numbers decimal. */
export const LetterHeader = {
  topic: 'tidemark.dlq.topic',
  partition: 'tidemark.dlq.partition',
  offset: 'tidemark.dlq.offset',
  timestamp: 'tidemark.dlq.timestamp',
  error: 'tidemark.dlq.error',
  message: 'tidemark.dlq.message',
  stack: 'tidemark.dlq.stack',
  attempts: 'tidemark.dlq.attempts',
  failed: 'tidemark.dlq.failed',
  group: 'tidemark.dlq.group',
} as const;

/** Prefixes of headers that belong to the letter, not to the record (ours, Kafka Connect's, Spring's). */
const prefixes = ['tidemark.dlq.', '__connect.errors.', 'kafka_dlt-'];

/** The record's own headers. */
export function ownHeaders(headers: Headers): Headers {
  return headers.filter(({ key }) => !prefixes.some((prefix) => key.startsWith(prefix)));
}

/** What the headers of a letter tell, whoever wrote them. */
export function factsOf(headers: Headers): LetterFacts {
  const bytes = (name: string): Buffer | null =>
    headers.findLast((one) => one.key === name)?.value ?? null;
  const text = (...names: string[]): string | null => {
    for (const name of names) {
      const value = bytes(name);
      if (value !== null) return value.toString();
    }
    return null;
  };
  const topic = text(LetterHeader.topic, '__connect.errors.topic', 'kafka_dlt-original-topic');
  const number = (ours: string, connect: string, spring: string): number =>
    numeric(text(ours, connect)) ?? binary(bytes(spring)) ?? -1;
  return {
    origin:
      topic === null
        ? null
        : {
            topic,
            partition: number(
              LetterHeader.partition,
              '__connect.errors.partition',
              'kafka_dlt-original-partition',
            ),
            offset: number(
              LetterHeader.offset,
              '__connect.errors.offset',
              'kafka_dlt-original-offset',
            ),
            timestamp: number(LetterHeader.timestamp, '', 'kafka_dlt-original-timestamp'),
          },
    error: text(
      LetterHeader.error,
      '__connect.errors.exception.class.name',
      'kafka_dlt-exception-fqcn',
    ),
    message: text(
      LetterHeader.message,
      '__connect.errors.exception.message',
      'kafka_dlt-exception-message',
    ),
    attempts: numeric(text(LetterHeader.attempts)) ?? -1,
    failedMs: numeric(text(LetterHeader.failed)) ?? -1,
    group: text(LetterHeader.group, 'kafka_dlt-original-consumer-group'),
  };
}

function numeric(text: string | null): number | null {
  return text !== null && /^\d{1,16}$/.test(text) ? Number(text) : null;
}

/** Spring writes int32 and int64, big endian. */
function binary(bytes: Buffer | null): number | null {
  if (bytes?.length === 4) return bytes.readInt32BE(0);
  return bytes?.length === 8 ? Number(bytes.readBigInt64BE(0)) : null;
}
