// What a consumer and its membership in a group ask of each other, whichever protocol the group speaks.

import type { KafkaErrorName } from '../../base/kafka-errors.ts';
import { ErrorCode, errorName, KafkaError } from '../../base/kafka-errors.ts';
import type { TopicPartition } from '../admin-cluster.ts';
import { nameOf } from '../fetch-reading.ts';
import type { GroupIdentity } from '../group-offsets.ts';

/** A place in a group. */
export interface Member {
  /** Who we are in the group, for commits. */
  readonly identity: GroupIdentity;
  /** Whether a rebalance is under way, after which a refused commit may be tried again. */
  readonly isJoining: boolean;
  /** Takes part until {@link leave}; may be called again after that. Rejects when it never can. */
  run(): Promise<void>;
  /** The subscription, or its topics, changed. */
  requestRejoin(reason: string): void;
  /** Gives everything up and says good-bye. */
  leave(): Promise<void>;
}

/** What the member asks of its consumer. */
export interface MemberHost {
  /** What is read now. */
  owned(): readonly TopicPartition[];
  /** These are taken away: what is under way is finished and committed before it resolves. */
  revoke(places: readonly TopicPartition[]): Promise<void>;
  /** These are given. Also called with none, when a rebalance is over. */
  assign(places: readonly TopicPartition[]): Promise<void>;
  /** The group went on without us: what was read belongs to others already. */
  lost(places: readonly TopicPartition[]): Promise<void>;
  /** For how long (ms) a record has been at work; of the longest. */
  stuckMs(): number;
  /** Resolves when what is at work now is dealt with, or the signal is aborted. */
  unstuck(signal: AbortSignal): Promise<void>;
  /** Trouble that passes. */
  trouble(error: unknown): void;
}

/** How membership keeps time; all in ms. */
export interface MemberTimes {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly maxPollIntervalMs: number;
}

/** Hands everything over, so that others take it at once; still a member while records are at work. */
export async function giveUp(host: MemberHost, sayGoodBye: () => Promise<void>): Promise<void> {
  try {
    await host.revoke(host.owned());
  } finally {
    await sayGoodBye();
  }
}

/** Rejects with what the loop of a membership cannot go on after; the group is left by then. */
export async function takePart(
  host: MemberHost,
  loop: () => Promise<void>,
  leaveGroup: () => Promise<void>,
): Promise<void> {
  try {
    await loop();
  } catch (error) {
    await leaveGroup().catch((trouble: unknown) => host.trouble(trouble));
    throw error;
  }
}

/** Membership is over for good. */
const FATAL: ReadonlySet<KafkaErrorName> = new Set<KafkaErrorName>([
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'INVALID_GROUP_ID',
  'INVALID_SESSION_TIMEOUT',
  'INCONSISTENT_GROUP_PROTOCOL',
  'GROUP_MAX_SIZE_REACHED',
  'FENCED_INSTANCE_ID',
  'UNRELEASED_INSTANCE_ID',
  'UNSUPPORTED_ASSIGNOR',
  'UNSUPPORTED_VERSION',
  'INVALID_REGULAR_EXPRESSION',
  'INVALID_REQUEST',
]);

export function isFatal(error: unknown): boolean {
  return error instanceof KafkaError && FATAL.has(error.code);
}

const ADVICE: Partial<Record<KafkaErrorName, string>> = {
  INCONSISTENT_GROUP_PROTOCOL:
    "the group's members share no assignor with this one, or it is no group of consumers: give `assignor` what the " +
    'others have (Java: range; librdkafka: range, roundrobin; kafkajs: RoundRobinAssigner), or another group id',
  FENCED_INSTANCE_ID: 'another member has taken this instanceId: each needs its own',
  UNRELEASED_INSTANCE_ID:
    'the instanceId is still another member: wait for its session to end, or take another instanceId',
  UNSUPPORTED_VERSION:
    "the broker does not speak this group protocol: protocol 'consumer' needs Kafka 4 or Tidemark",
  UNSUPPORTED_ASSIGNOR: 'the broker does not have this serverAssignor',
  INVALID_SESSION_TIMEOUT:
    "sessionTimeoutMs is outside the broker's group.min.session.timeout.ms and group.max.session.timeout.ms",
  GROUP_MAX_SIZE_REACHED: "the group has as many members as the broker's group.max.size allows",
};

/** Throws the KafkaError of a code, with what to do about it. */
export function throwCode(code: number, what: string, message?: string | null): void {
  if (code === ErrorCode.NONE) return;
  const name = errorName(code);
  const advice = ADVICE[name];
  throw new KafkaError(
    name,
    `${what}: ${message || name}${advice === undefined ? '' : `; ${advice}`}`,
  );
}

/** Those of `all` that are not in `some`. */
export function without(
  all: readonly TopicPartition[],
  some: readonly TopicPartition[],
): TopicPartition[] {
  const names = new Set(some.map(nameOf));
  return all.filter((one) => !names.has(nameOf(one)));
}
