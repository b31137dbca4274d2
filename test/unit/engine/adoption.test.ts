import { describe, expect, test } from 'vitest';
import {
  accountedFor,
  type FoundDirectory,
  findPartitionDirectories,
  planAdoption,
} from '../../../src/engine/adoption.ts';
import { emptyCatalogue } from '../../../src/engine/catalogue-state.ts';
import type { Topic } from '../../../src/engine/contract.ts';
import { MemoryDisk } from '../../../src/storage/index.ts';

const A = 'a'.repeat(22);
const B = 'b'.repeat(22);

function topic(name: string, id: string, partitionCount = 1): Topic {
  return { name, id, internal: false, partitionCount, configs: new Map(), createdMs: 1 };
}

function found(topicName: string, index: number, topicId: string | null): FoundDirectory {
  return { directory: `${topicName}-${index}`, topic: topicName, index, topicId };
}

describe('directories and the catalogue', () => {
  test("the log of Kafka's controller is no topic", async () => {
    const disk = new MemoryDisk();
    await disk.makeDirectory('__cluster_metadata-0');
    await disk.makeDirectory('t-0');
    const directories = await findPartitionDirectories(disk, () => false);
    expect(directories.map((item) => item.directory)).toEqual(['t-0']);
  });

  test('what the catalogue knows needs nothing', () => {
    const state = emptyCatalogue();
    state.topics.set(A, topic('t', A, 2));
    const plan = planAdoption([found('t', 0, A), found('t', 1, A)], state, 9);
    expect(plan).toEqual({ records: [], adopted: [], remove: [], purged: [], strays: [] });
  });

  test('an unknown topic is taken back with all partitions, and keeps everything', () => {
    const plan = planAdoption([found('t', 0, A), found('t', 3, A)], emptyCatalogue(), 9);
    expect(plan.adopted).toHaveLength(1);
    expect(plan.adopted[0]).toMatchObject({ name: 't', id: A, partitionCount: 4, createdMs: 9 });
    expect(Object.fromEntries(plan.adopted[0]!.configs)).toEqual({
      'retention.ms': '-1',
      'retention.bytes': '-1',
    });
    expect(plan.records).toHaveLength(1);
  });

  test("a topic of the broker's own comes back compacted", () => {
    const plan = planAdoption([found('__consumer_offsets', 7, A)], emptyCatalogue(), 9);
    expect(plan.adopted[0]).toMatchObject({ internal: true, partitionCount: 8 });
    expect(plan.adopted[0]!.configs.get('cleanup.policy')).toBe('compact');
  });

  test('a known topic with more partitions on disk grows', () => {
    const state = emptyCatalogue();
    state.topics.set(A, topic('t', A, 1));
    const plan = planAdoption([found('t', 0, A), found('t', 2, A)], state, 9);
    expect(plan.records).toEqual([{ kind: 'topic-grown', id: A, partitionCount: 3 }]);
  });

  test('directories of deleted topics go, never others of the same name', () => {
    const state = emptyCatalogue();
    state.deleted.add(A);
    state.topics.set(B, topic('t', B, 1));
    const plan = planAdoption([found('t', 0, A), found('u', 0, A)], state, 9);
    expect(plan.remove).toEqual(['t-0']);
    expect(plan.purged).toEqual([A]);
    expect(plan.strays.map((stray) => stray.directory)).toEqual(['u-0']);
  });

  test('what was moved out of the way goes if its topic was deleted, else it is reported', () => {
    const state = emptyCatalogue();
    state.deleted.add(A);
    const stray = (topicId: string | null, directory: string): FoundDirectory => ({
      directory,
      topic: 't-0',
      index: -1,
      topicId,
      stray: true,
    });
    const plan = planAdoption([stray(A, 'a'), stray(B, 'b')], state, 9);
    expect(plan).toMatchObject({ remove: ['a'], purged: [A], adopted: [], records: [] });
    expect(plan.strays.map(({ directory }) => directory)).toEqual(['b']);
    // Whose it is cannot be told, so what was deleted stays deleted.
    expect(planAdoption([stray(null, 'c')], state, 9)).toMatchObject({ remove: [], purged: [] });
  });

  test('what nobody can account for is reported and left alone', () => {
    const state = emptyCatalogue();
    state.topics.set(A, topic('t', A, 1));
    const plan = planAdoption(
      [found('t', 0, A), found('t', 1, B), found('x', 0, null), found('t', 0, null)],
      state,
      9,
    );
    expect(plan.records).toEqual([]);
    expect(plan.remove).toEqual([]);
    expect(plan.strays.map((stray) => stray.directory).sort()).toEqual(['t-1', 'x-0']);
  });

  test('only what the catalogue accounts for is taken unread, and nothing while deletions wait', () => {
    const state = emptyCatalogue();
    state.topics.set(A, topic('t', A, 2));
    const known = accountedFor(state);
    expect([known('t', 1), known('t', 2), known('u', 0)]).toEqual([true, false, false]);
    state.deleted.add(B);
    expect(accountedFor(state)('t', 0)).toBe(false);
  });

  test('of two unknown ids with one name the one with more directories wins', () => {
    const plan = planAdoption(
      [found('t', 0, A), found('t', 1, B), found('t', 2, B)],
      emptyCatalogue(),
      9,
    );
    expect(plan.adopted.map((item) => item.id)).toEqual([B]);
    expect(plan.strays.map((stray) => stray.directory)).toEqual(['t-0']);
  });
});
