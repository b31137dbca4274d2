// Commits of partitions of which some are gone: theirs are told, the others' are made, and nobody waits. Nor does who
// asks what is committed in a topic that there is not.

import { expect, test } from 'vitest';
import { ErrorCode } from '../../../src/base/kafka-errors.ts';
import { commitGroupOffsets } from '../../../src/client/group-offsets.ts';
import { type Cluster, committedOffsets } from '../../../src/client/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { fakeCluster } from './fake-cluster.ts';

interface Topic {
  readonly id: string;
  readonly partitions: number;
}

interface Asked {
  readonly topics: {
    readonly name: string;
    readonly topicId: string;
    readonly partitions: { readonly partitionIndex: number; readonly committedOffset: number }[];
  }[];
}

const idOf = (number: number): string => `00000000-0000-0000-0000-00000000000${number}`;

/** A cluster with these topics, as metadata know them; its coordinator answers by `code`. */
function cluster(topics: Record<string, Topic>, code: (place: string, topicId: string) => number) {
  const clock = new VirtualClock();
  const commits: string[][] = [];
  const answerTopic = ({ name, topicId, partitions }: Asked['topics'][number]) => ({
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }) => ({
      partitionIndex,
      errorCode: code(`${name}-${partitionIndex}`, topicId),
    })),
  });
  const metadata = (name: string) => {
    const topic = topics[name];
    if (topic === undefined) {
      return { name, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, partitions: [] };
    }
    const partitions = Array.from({ length: topic.partitions }, (_, partitionIndex) => {
      return { partitionIndex, errorCode: 0, leaderId: 1, leaderEpoch: 0 };
    });
    return { name, topicId: topic.id, errorCode: 0, partitions };
  };
  const node = { nodeId: 1, host: 'h', port: 1 };
  const answer = (name: string, request: object) => {
    if (name === 'FindCoordinator') {
      return { coordinators: [{ ...node, errorCode: 0 }] };
    }
    if (name === 'Metadata') {
      const { topics: asked } = request as Asked;
      const found = asked.map((one) => metadata(one.name));
      return { errorCode: 0, brokers: [node], topics: found };
    }
    expect(name).toBe('OffsetCommit');
    const { topics: asked } = request as Asked;
    const places = asked.flatMap((topic) =>
      topic.partitions.map((one) => `${topic.name}-${one.partitionIndex}`),
    );
    commits.push(places);
    return { topics: asked.map(answerTopic) };
  };
  const committed: string[] = [];
  const connected = (): Cluster => fakeCluster(clock, answer);
  return {
    clock,
    commits,
    committed,
    ask: (topic: string) => committedOffsets(connected(), 'g', topic, [0]),
    commit(...places: [topic: string, partition: number][]) {
      const me = { group: 'g', memberId: 'm', epoch: 1, instanceId: null };
      const offsets = places.map(([topic, partition]) => {
        return { topic, partition, offset: 7, leaderEpoch: -1, metadata: '' };
      });
      return commitGroupOffsets(
        connected(),
        () => me,
        offsets,
        (one) => committed.push(`${one.topic}-${one.partition}`),
      );
    },
  };
}

const [A, B] = [
  { id: idOf(1), partitions: 1 },
  { id: idOf(2), partitions: 1 },
];
const gone = { code: 'UNKNOWN_TOPIC_OR_PARTITION' };

test('a topic that there is not is told, and the others are committed at once', async () => {
  const { clock, commit, commits, committed } = cluster({ a: A }, () => 0);
  const refused = expect(commit(['b', 0], ['a', 0])).rejects.toMatchObject(gone);
  await clock.advance(10);
  await refused;
  expect({ commits, committed }).toEqual({ commits: [['a-0']], committed: ['a-0'] });
});

test('one that was deleted since it was looked up is asked about once', async () => {
  const topics: Record<string, Topic> = { a: A, b: B };
  const { clock, commit, commits, committed } = cluster(topics, (place) => {
    delete topics['b'];
    return place === 'b-0' ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : 0;
  });
  const refused = expect(commit(['b', 0], ['a', 0])).rejects.toMatchObject(gone);
  await clock.advance(1_000);
  await refused;
  expect({ commits, committed }).toEqual({ commits: [['b-0', 'a-0']], committed: ['a-0'] });
});

test('one that was made anew is another topic', async () => {
  const topics: Record<string, Topic> = { b: B };
  const { clock, commit, commits, committed } = cluster(topics, (_, topicId) => {
    topics['b'] = { id: idOf(3), partitions: 1 };
    return topicId === idOf(2) ? ErrorCode.UNKNOWN_TOPIC_ID : 0;
  });
  const refused = expect(commit(['b', 0])).rejects.toMatchObject(gone);
  await clock.advance(1_000);
  await refused;
  expect({ commits, committed }).toEqual({ commits: [['b-0']], committed: [] });
});

test('a partition that its topic does not have is told, and the others are committed', async () => {
  const { clock, commit, commits, committed } = cluster({ a: A }, (place) =>
    place === 'a-9' ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : 0,
  );
  const refused = expect(commit(['a', 9], ['a', 0])).rejects.toMatchObject(gone);
  await clock.advance(1_000);
  await refused;
  expect({ commits, committed }).toEqual({ commits: [['a-9', 'a-0']], committed: ['a-0'] });
});

test('a coordinator that hears late of a topic is asked again, for what is left', async () => {
  let asked = 0;
  const { clock, commit, commits, committed } = cluster({ a: A, b: B }, (place) => {
    asked += 1;
    return place === 'b-0' && asked < 4 ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : 0;
  });
  await clock.until(commit(['a', 0], ['b', 0]));
  expect(commits).toEqual([['a-0', 'b-0'], ['b-0'], ['b-0']]);
  expect(committed).toEqual(['a-0', 'b-0']);
});

test('what is committed is told although another one is refused for good', async () => {
  const { clock, commit, committed } = cluster({ a: A, b: B }, (place) =>
    place === 'a-0' ? ErrorCode.OFFSET_METADATA_TOO_LARGE : 0,
  );
  const refused = expect(commit(['a', 0], ['b', 0])).rejects.toMatchObject({
    code: 'OFFSET_METADATA_TOO_LARGE',
  });
  await clock.advance(1_000);
  await refused;
  expect(committed).toEqual(['b-0']);
});

test('commits in a topic that there is not are not waited for', async () => {
  const { clock, ask } = cluster({ a: A }, () => 0);
  const refused = expect(ask('b')).rejects.toMatchObject(gone);
  await clock.advance(10);
  await refused;
});
