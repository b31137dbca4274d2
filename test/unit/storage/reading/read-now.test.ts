// The short way of a read answers what the long way does: the same first batch, in whole batches.

import { afterEach, describe, expect, test } from 'vitest';
import { isBufferList, isFileRegion, type Payload } from '../../../../src/base/payload.ts';
import { silentLogger } from '../../../../src/base/ports.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { iterateBatches } from '../../../../src/record/index.ts';
import {
  type Disk,
  type LogStore,
  MemoryDisk,
  openLogStore,
  type PartitionLog,
} from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { testSeed } from '../../../support/test-seed.ts';
import { testBatch, testConfig } from '../support.ts';

/** A memory disk of which nothing can be had at once. */
class SlowDisk extends MemoryDisk {
  override async open(path: string, mode: 'read' | 'write' | 'create') {
    const file = await super.open(path, mode);
    return Object.assign(file, { readNow: () => -1, isCached: () => false });
  }
}

const stores: LogStore[] = [];

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

async function filled(disk: Disk, regions: boolean, openFilesMax = 64): Promise<PartitionLog> {
  const store = await openLogStore({
    disk,
    root: 'test',
    clock: new VirtualClock(),
    random: new SeededRandom(7),
    logger: silentLogger,
    // Nothing is kept in memory, so that all is read from the files.
    tailBytesMax: 0,
    regions: () => regions,
    openFilesMax,
  });
  stores.push(store);
  const config = { ...testConfig, segmentBytes: 400_000, indexIntervalBytes: 4096 };
  const log = await store.openLog({ name: 't-0', topicId: 'id', config });
  for (let index = 0; index < 400; index++) {
    log.append(testBatch(index, index % 50 === 0 ? 1500 : 1 + (index % 60)));
    if (index % 37 === 0) await log.flush();
  }
  await log.flush();
  return log;
}

async function bytesOf(records: Payload): Promise<Buffer> {
  if (isBufferList(records)) return Buffer.concat(records);
  if (!isFileRegion(records)) return records;
  const bytes = await records.load();
  records.release();
  return bytes;
}

describe('a read that can be answered at once', () => {
  test('begins with the same batch as one that waits, and holds whole batches', async () => {
    const random = new SeededRandom(testSeed());
    const [quick, slow] = [
      await filled(new MemoryDisk(), true),
      await filled(new SlowDisk(), false),
    ];
    const limit = quick.highWatermark;
    expect(slow.highWatermark).toBe(limit);
    let regions = 0;
    for (let round = 0; round < 400; round++) {
      const wanted = {
        offset: random.below(limit),
        limit,
        maxBytes: 1 + random.below(2 ** (4 + random.below(15))),
        minOneBatch: random.chance(0.7),
      };
      const [now, later] = [await quick.read(wanted), await slow.read(wanted)];
      if (isFileRegion(now.records)) regions++;
      const [first, second] = [await bytesOf(now.records), await bytesOf(later.records)];
      expect(first.length).toBe(now.byteLength);
      const about = JSON.stringify({ wanted, now: first.length, later: second.length });
      expect(second.subarray(0, first.length).equals(first), about).toBe(true);
      // What the short way leaves out is no more than the beginning of a batch, or what the index does not tell.
      const whole = [...iterateBatches(second)].map((batch) => batch.position + batch.sizeInBytes);
      expect(first.length, about).toBeGreaterThanOrEqual((whole.at(-1) ?? 0) - 4096 * 2);
      expect(first.length > 0, about).toBe(second.length > 0);
    }
    expect(regions).toBeGreaterThan(20);
  });

  test('files that slow readers hold are bounded, and the log goes on', async () => {
    const log = await filled(new MemoryDisk(), true, 4);
    const limit = log.highWatermark;
    const held = [];
    for (let offset = 0; offset < limit; offset += 50) {
      held.push(await log.read({ offset, limit, maxBytes: 200_000, minOneBatch: true }));
    }
    const inFiles = held.filter(({ records }) => isFileRegion(records));
    expect(inFiles.length).toBeGreaterThan(0);
    expect(inFiles.length).toBeLessThan(held.length);
    for (let index = 0; index < 50; index++) log.append(testBatch(index, 300));
    await log.flush();
    for (const { records } of held) expect((await bytesOf(records)).length).toBeGreaterThan(0);
  });
});
