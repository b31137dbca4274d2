// What the options of producers and consumers may be.

import {
  abortSignal,
  anything,
  callback,
  flag,
  type KindsOf,
  numberFrom,
  type OptionKind,
  oneOf,
  text,
  wrongOption,
} from '../base/option-kinds.ts';
import { codecNames } from '../record/index.ts';
import type { TopicPartition } from './admin-cluster.ts';
import type { ConsumerOptions } from './consumer/options.ts';
import { ClientError } from './errors.ts';
import type { ProducerOptions } from './producer/options.ts';
import type { AnySerde } from './serde.ts';

/** Of two kinds; a name of a serde or partitioner that there is not is told where it is looked up. */
const serde: OptionKind = {
  wanted: 'the name of a serde, or an object with the functions encode and decode',
  fits: (value) => {
    if (typeof value === 'string') return true;
    const { encode, decode } = (value ?? {}) as { encode?: unknown; decode?: unknown };
    return typeof encode === 'function' && typeof decode === 'function';
  },
};

const partitioner: OptionKind = {
  wanted: 'the name of a partitioner, or a function',
  fits: (value) => typeof value === 'string' || typeof value === 'function',
};

const producerKinds: KindsOf<ProducerOptions> = {
  value: serde,
  key: serde,
  acks: oneOf(-1, 0, 1),
  idempotent: flag,
  lingerMs: numberFrom(0),
  batchBytes: numberFrom(1),
  bufferBytes: numberFrom(1),
  compression: oneOf(...codecNames),
  level: anything,
  partitioner,
  deliveryTimeoutMs: numberFrom(1),
  requestTimeoutMs: numberFrom(1),
  retryBackoffMs: numberFrom(0),
  maxInFlight: numberFrom(1),
  createTopics: flag,
  signal: abortSignal,
};

const topics: OptionKind = {
  wanted: "a list of names, as ['orders'], or a pattern, as /^orders-/",
  fits: (value) => value instanceof RegExp || (Array.isArray(value) && value.every(text.fits)),
};

const assign: OptionKind = {
  wanted: 'a list of places, as [{ topic, partition: 0 }]',
  fits: isPlaces,
};

const autoCommit: OptionKind = {
  wanted: 'true, false, or { everyMs: 5000 }',
  fits: (value) => {
    if (typeof value === 'boolean') return true;
    const { everyMs } = (value ?? {}) as { everyMs?: unknown };
    return typeof everyMs === 'number' && everyMs > 0;
  },
};

const assignor: OptionKind = {
  wanted: 'the name of an assignor, or a list of them',
  fits: (value) => text.fits(value) || (Array.isArray(value) && value.every(text.fits)),
};

const consumerKinds: KindsOf<ConsumerOptions> = {
  topics,
  assign,
  group: text,
  protocol: oneOf('classic', 'consumer'),
  from: anything,
  outOfRange: oneOf('earliest', 'latest', 'error'),
  key: serde,
  value: serde,
  autoCommit,
  isolation: oneOf('read_committed', 'read_uncommitted'),
  assignor,
  serverAssignor: text,
  instanceId: text,
  sessionTimeoutMs: numberFrom(1),
  heartbeatIntervalMs: numberFrom(1),
  maxPollIntervalMs: numberFrom(1),
  metadataMaxAgeMs: numberFrom(1),
  bufferBytes: numberFrom(1),
  maxBytes: numberFrom(1),
  partitionBytes: numberFrom(1),
  minBytes: numberFrom(0),
  maxWaitMs: numberFrom(0),
  checkCrcs: flag,
  closeTimeoutMs: numberFrom(0),
  onAssigned: callback,
  onRevoked: callback,
  onLost: callback,
  onMoved: callback,
  onTrouble: callback,
  signal: abortSignal,
};

/** Whether it is a list of places, for callers without types. */
export function isPlaces(value: unknown): value is readonly TopicPartition[] {
  return Array.isArray(value) && value.every(isPlace);
}

function isPlace(value: unknown): boolean {
  const { topic, partition } = (value ?? {}) as { topic?: unknown; partition?: unknown };
  return text.fits(topic) && isIndex(partition);
}

/** Whether it is a whole number from 0 on: an offset, or a partition. */
export function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Throws ClientError `invalid_option`. */
export function checkProducerOptions(options: ProducerOptions<AnySerde, AnySerde>): void {
  check('a producer', options, producerKinds);
}

/** Throws ClientError `invalid_option`. */
export function checkConsumerOptions(options: ConsumerOptions<AnySerde, AnySerde>): void {
  check('a consumer', options, consumerKinds);
}

function check(what: string, options: object, kinds: Readonly<Record<string, OptionKind>>): void {
  const wrong = wrongOption(what, options, kinds);
  if (wrong !== null) throw new ClientError('invalid_option', wrong);
}
