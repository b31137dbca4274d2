// A partition of which the coordinator cannot tell now what is committed: the others begin meanwhile, and it never
// begins where the options say.

import { expect, test } from 'vitest';
import { ErrorCode } from '../../../../src/base/kafka-errors.ts';
import { Committer } from '../../../../src/client/consumer/committer.ts';
import { Holdings } from '../../../../src/client/consumer/holdings.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { fakeCluster } from '../fake-cluster.ts';
import { plainHoldings } from './plain-holdings.ts';

const a0 = { topic: 'a', partition: 0 };
const b0 = { topic: 'b', partition: 0 };
const b1 = { topic: 'b', partition: 1 };

interface Asked {
  readonly topics: readonly { name: string; partitions: readonly { partitionIndex: number }[] }[];
  readonly groups: readonly {
    topics: readonly { name: string; partitionIndexes: readonly number[] }[];
  }[];
}

/** Holdings of a group that committed 7 in b-0 and b-1 and nothing in a-0; every log begins at 10. */
function setUp() {
  const clock = new VirtualClock();
  const seen = {
    /** What is answered of all, of b-0, and of the topic b in metadata. */
    group: 0,
    b0: 0,
    b: 0,
    troubles: [] as unknown[],
    failed: [] as unknown[],
  };
  const fetched: string[] = [];
  const node = { nodeId: 1, host: 'h', port: 1 };
  const partitions = [0, 1].map((partitionIndex) => {
    return { partitionIndex, errorCode: 0, leaderId: 1, leaderEpoch: 0 };
  });
  const committed = (name: string, partitionIndex: number): object => {
    const errorCode = name === 'b' && partitionIndex === 0 ? seen.b0 : 0;
    const committedOffset = name === 'b' && errorCode === 0 ? 7 : -1;
    return { partitionIndex, errorCode, committedOffset, committedLeaderEpoch: 3, metadata: '' };
  };
  const answers: Record<string, (asked: Asked) => object> = {
    FindCoordinator: () => ({ coordinators: [{ ...node, errorCode: 0 }] }),
    Metadata: ({ topics }) => ({
      errorCode: 0,
      brokers: [node],
      topics: topics.map(({ name }) => {
        return { name, topicId: `id-${name}`, errorCode: name === 'b' ? seen.b : 0, partitions };
      }),
    }),
    ListOffsets: ({ topics }) => ({
      topics: topics.map((topic) => ({
        name: topic.name,
        partitions: topic.partitions.map(({ partitionIndex }) => {
          return { partitionIndex, errorCode: 0, offset: 10, timestamp: -1, leaderEpoch: 0 };
        }),
      })),
    }),
    OffsetFetch: ({ groups }) => ({
      groups: groups.map((group) => ({
        errorCode: seen.group,
        topics: group.topics.map(({ name, partitionIndexes }) => {
          return { name, partitions: partitionIndexes.map((one) => committed(name, one)) };
        }),
      })),
    }),
  };
  const cluster = fakeCluster(clock, (name, asked: Asked) => answers[name]?.(asked));
  const me = { group: 'g', memberId: 'm', epoch: 1, instanceId: null };
  const committer = new Committer(cluster, { identity: () => me, isJoining: () => false });
  const fetcher = {
    set: ({ name }: { name: string }, offset: number, epoch: number) =>
      void fetched.push(`${name}@${offset}/${epoch}`),
    remove() {},
    wake() {},
  };
  const holdings = new Holdings(cluster, fetcher as never, committer, {
    ...plainHoldings,
    group: 'g',
    isolation: 'read_committed',
    onTrouble: (error) => void seen.troubles.push(error),
    onFailed: (error) => void seen.failed.push(error),
  });
  return { clock, holdings, seen, fetched };
}

test('an open transaction holds up its own partition only', async () => {
  const { clock, holdings, seen, fetched } = setUp();
  seen.b0 = ErrorCode.UNSTABLE_OFFSET_COMMIT;
  const taken = holdings.take([a0, b0, b1]);
  await clock.advance(3_000);
  await taken;
  expect(fetched).toEqual(['a/0@10/-1', 'b/1@7/3']);
  expect(seen.troubles.length).toBeGreaterThan(2);
  expect(seen.troubles[0]).toMatchObject({ code: 'UNSTABLE_OFFSET_COMMIT' });
  seen.b0 = 0;
  await clock.advance(1_000);
  expect(fetched.slice(2)).toEqual(['b/0@7/3']);
  // What is committed is known, so it is not committed again.
  await holdings.commitDone([holdings.get(b0)]);
  expect(seen.failed).toEqual([]);
});

test('a topic that metadata do not name yet begins where its group left off', async () => {
  const { clock, holdings, seen, fetched } = setUp();
  seen.b = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  const taken = holdings.take([a0, b0, b1]);
  await clock.advance(3_000);
  await taken;
  expect(fetched).toEqual(['a/0@10/-1']);
  seen.b = 0;
  await clock.advance(1_000);
  expect(fetched.slice(1)).toEqual(['b/0@7/3', 'b/1@7/3']);
});

test('a coordinator that knows nothing yet is asked again, whatever the logs tell', async () => {
  const { clock, holdings, seen, fetched } = setUp();
  seen.group = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
  const taken = holdings.take([a0, b0]);
  await clock.advance(3_000);
  await taken;
  expect(fetched).toEqual([]);
  seen.group = 0;
  await clock.advance(1_000);
  expect(fetched).toEqual(['a/0@10/-1', 'b/0@7/3']);
});

test('what will never be told is heard of', async () => {
  const { clock, holdings, seen } = setUp();
  seen.b0 = ErrorCode.TOPIC_AUTHORIZATION_FAILED;
  const refused = { code: 'TOPIC_AUTHORIZATION_FAILED' };
  await expect(clock.until(holdings.take([a0, b0]))).rejects.toMatchObject(refused);
});
