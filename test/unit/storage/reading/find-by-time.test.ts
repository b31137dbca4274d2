// Offsets by time in batches that expand to much: another thread looks into them.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/ports.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import {
  buildBatch,
  inPlaceRecordWorker,
  LOOK_NOW_BYTES_MAX,
} from '../../../../src/record/index.ts';
import { MemoryDisk, openLogStore } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { testConfig } from '../support.ts';

async function logWith(find: typeof inPlaceRecordWorker.find) {
  const recordWorker = { ...inPlaceRecordWorker, find };
  const ports = { clock: new VirtualClock(), random: new SeededRandom(1), logger: silentLogger };
  const disk = new MemoryDisk();
  const store = await openLogStore({ disk, root: 'test', ...ports, recordWorker });
  const log = await store.openLog({ name: 't-0', topicId: 'id', config: testConfig });
  const value = Buffer.alloc(LOOK_NOW_BYTES_MAX / 2);
  for (const timestamps of [[10], [20, 30, 40], [50]]) {
    const records = timestamps.map((timestamp) => ({ timestamp, key: null, value }));
    const bytes = buildBatch(records, { codec: 'gzip' });
    const [byteLength, offsetCount] = [bytes.length, records.length];
    const maxTimestamp = Math.max(...timestamps);
    log.append({ parts: [bytes], byteLength, offsetCount, maxTimestamp });
  }
  await log.flush();
  return { store, log };
}

test('only those are looked into elsewhere', async () => {
  const searches: number[] = [];
  const { store, log } = await logWith((search) => {
    searches.push(search.timestamp);
    return inPlaceRecordWorker.find(search);
  });
  expect(await log.offsetForTimestamp(5)).toMatchObject({ offset: 0, timestamp: 10 });
  expect(searches).toEqual([]);
  expect(await log.offsetForTimestamp(25)).toMatchObject({ offset: 2, timestamp: 30 });
  expect(searches).toEqual([25]);
  expect(await log.maxTimestamp()).toMatchObject({ offset: 4, timestamp: 50 });
  expect(searches).toEqual([25]);
  await store.close();
});

test('a thread that fails leaves the batch as the answer', async () => {
  const { store, log } = await logWith(() => Promise.reject(new Error('no thread')));
  expect(await log.offsetForTimestamp(25)).toMatchObject({ offset: 1, timestamp: 40 });
  await store.close();
});
