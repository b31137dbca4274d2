// A consumer's options with their defaults, checked.

import { shown } from '../../base/option-kinds.ts';
import type { TopicPartition } from '../admin-cluster.ts';
import { ClientError } from '../errors.ts';
import type { FetcherOptions } from '../fetcher-options.ts';
import type { OffsetSpec } from '../offset-spec.ts';
import { checkConsumerOptions, isIndex } from '../option-kinds.ts';
import type { AnySerde } from '../serde.ts';
import { type AssignorName, assignors } from './assignors.ts';
import type { ClassicOptions } from './classic-member.ts';
import type { HoldingsOptions } from './holdings.ts';
import type { ModernOptions } from './modern-member.ts';
import type { ConsumerOptions } from './options.ts';

export interface ConsumerSettings {
  readonly topics: readonly string[] | RegExp | undefined;
  readonly assign: readonly TopicPartition[] | undefined;
  readonly group: string | undefined;
  readonly protocol: 'classic' | 'consumer';
  readonly autoCommitMs: number | null;
  readonly metadataMaxAgeMs: number;
  readonly closeTimeoutMs: number;
  readonly fetcher: FetcherOptions;
  readonly holdings: Omit<HoldingsOptions, 'onTrouble' | 'onFailed' | 'until'>;
  readonly member: Omit<ClassicOptions & ModernOptions, 'group' | 'topics'>;
  readonly onTrouble: ((error: unknown) => void) | undefined;
}

const MIB = 1024 * 1024;
const AUTO_COMMIT_MS = 5_000;
const SESSION_TIMEOUT_MS = 45_000;

function invalid(message: string): ClientError {
  return new ClientError('invalid_option', message);
}

/** The numbers of places that have one. */
const numbersOf: Readonly<Record<string, (value: unknown) => boolean>> = {
  shift: Number.isSafeInteger,
  offset: isIndex,
  count: isIndex,
  timestampMs: Number.isSafeInteger,
};

/** For callers without types: whether there is such a place. */
function isSpec(given: unknown): given is OffsetSpec {
  const { kind, ...numbers } = (given ?? {}) as Readonly<Record<string, unknown>>;
  const name = typeof kind === 'string' ? places[kind] : undefined;
  if (name === undefined) return false;
  return name === null || numbersOf[name]?.(numbers[name]) === true;
}

/** The name of the number that goes with each kind of place. */
const places: Readonly<Record<string, string | null>> = {
  earliest: null,
  latest: null,
  committed: 'shift',
  offset: 'offset',
  last: 'count',
  timestamp: 'timestampMs',
} satisfies Record<OffsetSpec['kind'], string | null>;

/** A place as options and `seek` take it, in the terms of the offset grammar. Throws ClientError `invalid_option`. */
export function specOf(from: Date | 'earliest' | 'latest' | OffsetSpec): OffsetSpec {
  const spec = from instanceof Date ? { kind: 'timestamp', timestampMs: from.getTime() } : from;
  const found = typeof spec === 'string' ? { kind: spec } : spec;
  if (isSpec(found)) return found;
  const known = "'earliest', 'latest', a Date, or { kind: 'offset', offset: 42 }";
  throw invalid(`${shown(from)} is no place: ${known}`);
}

function assignorsOf(given: AssignorName | readonly AssignorName[] | undefined): AssignorName[] {
  const names =
    typeof given === 'string' ? [given] : [...(given ?? ['cooperative-sticky' as const])];
  const unknown = names.find((name) => !Object.hasOwn(assignors, name));
  const known = Object.keys(assignors).join(', ');
  if (unknown !== undefined) throw invalid(`there is no assignor '${unknown}': ${known}`);
  if (names.length === 0) throw invalid(`assignor is an empty list: ${known}`);
  return names;
}

function check(options: ConsumerOptions<AnySerde, AnySerde>): void {
  checkConsumerOptions(options);
  const { topics, assign, group, protocol, autoCommit } = options;
  if ((topics === undefined) === (assign === undefined)) {
    throw invalid('give a consumer either topics or assign');
  }
  if (Array.isArray(topics) && topics.length === 0) throw invalid('topics is an empty list');
  if (assign?.length === 0) throw invalid('assign is an empty list');
  const { sessionTimeoutMs = SESSION_TIMEOUT_MS, heartbeatIntervalMs = 0 } = options;
  if (heartbeatIntervalMs >= sessionTimeoutMs) {
    throw invalid(
      `heartbeatIntervalMs ${heartbeatIntervalMs}: write less than sessionTimeoutMs, ${sessionTimeoutMs}, ` +
        'or the group takes this member for dead between two heartbeats',
    );
  }
  if (protocol === 'consumer' && group === undefined) {
    throw invalid("protocol 'consumer' is about groups: give the consumer one");
  }
  if (autoCommit !== undefined && autoCommit !== false && group === undefined) {
    throw invalid('only a group can commit: give the consumer one, or leave autoCommit out');
  }
}

/** Throws ClientError `invalid_option`. */
export function settingsOf(options: ConsumerOptions<AnySerde, AnySerde>): ConsumerSettings {
  check(options);
  const { topics, assign, group, autoCommit, instanceId = null } = options;
  const { protocol = 'classic', isolation = 'read_committed' } = options;
  const { sessionTimeoutMs = SESSION_TIMEOUT_MS } = options;
  const heartbeatIntervalMs =
    options.heartbeatIntervalMs ?? Math.min(3_000, Math.ceil(sessionTimeoutMs / 3));
  const { maxPollIntervalMs = 300_000, serverAssignor = null } = options;
  const { maxWaitMs = 500, minBytes = 1, maxBytes = 16 * MIB, partitionBytes = MIB } = options;
  const { bufferBytes = 32 * MIB, checkCrcs = true } = options;
  const { onMoved, onAssigned, onRevoked, onLost } = options;
  const commits = group !== undefined && autoCommit !== false;
  const outOfRange = options.outOfRange ?? (options.from === 'latest' ? 'latest' : 'earliest');
  const limits = { maxWaitMs, minBytes, maxBytes, partitionBytes, bufferBytes };
  return {
    topics,
    assign,
    group,
    protocol,
    autoCommitMs: commits
      ? typeof autoCommit === 'object'
        ? autoCommit.everyMs
        : AUTO_COMMIT_MS
      : null,
    metadataMaxAgeMs: options.metadataMaxAgeMs ?? 300_000,
    closeTimeoutMs: options.closeTimeoutMs ?? 30_000,
    fetcher: { ...limits, isolation, checkCrcs, outOfRange, ...(onMoved && { onMoved }) },
    holdings: {
      group,
      isolation,
      from: specOf(options.from ?? 'earliest'),
      autoCommit: commits,
      maxPollIntervalMs,
      onAssigned,
      onRevoked,
      onLost,
    },
    member: {
      instanceId,
      assignors: assignorsOf(options.assignor),
      serverAssignor,
      sessionTimeoutMs,
      heartbeatIntervalMs,
      maxPollIntervalMs,
    },
    onTrouble: options.onTrouble,
  };
}
