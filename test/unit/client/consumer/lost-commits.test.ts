// A member that was put out of its group and has joined again is believed by the broker: what it lost meanwhile it may
// neither commit nor tell of as given up. Others have gone on from there.

import { describe, expect, test } from 'vitest';
import { KafkaError } from '../../../../src/base/kafka-errors.ts';
import { Committer } from '../../../../src/client/consumer/committer.ts';
import { Holdings } from '../../../../src/client/consumer/holdings.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { fakeCluster } from '../fake-cluster.ts';
import { plainHoldings } from './plain-holdings.ts';

const [zero, one] = [0, 1].map((partition) => ({ topic: 'pages', partition })) as [Place, Place];
const BOTH = [zero, one];

interface Place {
  readonly topic: string;
  readonly partition: number;
}

interface Commit {
  readonly generationIdOrMemberEpoch: number;
  readonly topics: { partitions: { partitionIndex: number; committedOffset: number }[] }[];
}

const commitsOf = ({ generationIdOrMemberEpoch, topics }: Commit): string =>
  `${generationIdOrMemberEpoch}: ${topics
    .flatMap((topic) => topic.partitions)
    .map((each) => `${each.partitionIndex}@${each.committedOffset}`)
    .join()}`;

/** A group whose coordinator takes commits as `answer` says; what it was sent, and what the program was told. */
async function member(answer: () => Promise<number> = () => Promise.resolve(0)) {
  const clock = new VirtualClock();
  const commits: string[] = [];
  const told: string[] = [];
  const me = { group: 'crawlers', memberId: 'm1', epoch: 1, instanceId: null };
  const cluster = fakeCluster(clock, async (api, body: object) => {
    if (api === 'OffsetCommit') {
      commits.push(commitsOf(body as Commit));
      const errorCode = await answer();
      const partitions = BOTH.map(({ partition }) => ({ partitionIndex: partition, errorCode }));
      return { topics: [{ name: 'pages', partitions }] };
    }
    const node = { nodeId: 1, host: 'h', port: 1 };
    if (api === 'FindCoordinator') return { coordinators: [{ ...node, errorCode: 0 }] };
    const partitions = BOTH.map(({ partition: partitionIndex }) => {
      const offsets = { offset: 0, timestamp: -1, leaderEpoch: 0 };
      return { partitionIndex, errorCode: 0, leaderId: 1, ...offsets };
    });
    const topicId = '00000000-0000-0000-0000-000000000001';
    const topics = [{ name: 'pages', topicId, errorCode: 0, partitions }];
    return { errorCode: 0, brokers: [node], topics };
  });
  const committer = new Committer(cluster, { identity: () => me, isJoining: () => false });
  const fetcher = { set() {}, remove() {}, wake() {} };
  const tell = (what: string) => (places: readonly Place[]) =>
    void told.push(`${what} ${places.map(({ partition }) => partition).join()}`);
  const holdings = new Holdings(cluster, fetcher as never, committer, {
    ...plainHoldings,
    onRevoked: tell('revoked'),
    onLost: tell('lost'),
  });
  await clock.until(holdings.take(BOTH));
  const handOut = (place: Place, offset: number): void =>
    holdings.get(place).progress.begin(offset, 0);
  return { clock, holdings, me, commits, told, handOut };
}

describe('partitions that are given up while a handler is at work', () => {
  test('and are lost meanwhile: nothing of them is committed', async () => {
    const { clock, holdings, me, commits, told, handOut } = await member();
    for (const place of BOTH) handOut(place, 7);
    const { progress } = holdings.get(zero);
    holdings.get(one).progress.end(7);
    const released = holdings.release(BOTH, new AbortController().signal);
    await clock.advance(1_000);
    await holdings.lose(BOTH);
    me.epoch = 2;
    progress.end(7);
    await clock.until(released);
    expect(commits).toEqual([]);
    expect(told).toEqual(['lost 0,1']);
  });

  test('of which one is lost: the other is committed and told', async () => {
    const { clock, holdings, commits, told, handOut } = await member();
    for (const place of BOTH) handOut(place, 7);
    const works = BOTH.map((place) => holdings.get(place).progress);
    const released = holdings.release(BOTH, new AbortController().signal);
    await clock.advance(1_000);
    await holdings.lose([zero]);
    for (const work of works) work.end(7);
    await clock.until(released);
    expect(commits).toEqual(['1: 1@8']);
    expect(told).toEqual(['lost 0', 'revoked 1']);
  });
});

test('what was read of partitions that are lost counts for nothing', async () => {
  const { holdings } = await member();
  const { progress } = holdings.get(zero);
  expect(progress.isOver).toBe(false);
  await holdings.lose([zero]);
  expect(progress.isOver).toBe(true);
});

describe('a commit that waits for the one before', () => {
  test('is not sent when its partitions are lost meanwhile', async () => {
    let answered: (code: number) => void = () => {};
    const slow = (): Promise<number> =>
      new Promise((resolve) => {
        answered = resolve;
      });
    const { clock, holdings, me, commits } = await member(slow);
    const first = holdings.commit([{ ...zero, offset: 3 }]);
    await clock.advance(10);
    const second = holdings.commit([{ ...zero, offset: 4 }]);
    const refused = expect(clock.until(second)).rejects.toThrow(/given to others/);
    await holdings.lose([zero]);
    me.epoch = 2;
    answered(0);
    await first;
    await refused;
    await expect(second).rejects.toBeInstanceOf(KafkaError);
    expect(commits).toEqual(['1: 0@3']);
  });

  test('is sent for what is left', async () => {
    let answered: (code: number) => void = () => {};
    let slow = true;
    const { clock, holdings, me, commits } = await member(() =>
      slow
        ? new Promise((resolve) => {
            answered = resolve;
          })
        : Promise.resolve(0),
    );
    const first = holdings.commit([{ ...zero, offset: 3 }]);
    await clock.advance(10);
    const second = holdings.commit(BOTH.map((place) => ({ ...place, offset: 4 })));
    await holdings.lose([zero]);
    me.epoch = 2;
    slow = false;
    answered(0);
    await clock.until(Promise.all([first, second]));
    expect(commits).toEqual(['1: 0@3', '2: 1@4']);
  });
});
