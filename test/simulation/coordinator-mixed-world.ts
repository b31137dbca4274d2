// Consumers of both group protocols in one group, which goes from one protocol to the other as they come and go; a
// coordinator that restarts over a log which stalls, fails and is compacted; a network that loses requests and answers.
// All of it on one virtual clock, drawn from one seed.

import { ErrorCode } from '../../src/base/kafka-errors.ts';
import { silentLogger } from '../../src/base/ports.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import {
  type CommandLog,
  Coordinator,
  defaultGroupConfig,
  type LogEntry,
} from '../../src/coordinator/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { commitTopic, context, Topics } from '../unit/coordinator/harness.ts';
import { ChaosLog, logOf, sleep } from './coordinator-chaos.ts';
import { ClassicMember } from './coordinator-mixed-classic.ts';
import {
  groupId,
  heartbeatMs,
  type SimMember,
  sessionTimeoutMs,
  topicNames,
} from './coordinator-mixed-member.ts';
import { ModernMember } from './coordinator-mixed-modern.ts';

export interface WorldOptions {
  readonly seed: number;
  /** Of the topic `pages`; `orders` has half as many. */
  readonly partitions: number;
  /** How the classic members hand partitions over. */
  readonly classic: 'eager' | 'cooperative';
  readonly trace: 'kept' | 'none';
}

export class MixedWorld {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly log: ChaosLog;
  readonly topics = new Topics();
  readonly classic: WorldOptions['classic'];
  /** Rises when a topic grows. */
  topicsVersion = 0;
  coordinator: Coordinator;
  faults = true;
  readonly members: SimMember[] = [];
  readonly problems: string[] = [];
  /** topic/partition → the highest offset whose commit was acknowledged. */
  readonly acked = new Map<string, number>();
  readonly counts = { handovers: 0, commits: 0, restarts: 0, migrations: 0, epochs: 0 };
  /** What happened, when it is wanted. */
  readonly trace: string[] | null;
  #type = '';

  constructor(options: WorldOptions) {
    this.random = new SeededRandom(options.seed);
    this.classic = options.classic;
    this.trace = options.trace === 'kept' ? [] : null;
    this.log = new ChaosLog(this.clock, this.random.fork());
    this.topics.add('pages', options.partitions).add('orders', Math.ceil(options.partitions / 2));
    this.coordinator = this.#make(this.log);
    void this.coordinator.start();
  }

  #make(log: CommandLog): Coordinator {
    return new Coordinator({
      log,
      topics: this.topics,
      clock: this.clock,
      random: this.random.fork(),
      logger: silentLogger,
      config: {
        ...defaultGroupConfig,
        groupConsumerSessionTimeoutMs: sessionTimeoutMs,
        groupConsumerHeartbeatIntervalMs: heartbeatMs,
        groupConsumerMaxSize: 2_000,
        offsetsRetentionCheckIntervalMs: 1_000_000_000,
      },
    });
  }

  /** A new process over the same log, a beginning of which may have been compacted meanwhile. */
  restart(): void {
    this.counts.restarts++;
    this.note('the broker starts again');
    this.coordinator.close();
    this.log.crash();
    if (this.random.chance(0.5)) {
      const { entries } = this.log;
      const kept = compacted(entries, this.random.below(entries.length + 1));
      entries.splice(0, entries.length, ...kept);
    }
    this.coordinator = this.#make(this.log);
    void this.coordinator.start();
  }

  add(kind: 'classic' | 'modern', instanceId: string | null = null): SimMember {
    const identity = { name: instanceId ?? `member ${this.members.length}`, instanceId };
    const member =
      kind === 'classic' ? new ClassicMember(this, identity) : new ModernMember(this, identity);
    this.members.push(member);
    void member.run();
    return member;
  }

  /** A fenced client stops; something starts it again, unless its twin lives. */
  fenced(member: SimMember): void {
    member.crash();
    const { instanceId } = member;
    void sleep(this.clock, 1_000).then(() => {
      const twin = this.alive.some((other) => other.instanceId === instanceId);
      if (!twin) this.add(member.kind, instanceId);
    });
  }

  get alive(): SimMember[] {
    return this.members.filter(({ alive }) => alive);
  }

  /** More partitions for a topic. */
  grow(): void {
    const name = this.random.pick(topicNames);
    const count = this.topics.topic(name)?.partitionCount ?? 0;
    if (count >= 24) return;
    this.topics.add(name, count + 1 + this.random.below(3));
    this.topicsVersion++;
    void this.coordinator.onTopicsChanged();
  }

  problem(text: string): void {
    this.note(`PROBLEM: ${text}`);
    this.problems.push(`at ${this.clock.monotonic()} ms: ${text}`);
  }

  note(text: string): void {
    this.trace?.push(`${this.clock.monotonic()} ${text}`);
  }

  /**
   * The member begins with a partition. Whoever else still works on it must be one that could not commit for it any
   * more, or two would own it; unless the member itself was fenced while its answer was on the way.
   */
  acquired(member: SimMember, topic: string, partition: number): void {
    this.counts.handovers++;
    this.counts.epochs = Math.max(this.counts.epochs, member.epoch);
    const { groupType } = this.listed() ?? { groupType: this.#type };
    if (groupType !== this.#type) this.counts.migrations++;
    this.#type = groupType;
    for (const other of this.alive) {
      if (other === member || !other.holds(topic, partition)) continue;
      const both = [other, member].map((one) => this.#mayCommit(one, topic, partition));
      void Promise.all(both).then((may) => {
        if (
          !may.every(Boolean) ||
          !other.holds(topic, partition) ||
          !member.holds(topic, partition)
        )
          return;
        const owners = `${other.name} (epoch ${other.epoch}) and ${member.name} (${member.epoch})`;
        this.problem(`${topic}-${partition} has two owners: ${owners}`);
      });
    }
  }

  /** Tries with metadata that is too large: refused for that, or for who asks. */
  async #mayCommit(member: SimMember, topic: string, partition: number): Promise<boolean> {
    const response = await this.coordinator.offsetCommit(
      {
        groupId,
        generationIdOrMemberEpoch: member.epoch,
        memberId: member.memberId,
        groupInstanceId: member.instanceId,
        retentionTimeMs: -1,
        topics: [commitTopic(topic, partition, 0, 'x'.repeat(5_000))],
      },
      context(9),
    );
    const errorCode = response.topics[0]?.partitions[0]?.errorCode;
    return errorCode === ErrorCode.OFFSET_METADATA_TOO_LARGE;
  }

  listed(coordinator = this.coordinator) {
    const { groups } = coordinator.listGroups({ statesFilter: [], typesFilter: [] });
    if (groups.length > 1) this.problem(`one id, two groups: ${JSON.stringify(groups)}`);
    return groups[0];
  }

  /** All that a client can see of the group, in an order of its own. */
  async view(coordinator = this.coordinator) {
    const asked = { includeAuthorizedOperations: false };
    const [modern, classic, offsets] = await Promise.all([
      this.clock.until(coordinator.consumerGroupDescribe({ groupIds: [groupId], ...asked })),
      this.clock.until(coordinator.describeGroups({ groups: [groupId], ...asked }, context(6))),
      this.clock.until(
        coordinator.offsetFetch(
          {
            groupId: '',
            topics: null,
            groups: [{ groupId, memberId: null, memberEpoch: -1, topics: null }],
            requireStable: true,
          },
          context(9),
        ),
      ),
    ]);
    const view = {
      modern: modern.groups[0],
      classic: classic.groups[0],
      offsets: offsets.groups[0],
    };
    return { listed: this.listed(coordinator), ...(sorted(view) as typeof view) };
  }

  /** A coordinator that knows only these entries. */
  async replayed(entries: readonly LogEntry[]): Promise<Coordinator> {
    const coordinator = this.#make(logOf(entries));
    await this.clock.until(coordinator.start());
    return coordinator;
  }
}

/** What compaction may make of the first `until` entries; the rest of the log follows as it was. */
export function compacted(
  entries: readonly LogEntry[],
  until: number,
  tombstones: 'kept' | 'dropped' = 'kept',
): LogEntry[] {
  const keyOf = (entry: LogEntry): string =>
    entry.kind === 'record' ? entry.record.key.toString('latin1') : '';
  const last = new Map<string, number>();
  for (let index = 0; index < until; index++) {
    const entry = entries[index];
    if (entry !== undefined) last.set(keyOf(entry), index);
  }
  return entries.filter((entry, index) => {
    if (index >= until) return true;
    if (last.get(keyOf(entry)) !== index) return false;
    return tombstones === 'kept' || (entry.kind === 'record' && entry.record.value !== null);
  });
}

/** Lists in the order of their texts, so that two views compare whatever the order of their making. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => [JSON.stringify(sorted(item)), sorted(item)] as const);
    return items.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
  }
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, sorted(inner)]));
}
