import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { NodeDisk } from '../../../../src/host/node-disk.ts';
import { BatchHeader, iterateBatches } from '../../../../src/record/index.ts';
import { type Disk, MemoryDisk, type PartitionLog } from '../../../../src/storage/index.ts';
import { openStore, testBatch, testConfig } from '../support.ts';

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

async function readAll(log: PartitionLog, from: number): Promise<[number, number][]> {
  const seen: [number, number][] = [];
  let offset = from;
  while (offset < log.highWatermark) {
    const read = await log.read({
      offset,
      limit: log.highWatermark,
      maxBytes: 700,
      minOneBatch: true,
    });
    const { records } = read;
    const bytes = Array.isArray(records) ? Buffer.concat(records as Buffer[]) : (records as Buffer);
    expect(bytes.length).toBe(read.byteLength);
    const before = offset;
    for (const header of iterateBatches(bytes)) {
      if (header.lastOffset < offset) throw new Error('an old batch');
      seen.push([header.baseOffset, header.lastOffset]);
      offset = header.nextOffset;
    }
    expect(offset).toBeGreaterThan(before);
  }
  return seen;
}

const disks: [string, () => Disk][] = [
  ['memory', () => new MemoryDisk()],
  [
    'node',
    () => {
      const directory = mkdtempSync(join(tmpdir(), 'tidemark-log-'));
      directories.push(directory);
      return new NodeDisk(directory);
    },
  ],
];

describe.each(disks)('a log on the %s disk', (_name, makeDisk) => {
  test('appends, reads back, survives a clean stop', async () => {
    const disk = makeDisk();
    let store = await openStore(disk);
    expect(store.lastStop).toBe('new');
    let log = await store.openLog({ name: 't-0', topicId: 'id', config: testConfig });
    const tickets = Array.from({ length: 200 }, (_, index) => log.append(testBatch(index)));
    await Promise.all(tickets.map((ticket) => ticket.committed));
    expect(log.highWatermark).toBe(600);
    expect(log.segmentCount()).toBeGreaterThan(3);
    const expected = Array.from({ length: 200 }, (_, i) => [i * 3, i * 3 + 2]);
    expect(await readAll(log, 0)).toEqual(expected);
    await store.close();

    store = await openStore(disk);
    expect(store.lastStop).toBe('clean');
    log = await store.openLog({ name: 't-0', topicId: 'id', config: testConfig });
    expect(log.highWatermark).toBe(600);
    expect(log.leaderEpoch).toBe(0);
    expect(await readAll(log, 0)).toEqual(expected);
    expect(await readAll(log, 301)).toEqual(expected.slice(100));
    expect(await log.offsetForTimestamp(1000 + 57 * 10 + 1)).toEqual({
      offset: 57 * 3 + 1,
      timestamp: 1571,
      leaderEpoch: 0,
    });
    expect(await log.maxTimestamp()).toEqual({ offset: 599, timestamp: 2992, leaderEpoch: 0 });
    await log.append(testBatch(200)).committed;
    expect(log.highWatermark).toBe(603);
    let count = 0;
    for await (const bytes of log.batches(0)) {
      expect(new BatchHeader(bytes).baseOffset).toBe(count * 3);
      count++;
    }
    expect(count).toBe(201);
    await store.close();
  });

  test('opens again without a clean stop', async () => {
    const disk = makeDisk();
    const first = await openStore(disk);
    let log = await first.openLog({ name: 't-0', topicId: 'id', config: testConfig });
    for (let index = 0; index < 50; index++) await log.append(testBatch(index)).committed;
    // No close: the process is gone.
    const store = await openStore(disk);
    expect(store.lastStop).toBe('unclean');
    log = await store.openLog({ name: 't-0', topicId: 'id', config: testConfig });
    expect(log.highWatermark).toBe(150);
    expect(log.leaderEpoch).toBe(1);
    expect(await readAll(log, 0)).toHaveLength(50);
    await log.append(testBatch(50)).committed;
    expect(log.epochForOffset(149)).toBe(0);
    expect(log.epochForOffset(150)).toBe(1);
    expect(await readAll(log, 149)).toHaveLength(2);
    await store.close();
  });

  test('many logs share a journal, which a start replays', async () => {
    const disk = makeDisk();
    const store = await openStore(disk);
    const logs = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        store.openLog({ name: `m-${i}`, topicId: 'id', config: testConfig }),
      ),
    );
    for (let round = 0; round < 5; round++) {
      await Promise.all(logs.map((log) => log.append(testBatch(round)).committed));
    }
    expect(store.commits.batches).toBe(300);
    expect(store.commits.syncs).toBeLessThan(200);
    const again = await openStore(disk);
    const log = await again.openLog({ name: 'm-17', topicId: 'id', config: testConfig });
    expect(log.highWatermark).toBe(15);
    await again.close();
  });

  test('retention and DeleteRecords free segments', async () => {
    const disk = makeDisk();
    const store = await openStore(disk);
    const log = await store.openLog({ name: 't-0', topicId: 'id', config: testConfig });
    for (let index = 0; index < 100; index++) log.append(testBatch(index));
    await log.flush();
    const before = log.segmentCount();
    await log.deleteRecordsBefore(150);
    expect(log.startOffset).toBe(150);
    expect(log.segmentCount()).toBeLessThan(before);
    await expect(
      log.read({ offset: 149, limit: log.highWatermark, maxBytes: 100, minOneBatch: true }),
    ).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    expect((await readAll(log, 150))[0]).toEqual([150, 152]);
    log.setConfig({ ...testConfig, retentionMs: 1 });
    await log.applyRetention(10_000_000);
    expect(log.startOffset).toBe(300);
    await store.close();
    const next = await openStore(disk);
    const reopened = await next.openLog({ name: 't-0', topicId: 'id', config: testConfig });
    expect(reopened.startOffset).toBe(300);
    expect(reopened.endOffset).toBe(300);
    await next.close();
  });
});
