// A member that is put out of its group while it moves to its share: when it is a member again, that share is others'.

import { expect, test } from 'vitest';
import { ClassicMember } from '../../../../src/client/consumer/classic-member.ts';
import type { Member, MemberHost } from '../../../../src/client/consumer/membership.ts';
import { ModernMember } from '../../../../src/client/consumer/modern-member.ts';
import { encodeAssignment } from '../../../../src/client/consumer/subscription.ts';
import { TopicWatch } from '../../../../src/client/consumer/topic-watch.ts';
import type { Cluster } from '../../../../src/client/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { fakeCluster } from '../fake-cluster.ts';

const TOPIC = 'pages';
const TOPIC_ID = '00000000-0000-0000-0000-000000000001';
const UNKNOWN_MEMBER_ID = 25;
const REBALANCE_IN_PROGRESS = 27;
const FENCED_MEMBER_EPOCH = 110;

interface Place {
  readonly topic: string;
  readonly partition: number;
}

const named = (places: readonly Place[]): string => places.map((one) => one.partition).join();

/** A consumer whose handler, or whose look-up of committed offsets, takes as long as it is `held`. */
class Host implements MemberHost {
  readonly told: string[] = [];
  held: 'revoke' | 'assign' | null = null;
  #places: Place[] = [];
  #letGo: () => void = () => {};

  owned(): readonly Place[] {
    return this.#places;
  }

  async revoke(places: readonly Place[]): Promise<void> {
    await this.#wait('revoke');
    this.#note('revoked', places);
    this.#drop(places);
  }

  async assign(places: readonly Place[]): Promise<void> {
    await this.#wait('assign');
    this.#note('assigned', places);
    this.#places.push(...places);
  }

  lost(places: readonly Place[]): Promise<void> {
    const some = places.filter((one) => this.#places.includes(one));
    this.#note('lost', some);
    this.#drop(some);
    return Promise.resolve();
  }

  letGo(): void {
    this.held = null;
    this.#letGo();
  }

  stuckMs(): number {
    return 0;
  }

  unstuck(): Promise<void> {
    return Promise.resolve();
  }

  trouble(): void {}

  async #wait(what: Host['held']): Promise<void> {
    if (this.held !== what) return;
    await new Promise<void>((resolve) => {
      this.#letGo = resolve;
    });
  }

  #note(what: string, places: readonly Place[]): void {
    if (places.length > 0) this.told.push(`${what} ${named(places)}`);
  }

  #drop(places: readonly Place[]): void {
    const names = new Set(places.map((one) => one.partition));
    this.#places = this.#places.filter((one) => !names.has(one.partition));
  }
}

function clusterOf(answer: (api: string) => object, clock: VirtualClock): Cluster {
  const node = { nodeId: 1, host: 'h', port: 1 };
  return fakeCluster(clock, (name) => {
    if (name === 'FindCoordinator') return { coordinators: [{ ...node, errorCode: 0 }] };
    if (name !== 'Metadata') return answer(name);
    const partitions = [0, 1, 2].map((partitionIndex) => {
      return { partitionIndex, errorCode: 0, leaderId: 1, leaderEpoch: 0 };
    });
    const topics = [{ name: TOPIC, topicId: TOPIC_ID, errorCode: 0, partitions }];
    return { errorCode: 0, brokers: [node], topics };
  });
}

/** Answers to the heartbeats to come; after them nothing changes. */
type Beat = { readonly epoch: number; readonly share?: number[] } | 'fenced';

async function modern(clock: VirtualClock, host: Host, beats: Beat[]): Promise<Member> {
  let epoch = 0;
  const cluster = clusterOf((api) => {
    expect(api).toBe('ConsumerGroupHeartbeat');
    const beat = beats.shift() ?? { epoch };
    if (beat === 'fenced') return { errorCode: FENCED_MEMBER_EPOCH, errorMessage: null };
    epoch = beat.epoch;
    const { share } = beat;
    const assignment =
      share === undefined ? null : { topicPartitions: [{ topicId: TOPIC_ID, partitions: share }] };
    const alive = { memberId: 'm', memberEpoch: epoch, heartbeatIntervalMs: 100 };
    return { errorCode: 0, errorMessage: null, ...alive, assignment };
  }, clock);
  const times = { maxPollIntervalMs: 60_000, sessionTimeoutMs: 30_000 };
  const options = { group: 'g', instanceId: null, topics: [TOPIC], serverAssignor: null, ...times };
  const member = new ModernMember(cluster, options, host);
  void member.run();
  await clock.advance(50);
  return member;
}

test('protocol consumer: fenced while a handler holds up the move', async () => {
  const clock = new VirtualClock();
  const host = new Host();
  host.held = 'revoke';
  const member = await modern(clock, host, [
    { epoch: 10, share: [0] },
    { epoch: 11, share: [1] },
    'fenced',
    { epoch: 12, share: [2] },
  ]);
  await clock.advance(2_000);
  expect(host.told).toEqual(['assigned 0', 'lost 0']);
  host.letGo();
  await clock.advance(2_000);
  expect(host.told.filter((what) => what !== 'revoked 0')).toEqual([
    'assigned 0',
    'lost 0',
    'assigned 2',
  ]);
  await clock.until(member.leave());
});

test('protocol consumer: fenced while it is looked up where to begin', async () => {
  const clock = new VirtualClock();
  const host = new Host();
  host.held = 'assign';
  const beats: Beat[] = [{ epoch: 10, share: [1] }, 'fenced', { epoch: 12, share: [2] }];
  const member = await modern(clock, host, beats);
  await clock.advance(2_000);
  host.letGo();
  await clock.advance(2_000);
  expect(host.told).toEqual(['assigned 1', 'lost 1', 'assigned 2']);
  await clock.until(member.leave());
});

test('a classic group: put out while a handler holds up what is given to others', async () => {
  const clock = new VirtualClock();
  const host = new Host();
  host.held = 'revoke';
  let generation = 0;
  const heartbeats = [0, REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID];
  const cluster = clusterOf((api) => {
    switch (api) {
      case 'JoinGroup': {
        generation += 1;
        const who = { memberId: 'm', leader: 'other', members: [] };
        const round = { generationId: generation, protocolName: 'cooperative-sticky' };
        return { errorCode: 0, ...who, ...round, skipAssignment: false };
      }
      case 'SyncGroup': {
        const partition = Math.min(generation, 3) - 1;
        return { errorCode: 0, assignment: encodeAssignment([{ topic: TOPIC, partition }]) };
      }
      case 'LeaveGroup':
        return { errorCode: 0, members: [] };
      default:
        return { errorCode: heartbeats[generation] ?? 0 };
    }
  }, clock);
  const watch = new TopicWatch(cluster, {
    topics: [TOPIC],
    everyMs: 60_000,
    onChange: () => {},
    onTrouble: () => {},
  });
  const times = { sessionTimeoutMs: 3_000, heartbeatIntervalMs: 300, maxPollIntervalMs: 60_000 };
  const options = { group: 'g', instanceId: null, assignors: ['cooperative-sticky'] as const };
  const member = new ClassicMember(cluster, { ...options, ...times }, host, watch);
  void member.run();
  await clock.advance(2_000);
  expect(host.told).toEqual(['assigned 0']);
  host.letGo();
  await clock.advance(2_000);
  expect(host.told).toEqual(['assigned 0', 'revoked 0', 'assigned 2']);
  watch.stop();
  await clock.until(member.leave());
});
