import { beforeEach, describe, expect, test } from 'vitest';
import type { FileRegion } from '../../../src/base/payload.ts';
import { FetchSet } from '../../../src/broker/fetch/fetch-set.ts';
import { FetchTarget } from '../../../src/broker/fetch/fetch-target.ts';
import { loadResults } from '../../../src/broker/fetch/load-results.ts';
import { TargetReader } from '../../../src/broker/fetch/read-targets.ts';
import { AnswerBudget, MemoryGate } from '../../../src/broker/memory-gate.ts';

const BYTES = 1000;
const KAFKA_STORAGE_ERROR = 56;

interface Watched extends FileRegion {
  readonly calls: string[];
}

function region(cached: boolean, fails = false): Watched {
  const calls: string[] = [];
  const done = (call: string): Promise<void> => {
    calls.push(call);
    return fails ? Promise.reject(new Error('the disk refuses')) : Promise.resolve();
  };
  return {
    calls,
    byteLength: BYTES,
    source: null,
    isCached: () => cached,
    warm: () => done('warm'),
    load: async () => {
      await done('load');
      return Buffer.alloc(BYTES, 1);
    },
    release: () => calls.push('release'),
  };
}

let reader: TargetReader;
let gate: MemoryGate;
let memory: AnswerBudget;
let set: FetchSet;

beforeEach(() => {
  const lookup = { partition: () => undefined, topicName: () => undefined };
  const limits = { isolation: 'read_uncommitted', maxBytes: 10_000, progress: true } as const;
  set = new FetchSet(false);
  reader = new TargetReader(set, lookup, limits);
  gate = new MemoryGate(100_000);
  memory = new AnswerBudget(gate);
});

function add(...regions: FileRegion[]): void {
  for (const records of regions) {
    const spec = {
      topic: 't',
      topicId: '',
      index: reader.results.length,
      fetchOffset: 0,
      maxBytes: BYTES,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
    };
    reader.put({
      target: new FetchTarget(set, spec),
      partitionIndex: spec.index,
      errorCode: 0,
      highWatermark: 10,
      lastStableOffset: 10,
      logStartOffset: 0,
      abortedTransactions: null,
      records,
      byteLength: BYTES,
      divergingEpoch: undefined,
    });
  }
}

const resultOf = (index: number) => reader.results[index];

describe('for a peer that takes regions', () => {
  test('what is in the page cache is left alone, and the rest is read first', async () => {
    const [hot, cold] = [region(true), region(false)];
    add(hot, cold);
    await loadResults(reader, true, memory);
    expect([hot.calls, cold.calls]).toEqual([[], ['warm']]);
    expect([resultOf(0)?.records, resultOf(1)?.records]).toEqual([hot, cold]);
    expect(gate.usedBytes).toBe(0);
  });

  test('one that cannot be read is an error of its partition alone', async () => {
    const [bad, good] = [region(false, true), region(false)];
    add(bad, good);
    await loadResults(reader, true, memory);
    expect(resultOf(0)).toMatchObject({ errorCode: KAFKA_STORAGE_ERROR, byteLength: 0 });
    expect(resultOf(1)).toMatchObject({ errorCode: 0, records: good });
    expect(bad.calls).toEqual(['warm', 'release']);
    expect(reader.bytes).toBe(BYTES);
  });
});

describe('for one that does not', () => {
  test('all is loaded, whether or not it is in the page cache, and counted', async () => {
    const [hot, bad, cold] = [region(true), region(false, true), region(false)];
    add(hot, bad, cold);
    await loadResults(reader, false, memory);
    expect(resultOf(0)?.records).toEqual(Buffer.alloc(BYTES, 1));
    expect(resultOf(1)?.errorCode).toBe(KAFKA_STORAGE_ERROR);
    expect(resultOf(2)?.records).toEqual(Buffer.alloc(BYTES, 1));
    expect([hot.calls, bad.calls]).toEqual([
      ['load', 'release'],
      ['load', 'release'],
    ]);
    expect(gate.usedBytes).toBe(3 * BYTES);
    memory.end();
    expect(gate.usedBytes).toBe(0);
  });
});
