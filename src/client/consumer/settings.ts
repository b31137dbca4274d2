// A consumer's options with their defaults, checked.

import type { TopicPartition } from '../admin-cluster.ts';
import { ClientError } from '../errors.ts';
import type { FetcherOptions } from '../fetcher-options.ts';
import type { OffsetSpec } from '../offset-spec.ts';
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
  readonly holdings: Omit<HoldingsOptions, 'onTrouble'>;
  readonly member: Omit<ClassicOptions & ModernOptions, 'group' | 'topics'>;
  readonly onTrouble: ((error: unknown) => void) | undefined;
}

const MIB = 1024 * 1024;
const AUTO_COMMIT_MS = 5_000;

function invalid(message: string): ClientError {
  return new ClientError('invalid_option', message);
}

/** A place as options and `seek` take it, in the terms of the offset grammar. Throws ClientError `invalid_option`. */
export function specOf(from: Date | 'earliest' | 'latest' | OffsetSpec): OffsetSpec {
  if (from instanceof Date) return { kind: 'timestamp', timestampMs: from.getTime() };
  if (typeof from !== 'string') return from;
  if (from === 'earliest' || from === 'latest') return { kind: from };
  throw invalid(
    `'${from}' is no place: 'earliest', 'latest', a Date, or { kind: 'offset', offset: 42 }`,
  );
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

/** The options that are numbers, and the least of each. */
const numbers = {
  sessionTimeoutMs: 1,
  heartbeatIntervalMs: 1,
  maxPollIntervalMs: 1,
  metadataMaxAgeMs: 1,
  bufferBytes: 1,
  maxBytes: 1,
  partitionBytes: 1,
  minBytes: 0,
  maxWaitMs: 0,
  closeTimeoutMs: 0,
} as const satisfies Partial<Record<keyof ConsumerOptions, number>>;

function checkNumbers(options: ConsumerOptions<AnySerde, AnySerde>): void {
  for (const [name, least] of Object.entries(numbers)) {
    const value: unknown = options[name as keyof typeof numbers];
    if (value === undefined || (typeof value === 'number' && value >= least)) continue;
    throw invalid(`${name} ${String(value)}: write a number from ${least} on`);
  }
  const every: unknown = (options.autoCommit as { everyMs?: unknown } | undefined)?.everyMs;
  if (every !== undefined && !(typeof every === 'number' && every > 0)) {
    throw invalid(`autoCommit.everyMs ${String(every)}: write a number above 0`);
  }
}

function check(options: ConsumerOptions<AnySerde, AnySerde>): void {
  const { topics, assign, group, protocol, autoCommit } = options;
  if ((topics === undefined) === (assign === undefined)) {
    throw invalid('give a consumer either topics or assign');
  }
  if (typeof topics === 'string') throw invalid(`topics is a list: ['${topics}']`);
  if (Array.isArray(topics) && topics.length === 0) throw invalid('topics is an empty list');
  if (assign?.length === 0) throw invalid('assign is an empty list');
  checkNumbers(options);
  if (group === '') throw invalid('a group needs a name');
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
  const { sessionTimeoutMs = 45_000, heartbeatIntervalMs = 3_000 } = options;
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
