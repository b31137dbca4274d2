// What `tidemark bench` is asked to do, from its options; what makes no sense is refused before anything is made.

import { randomBytes } from 'node:crypto';
import { parseByteSize } from '../../base/byte-size.ts';
import type { ProducerOptions } from '../../client/index.ts';
import { type Codec, codecNames } from '../../record/index.ts';
import { usageError } from '../exit-codes.ts';
import { wholeNumber } from '../numbers.ts';

/** The options as they are typed. */
export interface LoadFlags {
  readonly partitions: string;
  readonly size: string;
  readonly seconds: string;
  readonly rate: string;
  readonly maxBytes: string;
  readonly acks?: string;
  readonly compress?: string;
}

export interface LoadPlan {
  readonly topic: string;
  readonly partitions: number;
  readonly recordBytes: number;
  readonly seconds: number;
  /** Records a second of the last phase. */
  readonly perSecond: number;
  /** Writing ends here even before the time is over. */
  readonly maxBytes: number;
  /** So long records are waited for after the time of a phase is over. */
  readonly patienceMs: number;
  readonly producer: ProducerOptions<'buffer', 'buffer'>;
}

/** A record carries when it was due in its first bytes. */
export const STAMP_BYTES = 8;
/** No broker takes more by default, and some records of this size fit into memory. */
const RECORD_MAX = 64 * 1024 ** 2;
const SECONDS_MAX = 3_600;
const PER_SECOND_MAX = 1_000_000;
const PATIENCE_MS = 10_000;
/** A load test waits less for a broker that has gone than a program that must not lose anything. */
const DELIVERY_MS = 30_000;

/** Throws a usage error. `properties` are those of `-X`. */
export function planOf(flags: LoadFlags, properties: ReadonlyMap<string, string>): LoadPlan {
  const recordBytes = parseByteSize(flags.size);
  if (recordBytes < STAMP_BYTES) {
    throw usageError(`--size ${flags.size}: at least ${STAMP_BYTES} bytes`);
  }
  if (recordBytes > RECORD_MAX) throw usageError(`--size ${flags.size}: at most 64MiB`);
  const maxBytes = parseByteSize(flags.maxBytes);
  if (maxBytes < recordBytes) {
    const text = `--max-bytes ${flags.maxBytes}: at least one record, and --size is ${flags.size}`;
    throw usageError(text);
  }
  return {
    topic: `tidemark-bench-${randomBytes(6).toString('hex')}`,
    partitions: wholeNumber('--partitions', flags.partitions, { from: 1 }),
    recordBytes,
    seconds: wholeNumber('--seconds', flags.seconds, { from: 1, to: SECONDS_MAX }),
    perSecond: wholeNumber('--rate', flags.rate, { from: 1, to: PER_SECOND_MAX }),
    maxBytes,
    patienceMs: PATIENCE_MS,
    producer: {
      key: 'buffer',
      value: 'buffer',
      createTopics: false,
      acks: acksOf(flags.acks ?? properties.get('acks') ?? 'all'),
      compression: codecOf(flags.compress ?? properties.get('compression.type') ?? 'none'),
      deliveryTimeoutMs: DELIVERY_MS,
      ...numberOf(properties, 'linger.ms', 'lingerMs'),
      ...numberOf(properties, 'batch.size', 'batchBytes'),
    },
  };
}

function acksOf(text: string): -1 | 0 | 1 {
  if (text === 'all' || text === '-1') return -1;
  if (text === '1') return 1;
  if (text === '0') return 0;
  throw usageError(`--acks ${text}: write all, 1 or 0`);
}

function codecOf(name: string): Codec {
  const codec = codecNames.find((one) => one === name);
  if (codec === undefined) throw usageError(`codec ${name}: write ${codecNames.join(', ')}`);
  return codec;
}

function numberOf(
  properties: ReadonlyMap<string, string>,
  property: string,
  option: 'lingerMs' | 'batchBytes',
): Partial<Record<typeof option, number>> {
  const text = properties.get(property);
  return text === undefined ? {} : { [option]: wholeNumber(`-X ${property}`, text) };
}
