// A member of a consumer group of the new protocol (KIP-848): one heartbeat says everything, the broker shares the
// partitions, and each member moves to its share on its own while everybody goes on reading.

import { KafkaError, type KafkaErrorName } from '../../base/kafka-errors.ts';
import { pause } from '../../base/pause.ts';
import { ConsumerGroupHeartbeat, type Transport } from '../../protocol/index.ts';
import { type Cluster, isRetriableError } from '../cluster.ts';
import type { GroupIdentity } from '../group-offsets.ts';
import {
  giveUp,
  isFatal,
  type Member,
  type MemberHost,
  takePart,
  throwCode,
  without,
} from './membership.ts';
import { type TopicIdPartitions, TopicIds } from './topic-ids.ts';

export interface ModernOptions {
  readonly group: string;
  readonly instanceId: string | null;
  readonly topics: readonly string[] | RegExp;
  readonly serverAssignor: string | null;
  readonly maxPollIntervalMs: number;
  /** How long a static member waits for the one before it to be forgotten. */
  readonly sessionTimeoutMs: number;
}

/** Epochs that are words: KIP-848, KIP-345. */
const JOIN = 0;
const LEAVE = -1;
const LEAVE_STATIC = -2;
const BACKOFF_MS = 200;
const HEARTBEAT_TIMEOUT_MS = 10_000;

/** The broker has forgotten us, or gone on without us. */
const FENCED: ReadonlySet<KafkaErrorName> = new Set<KafkaErrorName>([
  'UNKNOWN_MEMBER_ID',
  'FENCED_MEMBER_EPOCH',
]);

export class ModernMember implements Member {
  readonly #cluster: Cluster;
  readonly #options: ModernOptions;
  readonly #host: MemberHost;
  readonly #ids: TopicIds;
  readonly #memberId: string;
  #leaving = new AbortController();
  #left: Promise<void> | null = null;
  #epoch = JOIN;
  /** How often everything was lost. */
  #losses = 0;
  #intervalMs = BACKOFF_MS;
  /** Whether the broker may not know all that it should: after joining, and after an answer was lost. */
  #tellAll = true;
  /** What we told the broker last that we read. */
  #told = '';
  #target: readonly TopicIdPartitions[] | null = null;
  #reconciling: Promise<void> | null = null;
  #failure: unknown = null;
  #unreleasedSinceMs: number | null = null;
  #hurry = new AbortController();
  #running: Promise<void> | null = null;

  constructor(cluster: Cluster, options: ModernOptions, host: MemberHost) {
    this.#cluster = cluster;
    this.#options = options;
    this.#host = host;
    this.#ids = new TopicIds(cluster, { internal: !(options.topics instanceof RegExp) });
    this.#memberId = newMemberId(cluster.random.bytes(16));
  }

  get identity(): GroupIdentity {
    const { group, instanceId } = this.#options;
    return { group, memberId: this.#memberId, epoch: this.#epoch, instanceId };
  }

  get isJoining(): boolean {
    return this.#epoch === JOIN || this.#reconciling !== null;
  }

  run(): Promise<void> {
    this.#running ??= takePart(
      this.#host,
      () => this.#loop(),
      () => this.#giveUp(),
    );
    return this.#running;
  }

  /** The broker looks after topics by itself. */
  requestRejoin(): void {}

  leave(): Promise<void> {
    this.#left ??= this.#leave().finally(() => {
      this.#left = null;
    });
    return this.#left;
  }

  async #leave(): Promise<void> {
    this.#leaving.abort();
    this.#beatNow();
    await this.#running?.catch(() => {});
    try {
      await this.#giveUp();
    } finally {
      this.#leaving = new AbortController();
      this.#running = null;
      this.#tellAll = true;
      this.#target = null;
      this.#failure = null;
    }
  }

  async #giveUp(): Promise<void> {
    await this.#reconciling;
    const done = new AbortController();
    const beating = this.#beatUntil(done.signal);
    await giveUp(this.#host, async () => {
      done.abort();
      await beating;
      await this.#sayGoodBye();
    });
  }

  /** Keeps the session alive while the loop does not; moves nowhere any more. */
  async #beatUntil(signal: AbortSignal): Promise<void> {
    while (this.#epoch !== JOIN) {
      await pause(this.#cluster.clock, this.#intervalMs, signal);
      if (signal.aborted) return;
      try {
        await this.#heartbeat(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#host.trouble(error);
        if (isFenced(error) || isFatal(error)) await this.#loseAll();
        else this.#cluster.forgetCoordinator(this.#options.group);
      }
    }
  }

  async #sayGoodBye(): Promise<void> {
    if (this.#epoch === JOIN) return;
    const { group: groupId, instanceId } = this.#options;
    const memberEpoch = instanceId === null ? LEAVE : LEAVE_STATIC;
    this.#epoch = JOIN;
    try {
      const coordinator = await this.#coordinator();
      const leaving = { groupId, memberId: this.#memberId, memberEpoch, instanceId };
      await coordinator.send(ConsumerGroupHeartbeat, leaving);
    } catch {
      // The session then ends by itself.
    }
  }

  async #coordinator(): Promise<Transport> {
    return this.#cluster.to(await this.#cluster.coordinator(this.#options.group));
  }

  async #loop(): Promise<void> {
    const { signal } = this.#leaving;
    while (!signal.aborted) {
      try {
        if (this.#failure !== null) throw this.#failure;
        if (this.#host.stuckMs() > this.#options.maxPollIntervalMs) await this.#sitOut();
        this.#hurry = new AbortController();
        await this.#heartbeat(signal);
        this.#reconcile();
        await pause(this.#cluster.clock, this.#intervalMs, this.#hurry.signal);
      } catch (error) {
        if (!signal.aborted) await this.#recover(error);
      }
    }
  }

  #beatNow(): void {
    this.#hurry.abort();
  }

  /** The program does not go on: others take over until it does (Kafka's max.poll.interval.ms). */
  async #sitOut(): Promise<void> {
    await this.#sayGoodBye();
    await this.#loseAll();
    await this.#host.unstuck(this.#leaving.signal);
  }

  async #loseAll(): Promise<void> {
    this.#epoch = JOIN;
    this.#losses += 1;
    this.#tellAll = true;
    this.#target = null;
    const owned = this.#host.owned();
    if (owned.length > 0) await this.#host.lost(owned);
  }

  async #heartbeat(signal: AbortSignal): Promise<void> {
    const { group: groupId, instanceId, maxPollIntervalMs, serverAssignor } = this.#options;
    const epoch = this.#epoch;
    const owned = epoch === JOIN ? [] : this.#ids.group(this.#host.owned());
    const told = JSON.stringify(owned);
    const everything = this.#tellAll
      ? { ...this.#subscription(), rebalanceTimeoutMs: maxPollIntervalMs, serverAssignor }
      : {};
    const news = this.#tellAll || told !== this.#told ? { topicPartitions: owned } : {};
    // Until the answer comes, the broker may have heard it or not.
    this.#tellAll = true;
    const response = await (await this.#coordinator()).send(
      ConsumerGroupHeartbeat,
      { groupId, memberId: this.#memberId, memberEpoch: epoch, instanceId, ...everything, ...news },
      { timeoutMs: HEARTBEAT_TIMEOUT_MS, signal },
    );
    throwCode(response.errorCode, `heartbeat in group '${groupId}'`, response.errorMessage);
    this.#tellAll = false;
    this.#told = told;
    this.#unreleasedSinceMs = null;
    this.#epoch = response.memberEpoch;
    this.#intervalMs = response.heartbeatIntervalMs;
    if (response.assignment !== null) this.#target = response.assignment.topicPartitions;
  }

  /** A pattern means what it means elsewhere in JavaScript: some part of the name; the broker wants all of it. */
  #subscription(): { subscribedTopicNames?: string[]; subscribedTopicRegex?: string } {
    const { topics } = this.#options;
    if (!(topics instanceof RegExp)) return { subscribedTopicNames: [...topics] };
    const flags = topics.flags.includes('i') ? '(?i)' : '';
    return { subscribedTopicNames: [], subscribedTopicRegex: `${flags}.*(?:${topics.source}).*` };
  }

  /** Moves to the target, one after the other; heartbeats go on meanwhile. */
  #reconcile(): void {
    if (this.#target === null || this.#reconciling !== null) return;
    this.#reconciling = this.#move()
      .catch((error: unknown) => {
        const passes = isRetriableError(error);
        if (passes) this.#host.trouble(error);
        else this.#failure = error;
        return !passes;
      })
      .then(async (over) => {
        if (!over) await pause(this.#cluster.clock, BACKOFF_MS, this.#leaving.signal);
      })
      .finally(() => {
        this.#reconciling = null;
        this.#beatNow();
      });
  }

  /** False: it is to be tried again a little later, as metadata do not name a topic yet. */
  async #move(): Promise<boolean> {
    const target = this.#target;
    if (target === null) return true;
    const losses = this.#losses;
    const { places, complete } = await this.#ids.places(target);
    const owned = this.#host.owned();
    const revoked = without(owned, places);
    if (revoked.length > 0) await this.#host.revoke(revoked);
    // Fenced meanwhile, even if a member again, or leaving: then none of it is ours.
    const isOver = losses !== this.#losses || this.#epoch === JOIN;
    if (isOver || this.#leaving.signal.aborted) return true;
    const given = without(places, owned);
    await this.#host.assign(given);
    if (losses !== this.#losses) {
      await this.#host.lost(given);
      return true;
    }
    if (complete && this.#target === target) this.#target = null;
    return complete;
  }

  async #recover(error: unknown): Promise<void> {
    const { clock } = this.#cluster;
    const code = error instanceof KafkaError ? error.code : null;
    if (code === 'UNRELEASED_INSTANCE_ID' && this.#mayStillBeReleased()) {
      this.#host.trouble(error);
      await pause(clock, BACKOFF_MS, this.#leaving.signal);
      return;
    }
    if (isFatal(error)) {
      await this.#sayGoodBye();
      await this.#loseAll();
      throw error;
    }
    if (isFenced(error)) await this.#loseAll();
    else if (error !== this.#failure && isRetriableError(error)) {
      this.#cluster.forgetCoordinator(this.#options.group);
      await pause(clock, BACKOFF_MS, this.#leaving.signal);
    } else throw error;
    this.#host.trouble(error);
  }

  /** The member before us may have crashed: its session then ends within this time. */
  #mayStillBeReleased(): boolean {
    const now = this.#cluster.clock.monotonic();
    this.#unreleasedSinceMs ??= now;
    return now - this.#unreleasedSinceMs <= this.#options.sessionTimeoutMs;
  }
}

function isFenced(error: unknown): boolean {
  return error instanceof KafkaError && FENCED.has(error.code);
}

/** Kafka's base64 form of a UUID, which no other member will have. */
function newMemberId(bytes: Buffer): string {
  const id = Buffer.from(bytes);
  id[6] = ((id[6] ?? 0) & 0x0f) | 0x40;
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80;
  return id.toString('base64url');
}
