// For consumers: a handler that is tried again with back-off, and whose record goes to a dead-letter topic when that
// does not help, so that one bad record stops nobody.

import { asError } from '../../src/base/errors.ts';
import { pause } from '../../src/base/pause.ts';
import { clientClock } from '../../src/host/node-clock.ts';
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
 * topic. Rejects only when the letter cannot be written, or the signal comes; then the record is not dealt with.
 *
 *     const safely = deadLetters({ producer: client.producer({ key: 'buffer', value: 'buffer' }) });
 *     await consumer.run(safely(async (record) => charge(record.value)));
 */
export function deadLetters(
  options: DeadLetterOptions,
): <R extends ReceivedRecord>(handler: (record: R) => unknown) => (record: R) => Promise<void> {
  return (handler) => async (record) => {
    const failed = await tried(handler, record, options);
    if (failed === null) return;
    const { topicOf = (one) => `${one.topic}.dlq` } = options;
    await options.producer.send({
      topic: topicOf(record),
      key: record.raw.key,
      value: record.raw.value,
      headers: [...record.headers, ...headersOf(record, failed, options.group)],
      timestamp: record.timestamp,
    });
    options.onLetter?.(record, failed.error);
  };
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
      if (attempts >= most || !mayHelp) return { error, attempts };
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
): { key: string; value: Buffer }[] {
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
