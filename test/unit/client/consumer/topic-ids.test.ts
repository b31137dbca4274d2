// Topics by id: which of them are read, and what is told of those that are gone.

import { expect, test } from 'vitest';
import { TopicIds } from '../../../../src/client/consumer/topic-ids.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { fakeCluster } from '../fake-cluster.ts';

/** A cluster with topics of three partitions, by id; those that begin with two underscores are internal. */
function make(how: { readonly internal: boolean }) {
  const topics = new Map([
    ['id-a', 'a'],
    ['id-b', 'b'],
    ['id-offsets', '__consumer_offsets'],
  ]);
  let asked = 0;
  const cluster = fakeCluster(new VirtualClock(), () => {
    asked += 1;
    const partitions = [0, 1, 2].map((partitionIndex) => ({ partitionIndex, errorCode: 0 }));
    const all = Array.from(topics, ([topicId, name]) => {
      return { name, topicId, errorCode: 0, isInternal: name.startsWith('__'), partitions };
    });
    return { errorCode: 0, brokers: [], topics: all };
  });
  return { topics, asked: () => asked, ids: new TopicIds(cluster, how) };
}

const one = (topicId: string) => ({ topicId, partitions: [1] });
const all = [one('id-a'), one('id-b'), one('id-offsets')];

test('internal topics that a pattern matched are not read, and not asked for again', async () => {
  const { ids, asked } = make({ internal: false });
  const read = [
    { topic: 'a', partition: 1 },
    { topic: 'b', partition: 1 },
  ];
  expect(await ids.places(all)).toEqual({ places: read, complete: true });
  expect(await ids.places(all)).toEqual({ places: read, complete: true });
  expect(asked()).toBe(1);
  expect(ids.group(read)).toEqual([one('id-a'), one('id-b')]);
});

test('internal topics that were named are read', async () => {
  const { ids } = make({ internal: true });
  const { places, complete } = await ids.places(all);
  expect([places.map(({ topic }) => topic), complete]).toEqual([
    ['a', 'b', '__consumer_offsets'],
    true,
  ]);
});

test('a topic that is gone is told by its id until it was given up, and one made anew by its own', async () => {
  const { ids, topics } = make({ internal: false });
  const { places: owned } = await ids.places([one('id-a'), one('id-b')]);
  topics.delete('id-b');
  expect(await ids.places([one('id-a'), one('id-later')])).toEqual({
    places: [{ topic: 'a', partition: 1 }],
    complete: false,
  });
  expect(ids.group(owned)).toEqual([one('id-a'), one('id-b')]);
  topics.set('id-b2', 'b');
  expect(await ids.places([one('id-a'), one('id-b2')])).toEqual({ places: owned, complete: true });
  expect(ids.group(owned)).toEqual([one('id-a'), one('id-b2')]);
});
