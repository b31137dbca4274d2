// What a large group costs its coordinator: 500 members join at once over 1,000 partitions, then sit still, then one of
// them leaves. How long until everybody has its share, and what the broker spends on it, for both group protocols.

import { setTimeout as sleep } from 'node:timers/promises';
import type { PeerBroker, System } from '../peers/index.ts';
import { type Figures, type SuiteRun, wants } from '../suite.ts';
import {
  ClassicMember,
  ConsumerMember,
  type GroupMember,
  type GroupTask,
} from './group-members.ts';
import { inTurn, prepareMachine } from './prepare.ts';
import { measureQuietly } from './quietly.ts';
import { coordinatorReady, createTopic, RawClient } from './raw-client.ts';
import { systemsFor } from './systems.ts';
import { watch } from './watch.ts';

interface GroupsBench {
  readonly members: number;
  readonly partitions: number;
  readonly quietMs: number;
}

const fullSize: GroupsBench = { members: 500, partitions: 1_000, quietMs: 20_000 };
const quickSize: GroupsBench = { members: 50, partitions: 100, quietMs: 2_000 };

const protocols = { classic: ClassicMember, consumer: ConsumerMember } as const;
type Protocol = keyof typeof protocols;

const SETTLE_TIMEOUT_MS = 120_000;
const LOOK_MS = 5;

/** Members that run until they are stopped; the first that fails fails the crowd. */
class Crowd {
  readonly members: GroupMember[];
  readonly #partitions: number;
  #failure: unknown = null;

  constructor(members: GroupMember[], partitions: number) {
    this.members = members;
    this.#partitions = partitions;
  }

  static async connect(protocol: Protocol, task: GroupTask, count: number): Promise<Crowd> {
    const members: GroupMember[] = [];
    for (let index = 0; index < count; index++) {
      members.push(new protocols[protocol](task, await RawClient.connect(task.port)));
    }
    return new Crowd(members, task.partitions);
  }

  start(): void {
    for (const member of this.members) {
      member.run().catch((error: unknown) => {
        if (this.members.includes(member)) this.#failure ??= error;
      });
    }
  }

  get requests(): number {
    return this.members.reduce((sum, { requests }) => sum + requests, 0);
  }

  /** Every partition is with somebody, nobody has two more than another, and all are of one epoch. */
  get settled(): boolean {
    const sizes = this.members.map((member) => member.owned);
    if (Math.max(...sizes) - Math.min(...sizes) > 1) return false;
    const owned = sizes.reduce((sum, size) => sum + size, 0);
    const epochs = new Set(this.members.map(({ epoch }) => epoch));
    return owned === this.#partitions && epochs.size === 1 && !epochs.has(0);
  }

  async untilSettled(epochAbove: number): Promise<void> {
    const end = performance.now() + SETTLE_TIMEOUT_MS;
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      if (this.settled && (this.members[0]?.epoch ?? 0) > epochAbove) return;
      if (performance.now() > end) throw new Error(`the group did not settle: ${this.describe()}`);
      await sleep(LOOK_MS);
    }
  }

  describe(): string {
    const owned = this.members.reduce((sum, member) => sum + member.owned, 0);
    const epochs = new Set(this.members.map(({ epoch }) => epoch));
    return `${owned} of ${this.#partitions} partitions, epochs ${[...epochs].slice(0, 9).join()}`;
  }

  async leaveOne(): Promise<void> {
    const member = this.members.pop();
    await member?.leave();
  }

  stop(): void {
    for (const member of this.members.splice(0)) member.stop();
  }
}

async function measure(
  broker: PeerBroker,
  protocol: Protocol,
  bench: GroupsBench,
): Promise<Figures> {
  const { members, partitions, quietMs } = bench;
  const topic = `for-${protocol}`;
  const admin = await RawClient.connect(broker.port);
  const groupId = `${protocol}-group`;
  await createTopic(admin, topic, partitions);
  await coordinatorReady(admin, groupId);
  admin.close();
  const task: GroupTask = { port: broker.port, groupId, topic, partitions };
  const crowd = await Crowd.connect(protocol, task, members);
  try {
    const joined = await watch(broker, async () => {
      crowd.start();
      await crowd.untilSettled(0);
    });
    const requests = crowd.requests;
    const quiet = await watch(broker, () => sleep(quietMs));
    const left = await watch(broker, async () => {
      const epoch = crowd.members[0]?.epoch ?? 0;
      await crowd.leaveOne();
      await crowd.untilSettled(epoch);
    });
    const loopDelay = joined.figures['loopDelayP99Ms'];
    return {
      joinSeconds: joined.figures['seconds'] ?? Number.NaN,
      joinBrokerCpuSeconds: joined.figures['brokerCpuSeconds'] ?? Number.NaN,
      joinRequests: requests,
      quietCpuPercent: (100 * (quiet.figures['brokerCpuSeconds'] ?? Number.NaN)) / (quietMs / 1e3),
      leaveSeconds: left.figures['seconds'] ?? Number.NaN,
      leaveBrokerCpuSeconds: left.figures['brokerCpuSeconds'] ?? Number.NaN,
      foreignCores: joined.figures['foreignCores'] ?? Number.NaN,
      ...(loopDelay === undefined ? {} : { loopDelayP99Ms: loopDelay }),
    };
  } finally {
    crowd.stop();
  }
}

/** The suite `groups`: ours and, where they are asked for, others; each protocol on a broker of its own. */
export async function runGroups(run: SuiteRun): Promise<void> {
  const { quick } = run.options;
  const bench = quick ? quickSize : fullSize;
  const rounds = run.options.rounds ?? 1;
  const chosen = (Object.keys(protocols) as Protocol[]).filter((name) =>
    wants(run.options, rowOf(name)),
  );
  if (chosen.length === 0) return;
  for (const protocol of chosen) {
    run.describe(
      rowOf(protocol),
      `${bench.members} members, ${bench.partitions} partitions: all join at once, ` +
        `${bench.quietMs / 1e3} s pass, one leaves; each time until everybody has its share`,
    );
  }
  const systems = (await systemsFor(run)).filter(({ listedAs }) => MEASURED.includes(listedAs));
  const failed = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    for (const protocol of chosen) {
      for (const system of inTurn(systems, round)) {
        const key = `${system.name} ${protocol}`;
        if (failed.has(key)) continue;
        const done = await measureQuietly(run, system, rowOf(protocol), async () => {
          await prepareMachine(run);
          return { figures: await onBroker(system, protocol, bench) };
        });
        if (!done) failed.add(key);
      }
    }
  }
}

const MEASURED: readonly string[] = ['tidemark', 'kafka'];

async function onBroker(system: System, protocol: Protocol, bench: GroupsBench): Promise<Figures> {
  const broker = await system.start();
  try {
    return await measure(broker, protocol, bench);
  } finally {
    await broker.stop();
  }
}

function rowOf(protocol: Protocol): string {
  return `groups, ${protocol} protocol`;
}
