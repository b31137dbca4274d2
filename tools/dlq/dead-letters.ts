// For consumers: a handler that is tried again with back-off, and whose record goes to a dead-letter topic when that
// does not help, so that one bad record stops nobody.

import { asError } from '../../src/base/errors.ts';
import { KafkaError } from '../../src/base/kafka-errors.ts';
import { pause } from '../../src/base/pause.ts';
import { clientClock } from '../../src/host/node-clock.ts';
import { isTooLarge } from '../batches/limit.ts';
import { LetterHeader } from './letter.ts';

/** What a handler gets; a consumer's record is one. */
export interface ReceivedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[];
  /** The bytes of key and value. */
  readonly raw: { readonly key: Buffer | null; readonly value: Buffer | null };
  /** Why key or value could not be decoded. */
  readonly error: Error | null;
}

/** What writes letters: a producer whose serdes are `buffer`. Resolves when the letter is safe. */
export interface LetterWriter {
  send(letter: {
    readonly topic: string;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[];
    readonly timestamp: number;
  }): Promise<unknown>;
}

export interface DeadLetterOptions {
  readonly producer: LetterWriter;
  /** How often a record is tried in all. Default 3. */
  readonly attempts?: number;
  /** Before the second try, in ms; doubled for each one after. Default 200. */
  readonly backoffMs?: number;
  /** Default 30,000. */
  readonly backoffMaxMs?: number;
  /** Whether trying again may help. Default: always. A record that cannot be decoded is never tried. */
  readonly retriable?: (error: unknown) => boolean;
  /**
   * Whether a failure is the record's own, which would come again with it. Another, of a log that cannot be reached
   * say, is thrown once the tries are over, and the record is neither done nor dead. Default: always.
   */
  readonly isFault?: (error: unknown) => boolean;
  /** The topic of a record's letter. Default: its own with `.dlq` behind it. */
  readonly topicOf?: (record: ReceivedRecord) => string;
  /** Noted in letters: who could not process it. */
  readonly group?: string;
  /** Hears of each letter once it is safe. */
  readonly onLetter?: (record: ReceivedRecord, error: unknown) => void;
  /** Ends waiting: what is being tried then throws, and is neither done nor dead. */
  readonly signal?: AbortSignal;
}

const MESSAGE_MAX = 1_000;
const STACK_MAX = 4_000;
/** What does not stop. */
const NEVER = new AbortController().signal;

/**
 * Makes of a handler one that never fails for its record: it is tried, tried again, and then written to the dead-letter
 * topic. Rejects only when the letter cannot be written, the failure is not the record's (`isFault`), or the signal
 * comes; then the record is not dealt with.
 *
 *     const producer = client.producer({ key: 'buffer', value: 'buffer', compression: 'gzip' });
 *     await consumer.run(deadLetters({ producer })(async (record) => charge(record.value)));
 *
 * A letter is a little larger than its record, and much larger if the record came compressed and the producer does not
 * compress. One that the topic does not take is tried once more without the error's message and stack. KafkaError
 * `MESSAGE_TOO_LARGE`: it is still too large, and the record comes again until the topic's `max.message.bytes` is
 * raised or the producer compresses.
 */
export function deadLetters(
  options: DeadLetterOptions,
): <R extends ReceivedRecord>(handler: (record: R) => unknown) => (record: R) => Promise<void> {
  return (handler) => async (record) => {
    const failed = await tried(handler, record, options);
    if (failed === null) return;
    await write(record, headersOf(record, failed, options.group), options);
    options.onLetter?.(record, failed.error);
  };
}

type Letter = Parameters<LetterWriter['send']>[0];

/** Headers that a letter can do without. */
const DISPENSABLE: ReadonlySet<string> = new Set([LetterHeader.message, LetterHeader.stack]);

async function write(
  record: ReceivedRecord,
  facts: Letter['headers'],
  { producer, topicOf = (one) => `${one.topic}.dlq` }: DeadLetterOptions,
): Promise<void> {
  const topic = topicOf(record);
  const { timestamp } = record;
  const { key, value } = record.raw;
  const send = (some: Letter['headers']): Promise<unknown> =>
    producer.send({ topic, key, value, headers: [...record.headers, ...some], timestamp });
  try {
    await send(facts);
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    try {
      await send(facts.filter(({ key }) => !DISPENSABLE.has(key)));
    } catch (again) {
      throw isTooLarge(again) ? tooLarge(record, topic, again) : again;
    }
  }
}

function tooLarge(record: ReceivedRecord, topic: string, cause: unknown): KafkaError {
  const message =
    `the letter of record ${record.offset} of ${record.topic}-${record.partition} is larger than max.message.bytes ` +
    `of '${topic}': raise that, or give the producer of letters compression: 'gzip'`;
  return new KafkaError('MESSAGE_TOO_LARGE', message, { cause });
}

interface Failed {
  readonly error: unknown;
  readonly attempts: number;
}

/** Null when it succeeded. */
async function tried<R extends ReceivedRecord>(
  handler: (record: R) => unknown,
  record: R,
  options: DeadLetterOptions,
): Promise<Failed | null> {
  const { attempts: most = 3, backoffMs = 200, backoffMaxMs = 30_000, signal = NEVER } = options;
  if (record.error !== null) return { error: record.error, attempts: 0 };
  for (let attempts = 1; ; attempts++) {
    try {
      await handler(record);
      return null;
    } catch (error) {
      signal.throwIfAborted();
      const mayHelp = options.retriable?.(error) ?? true;
      if (attempts >= most || !mayHelp) {
        if (options.isFault?.(error) === false) throw error;
        return { error, attempts };
      }
      const waitMs = Math.min(backoffMaxMs, backoffMs * 2 ** (attempts - 1));
      await pause(clientClock, waitMs, signal);
      signal.throwIfAborted();
    }
  }
}

function headersOf(
  record: ReceivedRecord,
  { error, attempts }: Failed,
  group: string | undefined,
): Letter['headers'] {
  const known = asError(error);
  const code = 'code' in known && typeof known.code === 'string' ? known.code : known.name;
  const fields: [string, string | number][] = [
    [LetterHeader.topic, record.topic],
    [LetterHeader.partition, record.partition],
    [LetterHeader.offset, record.offset],
    [LetterHeader.timestamp, record.timestamp],
    [LetterHeader.error, code],
    [LetterHeader.message, known.message.slice(0, MESSAGE_MAX)],
    [LetterHeader.stack, (known.stack ?? '').slice(0, STACK_MAX)],
    [LetterHeader.attempts, attempts],
    [LetterHeader.failed, clientClock.now()],
  ];
  if (group !== undefined) fields.push([LetterHeader.group, group]);
  return fields.map(([key, value]) => ({ key, value: Buffer.from(String(value)) }));
}
