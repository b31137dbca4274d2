// A member of a classic consumer group: joins, hands out the assignment when it leads, keeps its session alive, and
// joins again when it is told to. Heartbeats go by the clock, whatever the program does with its records.

import { ErrorCode, KafkaError } from '../../base/kafka-errors.ts';
import { pause } from '../../base/pause.ts';
import type { CancelTimer } from '../../base/ports.ts';
import {
  Heartbeat,
  JoinGroup,
  type JoinGroupResponse,
  LeaveGroup,
  SyncGroup,
  type Transport,
} from '../../protocol/index.ts';
import type { TopicPartition } from '../admin-cluster.ts';
import { type Cluster, isRetriableError } from '../cluster.ts';
import type { GroupIdentity } from '../group-offsets.ts';
import { type AssignorName, assignors } from './assignors.ts';
import {
  giveUp,
  isFatal,
  type Member,
  type MemberHost,
  type MemberTimes,
  takePart,
  throwCode,
  without,
} from './membership.ts';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './subscription.ts';
import type { TopicWatch } from './topic-watch.ts';

export interface ClassicOptions extends MemberTimes {
  readonly group: string;
  readonly instanceId: string | null;
  /** By preference. */
  readonly assignors: readonly AssignorName[];
}

const PROTOCOL = 'consumer';
const BACKOFF_MS = 200;
/** A broker answers a join when everybody has come, or this long after the rebalance timeout. */
const JOIN_GRACE_MS = 10_000;
const NOBODY = { memberId: '', generation: -1 } as const;

export class ClassicMember implements Member {
  readonly #cluster: Cluster;
  readonly #options: ClassicOptions;
  readonly #host: MemberHost;
  readonly #watch: TopicWatch;
  readonly #cooperative: boolean;
  #leaving = new AbortController();
  #left: Promise<void> | null = null;
  #me: { readonly memberId: string; readonly generation: number } = NOBODY;
  #round = 0;
  #joining = true;
  #rejoin = false;
  #reason: string | null = null;
  /** What a heartbeat was told, for the loop to deal with. */
  #heard: unknown = null;
  #wake: () => void = () => {};
  #cancelHeartbeat: CancelTimer | null = null;
  #running: Promise<void> | null = null;
  /** What the last assignment was, for assignors that remember. */
  #last: readonly TopicPartition[] = [];

  constructor(cluster: Cluster, options: ClassicOptions, host: MemberHost, watch: TopicWatch) {
    this.#cluster = cluster;
    this.#options = options;
    this.#host = host;
    this.#watch = watch;
    this.#cooperative = options.assignors.every((name) => assignors[name].cooperative);
  }

  get identity(): GroupIdentity {
    const { group, instanceId } = this.#options;
    const { memberId, generation: epoch } = this.#me;
    return { group, memberId, epoch, instanceId };
  }

  get isJoining(): boolean {
    return this.#joining || this.#rejoin;
  }

  run(): Promise<void> {
    this.#running ??= takePart(
      this.#host,
      () => this.#loop(),
      () => this.#giveUp('the consumer cannot go on'),
    );
    return this.#running;
  }

  requestRejoin(reason: string): void {
    this.#rejoin = true;
    this.#reason = reason;
    this.#wake();
  }

  /** A static member says no good-bye: it may come back before its session ends, and then gets the same again. */
  leave(): Promise<void> {
    this.#left ??= this.#leave().finally(() => {
      this.#left = null;
    });
    return this.#left;
  }

  async #leave(): Promise<void> {
    this.#leaving.abort();
    this.#wake();
    await this.#running?.catch(() => {});
    try {
      await this.#giveUp('the consumer stops reading');
    } finally {
      this.#leaving = new AbortController();
      this.#running = null;
      this.#joining = true;
      this.#rejoin = false;
      this.#heard = null;
    }
  }

  #giveUp(reason: string): Promise<void> {
    return giveUp(this.#host, () => {
      this.#stopHeartbeats();
      return this.#sayGoodBye(reason);
    });
  }

  async #sayGoodBye(reason: string): Promise<void> {
    const { group, instanceId } = this.#options;
    const { memberId } = this.#me;
    this.#me = NOBODY;
    if (memberId === '' || instanceId !== null) return;
    try {
      const coordinator = await this.#coordinator();
      const many = ((await coordinator.versions(LeaveGroup))?.[1] ?? 0) >= 3;
      const who = many ? { members: [{ memberId, reason }] } : { memberId };
      await coordinator.send(LeaveGroup, { groupId: group, ...who });
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
        await this.#joinAndSync();
        this.#joining = false;
        await this.#untilTold();
        this.#joining = true;
      } catch (error) {
        this.#joining = true;
        if (!signal.aborted) await this.#recover(error);
      }
    }
  }

  /** Resolves when it has to join again, or is leaving. Throws what a heartbeat was told. */
  async #untilTold(): Promise<void> {
    while (!this.#rejoin && !this.#leaving.signal.aborted) {
      this.#throwHeard();
      if (this.#host.stuckMs() > this.#options.maxPollIntervalMs) return this.#sitOut();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #throwHeard(): void {
    const error = this.#heard;
    this.#heard = null;
    if (error !== null) throw error;
  }

  /** The program does not go on: others take over until it does (Kafka's max.poll.interval.ms). */
  async #sitOut(): Promise<void> {
    this.#stopHeartbeats();
    await this.#sayGoodBye('max.poll.interval.ms has passed without progress');
    await this.#host.lost(this.#host.owned());
    await this.#host.unstuck(this.#leaving.signal);
  }

  async #joinAndSync(): Promise<void> {
    const { signal } = this.#leaving;
    const topics = await this.#watch.topics();
    if (!this.#cooperative) await this.#host.revoke(this.#host.owned());
    // From here on the broker waits for us, and a heartbeat under way tells of the rebalance before this one.
    this.#stopHeartbeats();
    this.#rejoin = false;
    this.#heard = null;
    const joined = await this.#join(topics);
    this.#me = { memberId: joined.memberId, generation: joined.generationId };
    if (signal.aborted) return;
    this.#startHeartbeats();
    const given = await this.#sync(joined);
    if (signal.aborted) return;
    this.#last = given;
    const owned = this.#host.owned();
    const revoked = without(owned, given);
    if (revoked.length > 0) await this.#host.revoke(revoked);
    // Put out of the group meanwhile: then none of it is ours.
    this.#throwHeard();
    await this.#host.assign(without(given, owned));
    // What we let go of is free only once everybody has joined again.
    if (revoked.length > 0) this.requestRejoin('partitions were given up for others');
  }

  async #join(topics: readonly string[]): Promise<JoinGroupResponse> {
    const { group, sessionTimeoutMs, maxPollIntervalMs, instanceId } = this.#options;
    const { generation } = this.#me;
    const own = { topics, owned: this.#host.owned(), last: this.#last, generation };
    const request = {
      groupId: group,
      sessionTimeoutMs,
      rebalanceTimeoutMs: maxPollIntervalMs,
      groupInstanceId: instanceId,
      protocolType: PROTOCOL,
      protocols: this.#options.assignors.map((name) => ({
        name,
        metadata: encodeSubscription(name, own),
      })),
      reason: this.#reason,
    };
    this.#reason = null;
    const options = { timeoutMs: maxPollIntervalMs + JOIN_GRACE_MS, signal: this.#leaving.signal };
    const coordinator = await this.#coordinator();
    let response = await coordinator.send(
      JoinGroup,
      { ...request, memberId: this.#me.memberId },
      options,
    );
    if (response.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      const { memberId } = response;
      this.#me = { memberId, generation: -1 };
      response = await coordinator.send(JoinGroup, { ...request, memberId }, options);
    }
    throwCode(response.errorCode, `joining group '${group}'`);
    return response;
  }

  async #sync(joined: JoinGroupResponse): Promise<TopicPartition[]> {
    const { group, instanceId, maxPollIntervalMs } = this.#options;
    const { memberId, generationId, protocolName } = joined;
    const leads = joined.leader === memberId;
    const made = leads ? await this.#assignments(joined) : [];
    // Partitions are the leader's business.
    if (!leads) this.#watch.unfollow();
    const coordinator = await this.#coordinator();
    const response = await coordinator.send(
      SyncGroup,
      {
        groupId: group,
        generationId,
        memberId,
        groupInstanceId: instanceId,
        protocolType: PROTOCOL,
        protocolName,
        // A static leader that came back is told to leave things as they are (KIP-814).
        assignments: joined.skipAssignment ? [] : made,
      },
      { timeoutMs: maxPollIntervalMs + JOIN_GRACE_MS, signal: this.#leaving.signal },
    );
    throwCode(response.errorCode, `assignment of group '${group}'`);
    return decodeAssignment(response.assignment);
  }

  async #assignments(
    joined: JoinGroupResponse,
  ): Promise<{ memberId: string; assignment: Buffer }[]> {
    const name = joined.protocolName ?? '';
    const members = joined.members.map((member) => decodeSubscription(name, member));
    const topics = [...new Set(members.flatMap((one) => [...one.topics]))];
    const counts = await this.#watch.follow(topics);
    const assignor = assignors[name as AssignorName] as (typeof assignors)['range'] | undefined;
    const result = (assignor ?? assignors.range).assign(members, counts);
    return [...result].map(([memberId, places]) => ({
      memberId,
      assignment: encodeAssignment(places),
    }));
  }

  #startHeartbeats(): void {
    this.#stopHeartbeats();
    const round = this.#round;
    const schedule = (): void => {
      this.#cancelHeartbeat = this.#cluster.clock.setTimer(
        this.#options.heartbeatIntervalMs,
        () => {
          // Stopped meanwhile, or begun anew: then that round has its own.
          void this.#heartbeat(round).finally(() => {
            if (round === this.#round) schedule();
          });
        },
      );
    };
    schedule();
  }

  #stopHeartbeats(): void {
    this.#round += 1;
    this.#cancelHeartbeat?.();
    this.#cancelHeartbeat = null;
  }

  /** Never throws: what it hears is for the loop. */
  async #heartbeat(round: number): Promise<void> {
    const { group: groupId, instanceId, heartbeatIntervalMs, maxPollIntervalMs } = this.#options;
    if (this.#host.stuckMs() > maxPollIntervalMs) this.#wake();
    const { memberId, generation: generationId } = this.#me;
    try {
      const coordinator = await this.#coordinator();
      const { errorCode } = await coordinator.send(
        Heartbeat,
        { groupId, generationId, memberId, groupInstanceId: instanceId },
        { timeoutMs: Math.max(2 * heartbeatIntervalMs, 5_000) },
      );
      throwCode(errorCode, `heartbeat in group '${groupId}'`);
    } catch (error) {
      if (round !== this.#round) return;
      if (error instanceof KafkaError && error.code === 'REBALANCE_IN_PROGRESS') {
        this.requestRejoin('the group is rebalancing');
      } else if (isRetriableError(error) || !(error instanceof KafkaError)) {
        this.#cluster.forgetCoordinator(groupId);
        this.#host.trouble(error);
      } else {
        this.#heard = error;
        this.#wake();
      }
    }
  }

  async #recover(error: unknown): Promise<void> {
    const { group } = this.#options;
    const code = error instanceof KafkaError ? error.code : null;
    if (code === 'REBALANCE_IN_PROGRESS') return;
    if (code === 'UNKNOWN_MEMBER_ID' || code === 'ILLEGAL_GENERATION' || isFatal(error)) {
      this.#stopHeartbeats();
      const memberId = code === 'UNKNOWN_MEMBER_ID' ? '' : this.#me.memberId;
      this.#me = { memberId, generation: -1 };
      this.#last = [];
      await this.#host.lost(this.#host.owned());
      if (isFatal(error)) throw error;
      this.#host.trouble(error);
      return;
    }
    if (!isRetriableError(error)) throw error;
    this.#cluster.forgetCoordinator(group);
    this.#host.trouble(error);
    await pause(this.#cluster.clock, BACKOFF_MS, this.#leaving.signal);
  }
}
