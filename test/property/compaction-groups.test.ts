// Groups and offsets, rebuilt from `__consumer_offsets` after it was compacted, are those that were there before.
// Another seed, or more:
//   COMPACTION_SEED=123 COMPACTION_RUNS=1 npx vitest run --config test/vitest.config.ts test/property/compaction-groups.test.ts

import { beforeAll, expect, test } from 'vitest';
import { silentLogger } from '../../src/base/ports.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { loadXxHash64 } from '../../src/base/xxhash.ts';
import { GROUP_METADATA_TOPIC, groupCommandLog } from '../../src/broker/command-log.ts';
import type { CommandLog, LogEntry, LogRecord } from '../../src/coordinator/index.ts';
import { type Engine, openEngine } from '../../src/engine/index.ts';
import {
  InPlaceCompactionRunner,
  type LogStore,
  MemoryDisk,
  openLogStore,
} from '../../src/storage/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { ModernMember } from '../unit/coordinator/consumer/modern-member.ts';
import {
  commitTopic,
  context,
  type Harness,
  harness,
  MemoryLog,
  settle,
  TestMember,
  ZERO_ID,
} from '../unit/coordinator/harness.ts';

const firstSeed = Number(process.env['COMPACTION_SEED'] ?? 1);
const runs = Number(process.env['COMPACTION_RUNS'] ?? 2);
const GROUPS = ['a', 'b', 'c', 'd', 'e'];
/** Of the consumer protocol. */
const MODERN_GROUPS = ['x', 'y'];
const PARTITIONS = 2;

beforeAll(async () => {
  // Starts in real time, which a virtual clock does not wait for.
  await loadXxHash64();
});

/** The command log of an engine, where the harness expects one in memory. */
class EngineLog extends MemoryLog {
  readonly #log: CommandLog;

  constructor(log: CommandLog) {
    super(0);
    this.#log = log;
  }

  override partitionCount(): number {
    return this.#log.partitionCount();
  }

  override create(): Promise<number> {
    return this.#log.create();
  }

  override append(partition: number, records: readonly LogRecord[]): Promise<void> {
    return this.#log.append(partition, records);
  }

  override read(partition: number): AsyncIterable<LogEntry> {
    return this.#log.read(partition);
  }
}

interface Data {
  readonly clock: VirtualClock;
  readonly engine: Engine;
  readonly store: LogStore;
}

async function openData(disk: MemoryDisk): Promise<Data> {
  const clock = new VirtualClock();
  let store: LogStore | undefined;
  const engine = await clock.until(
    openEngine({
      disk,
      root: 'memory',
      clock,
      random: new SeededRandom(1),
      logger: silentLogger,
      config: new Map([['offsets.topic.num.partitions', String(PARTITIONS)]]),
      compactionRunner: new InPlaceCompactionRunner(disk, clock),
      openStore: async (options) => {
        // Reads come from the files, not from memory.
        store = await openLogStore({ ...options, tailBytesMax: 1 });
        return store;
      },
    }),
  );
  return { clock, engine, store: store! };
}

async function act(h: Harness, random: SeededRandom, members: TestMember[]): Promise<void> {
  const groupId = random.pick(GROUPS);
  const dice = random.next();
  const { coordinator } = h;
  if (dice < 0.7) {
    const [topic, count] = random.pick([['orders', 4] as const, ['pages', 2] as const]);
    const partition = random.below(count);
    const metadata = random.chance(0.3) ? `note ${random.below(100)}` : null;
    const member = members.find((one) => one.groupId === groupId && one.generation >= 0);
    const request = {
      groupId,
      generationIdOrMemberEpoch: member?.generation ?? -1,
      memberId: member?.memberId ?? '',
      groupInstanceId: null,
      retentionTimeMs: -1,
      topics: [commitTopic(topic, partition, random.below(1e6), metadata)],
    };
    await h.clock.until(coordinator.offsetCommit(request, context(9)));
  } else if (dice < 0.8) {
    const member = new TestMember(h, groupId);
    if (members.some((one) => one.groupId === groupId)) return;
    await settle(h, member);
    members.push(member);
  } else if (dice < 0.88) {
    const at = members.findIndex((one) => one.groupId === groupId);
    if (at < 0) return;
    await h.clock.until(members[at]!.leave());
    members.splice(at, 1);
  } else if (dice < 0.94) {
    const partitions = [{ partitionIndex: random.below(4) }];
    const request = { groupId, topics: [{ name: 'orders', partitions }] };
    await h.clock.until(coordinator.offsetDelete(request));
  } else await h.clock.until(coordinator.deleteGroups({ groupsNames: [groupId] }));
}

/** Members of consumer groups come, go, change their topics, commit, and follow the target or do not. */
async function actModern(h: Harness, random: SeededRandom, members: ModernMember[]): Promise<void> {
  const dice = random.next();
  const at = random.below(Math.max(1, members.length));
  const member = members[at];
  if (member === undefined || (dice < 0.1 && members.length < 6)) {
    const id = `modern-${random.below(1e6)}`;
    const fresh = new ModernMember(h, id, random.pick(MODERN_GROUPS));
    if (random.chance(0.3)) fresh.instanceId = `instance-${id}`;
    if ((await fresh.beat()).errorCode === 0) members.push(fresh);
  } else if (dice < 0.2) {
    const forever = member.instanceId === null || random.chance(0.5);
    await member.leave(forever ? -1 : -2);
    members.splice(at, 1);
  } else if (dice < 0.3) {
    member.topics = random.pick([['orders'], ['pages'], ['orders', 'pages']]);
    await beatOrForget(member, members);
  } else if (dice < 0.5) {
    const partition = random.below(4);
    const request = {
      groupId: member.groupId,
      generationIdOrMemberEpoch: member.epoch,
      memberId: member.memberId,
      groupInstanceId: null,
      retentionTimeMs: -1,
      topics: [commitTopic('orders', partition, random.below(1e6))],
    };
    await h.clock.until(h.coordinator.offsetCommit(request, context(9)));
  } else await beatOrForget(member, members);
}

async function beatOrForget(member: ModernMember, members: ModernMember[]): Promise<void> {
  if ((await member.beat()).errorCode !== 0) members.splice(members.indexOf(member), 1);
}

/** Everything that clients can ask of the groups. */
async function image(h: Harness): Promise<unknown> {
  const offsets = [];
  for (const groupId of [...GROUPS, ...MODERN_GROUPS]) {
    const group = { groupId, memberId: null, memberEpoch: -1, topics: null };
    const request = { groupId: '', topics: null, groups: [group], requireStable: true };
    const { groups } = await h.clock.until(h.coordinator.offsetFetch(request, context(9)));
    offsets.push(sorted(groups));
  }
  const request = { groups: GROUPS, includeAuthorizedOperations: false };
  const described = await h.clock.until(h.coordinator.describeGroups(request, context(6)));
  const modern = await h.clock.until(
    h.coordinator.consumerGroupDescribe({
      groupIds: MODERN_GROUPS,
      includeAuthorizedOperations: false,
    }),
  );
  const listed = h.coordinator.listGroups({ statesFilter: [], typesFilter: [] });
  return { offsets, described, modern, listed: sorted(listed.groups) };
}

/** The same whatever the order in which things were loaded. */
function sorted(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (Array.isArray(value)) {
    return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, sorted(one)]));
}

async function story(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const disk = new MemoryDisk();
  const { clock, engine, store } = await openData(disk);
  const h = await harness({ log: new EngineLog(groupCommandLog(engine)), seed });
  const members: TestMember[] = [];
  const modern: ModernMember[] = [];
  await act(h, random, members);
  await h.clock.until(
    h.coordinator.offsetCommit(
      {
        groupId: 'a',
        generationIdOrMemberEpoch: -1,
        memberId: '',
        groupInstanceId: null,
        retentionTimeMs: -1,
        topics: [{ ...commitTopic('orders', 0, 1), topicId: ZERO_ID }],
      },
      context(9),
    ),
  );
  const set = (name: string, value: string) => ({ name, operation: 'set', value }) as const;
  const small = [
    set('internal.segment.bytes', '2000'),
    set('min.cleanable.dirty.ratio', '0.01'),
    set('delete.retention.ms', '1000'),
  ];
  await engine.alterTopicConfigs(GROUP_METADATA_TOPIC, small, false);
  for (let round = 0; round < 3; round++) {
    for (let step = 0; step < 120; step++) {
      await act(h, random, members);
      await actModern(h, random, modern);
    }
    await h.restart();
    const before = await image(h);
    const removed = store.compaction!.stats.recordsRemoved;
    await clock.advance(5000);
    await clock.until(store.compaction!.run());
    expect(store.compaction!.stats.recordsRemoved).toBeGreaterThan(removed);
    expect(store.compaction!.stats.failures).toBe(0);
    await h.restart();
    expect(sorted(await image(h))).toEqual(sorted(before));
  }
  const before = await image(h);
  await clock.until(engine.close());
  const again = await openData(disk);
  const h2 = await harness({ log: new EngineLog(groupCommandLog(again.engine)), seed });
  expect(sorted(await image(h2))).toEqual(sorted(before));
  await again.clock.until(again.engine.close());
}

test('a group rebuilt from a compacted log is the same', async () => {
  for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
    try {
      await story(seed);
    } catch (error) {
      const { message, stack } = error as Error;
      throw new Error(
        `seed ${seed}: ${message}\nreplay: COMPACTION_SEED=${seed} COMPACTION_RUNS=1 npx vitest run --config ` +
          `test/vitest.config.ts test/property/compaction-groups.test.ts\n${stack}`,
      );
    }
  }
});
