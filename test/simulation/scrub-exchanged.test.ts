// A scrub goes on where it was in a segment; compaction may have put another file under its name meanwhile.

import { beforeAll, expect, test } from 'vitest';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { loadXxHash64 } from '../../src/base/xxhash.ts';
import { type LogConfig, MemoryDisk, openLogStore } from '../../src/storage/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { capturedLog } from '../support/captured-log.ts';
import { batchOf, compactionInPlace, testConfig } from '../unit/storage/support.ts';

const config: LogConfig = {
  ...testConfig,
  segmentBytes: 1_000_000,
  cleanupCompact: true,
  cleanupDelete: false,
};

beforeAll(async () => {
  // Starts in real time, which a virtual clock does not wait for.
  await loadXxHash64();
});

async function open(disk: MemoryDisk) {
  const clock = new VirtualClock();
  const captured = capturedLog();
  const store = await openLogStore({
    disk,
    root: 'test',
    clock,
    random: new SeededRandom(7),
    logger: captured.logger,
    compaction: compactionInPlace(disk, clock),
    // Steps of 256 KiB, one a second.
    scrub: () => ({ bytesPerSecond: 256 * 1024, intervalMs: 3_600_000 }),
  });
  const log = await store.openLog({ name: 't-0', topicId: 'id', config });
  return { store, log, clock, lines: captured.lines };
}

/** One record of some kilobytes; every third has a key that comes again. */
function keyed(index: number) {
  const key = index % 3 === 0 ? 'again' : `key ${index}`;
  const value = Buffer.alloc(3000 + (index % 11) * 100, index);
  const timestamp = 1000 + index;
  return batchOf([{ timestamp, key: Buffer.from(key), value }]);
}

test('a segment that compaction exchanges under a scrub is not taken for damaged', async () => {
  const disk = new MemoryDisk();
  const before = await open(disk);
  for (let index = 0; index < 400; index++) before.log.append(keyed(index));
  await before.log.flush();
  await before.store.close();

  const { store, log, clock, lines } = await open(disk);
  expect(log.segmentCount()).toBe(2);
  await clock.advance(61_000);
  const scrubbed = store.integrity!.scrubbedBytes;
  expect(scrubbed).toBeGreaterThan(0);
  expect(scrubbed).toBeLessThan(600_000);
  const size = log.sizeBytes();
  await clock.until(store.compaction!.run());
  expect(log.sizeBytes()).toBeLessThan(size);
  await clock.advance(60_000);
  expect(store.integrity!.scrubPasses).toBe(1);
  expect(log.damaged).toEqual([]);
  expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  await store.close();
});
