// Segments that retention or compaction rolls while nothing is appended: no commit comes that would finish them.

import { beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/ports.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { loadXxHash64 } from '../../../../src/base/xxhash.ts';
import {
  type BatchToAppend,
  DiskError,
  type LogConfig,
  type LogStoreOptions,
  loadMarks,
  openLogStore,
  type PartitionLog,
} from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { batchOf, compactionInPlace, readBaseOffsets, testBatch, testConfig } from '../support.ts';

const hourly: LogConfig = { ...testConfig, segmentMs: 3_600_000 };
const HOURS = 2 * 3_600_000;

beforeAll(async () => {
  // Starts in real time, which a virtual clock does not wait for.
  await loadXxHash64();
});

async function open(disk: SimulatedDisk, options: Partial<LogStoreOptions> = {}) {
  const clock = new VirtualClock();
  const ports = { disk, clock, random: new SeededRandom(7), logger: silentLogger };
  const compaction = compactionInPlace(disk, clock);
  const store = await openLogStore({ ...ports, root: 'test', compaction, ...options });
  const openLog = (name: string, config = hourly) => store.openLog({ name, topicId: name, config });
  return { store, clock, openLog };
}

async function indexFiles(disk: SimulatedDisk, name: string): Promise<string[]> {
  return (await disk.list(name)).filter((file) => file.endsWith('.timeindex'));
}

test('more logs than descriptors are rolled by time, and others are still read', async () => {
  const disk = new SimulatedDisk({ seed: 1 });
  const { store, clock, openLog } = await open(disk, { openFilesMax: 2, tailBytesMax: 0 });
  const logs: PartitionLog[] = [];
  for (const name of ['t-0', 't-1', 't-2']) logs.push(await openLog(name));
  for (const log of logs) await clock.until(log.append(testBatch(0)).committed);
  await clock.advance(HOURS);
  const [first, second, third] = logs as [PartitionLog, PartitionLog, PartitionLog];
  for (const log of [first, second]) await clock.until(log.applyRetention(clock.now()));
  expect(await clock.until(readBaseOffsets(third))).toEqual([0]);
  await clock.until(store.close());
});

describe.each(['sync', 'os'] as const)('with the %s flush policy', (flushPolicy) => {
  test('retention finishes what it rolls, and the recovery point follows', async () => {
    const disk = new SimulatedDisk({ seed: 2 });
    const { clock, openLog } = await open(disk);
    const log = await openLog('t-0', { ...hourly, flushPolicy });
    await clock.until(log.append(testBatch(0)).committed);
    await clock.advance(HOURS);
    await clock.until(log.applyRetention(clock.now()));
    expect(log.segmentCount()).toBe(2);
    await clock.advance(2000);
    expect(await indexFiles(disk, 't-0')).toEqual(['00000000000000000000.timeindex']);
    expect((await loadMarks(disk)).marks.get('t-0')).toMatchObject({ mark: 3, recoveryOffset: 3 });
  });

  test('a compacted log that nobody writes to any more is cleaned', async () => {
    const disk = new SimulatedDisk({ seed: 3 });
    const { clock, store, openLog } = await open(disk, { tailBytesMax: 0 });
    const config = { ...hourly, flushPolicy, cleanupCompact: true, cleanupDelete: false };
    const log = await openLog('t-0', config);
    for (let index = 0; index < 5; index++) await clock.until(log.append(keyed(index)).committed);
    await clock.advance(HOURS);
    await clock.until(store.compaction!.run());
    expect(store.compaction!.stats).toMatchObject({ passes: 1, recordsRemoved: 4, failures: 0 });
    expect(await clock.until(readBaseOffsets(log))).toEqual([4]);
  });
});

test('what a full disk keeps from being finished is finished when there is room', async () => {
  const disk = new SimulatedDisk({ seed: 4 });
  const { clock, openLog } = await open(disk);
  const log = await openLog('t-0');
  await clock.until(log.append(testBatch(0)).committed);
  await clock.advance(HOURS);
  disk.hook = (operation, path) => {
    if (operation === 'write' && path.endsWith('index')) throw new DiskError('disk_full', path, '');
  };
  expect(await clock.until(log.applyRetention(clock.now()))).toBe(0);
  expect(log.state).toBe('open');
  disk.hook = () => {};
  await clock.until(log.applyRetention(clock.now()));
  await clock.advance(2000);
  expect((await loadMarks(disk)).marks.get('t-0')?.recoveryOffset).toBe(3);
});

test('without room for a file that follows, the last segment stays and others go', async () => {
  const disk = new SimulatedDisk({ seed: 7 });
  const { clock, openLog } = await open(disk);
  const log = await openLog('t-0', { ...hourly, retentionMs: 1000 });
  for (let index = 0; index < 100; index++)
    await clock.until(log.append(testBatch(index)).committed);
  await clock.advance(HOURS);
  const last = (await disk.list('t-0')).filter((name) => name.endsWith('.log')).at(-1)!;
  const start = Number.parseInt(last, 10);
  disk.hook = (operation, path) => {
    const isNew = operation === 'open' && !disk.paths().includes(path);
    if (isNew && path.endsWith('.log')) throw new DiskError('disk_full', path, 'no room');
  };
  expect(await clock.until(log.applyRetention(clock.now()))).toBeGreaterThan(1);
  expect([log.state, log.startOffset]).toEqual(['open', start]);
  await clock.advance(2000);
  const found = await (await open(disk.kill())).openLog('t-0');
  expect([found.startOffset, found.endOffset, found.damaged]).toEqual([start, 300, []]);
});

test('the recovery point goes on behind a segment that went before it was finished', async () => {
  const disk = new SimulatedDisk({ seed: 5 });
  const { clock, openLog } = await open(disk);
  const config = { ...testConfig, segmentBytes: 1 << 30, retentionMs: 1000 };
  const log = await openLog('t-0', config);
  await clock.until(log.append(testBatch(0)).committed);
  await clock.advance(HOURS);
  expect(await clock.until(log.applyRetention(clock.now()))).toBe(1);
  for (let index = 0; index < 10; index++) {
    await clock.until(log.append(large(clock.now())).committed);
    await clock.advance(1000);
  }
  const mark = (await loadMarks(disk)).marks.get('t-0');
  expect(mark).toMatchObject({ mark: 13, startOffset: 3 });
  expect(mark?.recoveryOffset).toBeGreaterThanOrEqual(7);
});

function keyed(index: number): BatchToAppend {
  const value = Buffer.from(`value ${index}`);
  return batchOf([{ timestamp: 1000 + index, key: Buffer.from('key'), value }]);
}

function large(timestamp: number): BatchToAppend {
  return batchOf([{ timestamp, key: null, value: Buffer.alloc(1024 * 1024) }]);
}
