// A swap moves the durable mark before the next turn of the marks does: what the marks know of epochs goes along, or a
// start after a crash takes the checkpoint for a wrong one, and asks the batches, of which compaction has left few.

import { expect, test } from 'vitest';
import { loadXxHash64 } from '../../../../src/base/xxhash.ts';
import type { PartitionLog } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { batchOf, compactionInPlace, openStore, testConfig } from '../support.ts';

const config = { ...testConfig, segmentBytes: 300, cleanupCompact: true, cleanupDelete: false };

async function open(disk: SimulatedDisk) {
  const clock = new VirtualClock();
  const store = await openStore(disk, { clock, compaction: compactionInPlace(disk, clock) });
  return { clock, store, log: await store.openLog({ name: 't-0', topicId: 'id', config }) };
}

async function append(clock: VirtualClock, log: PartitionLog): Promise<void> {
  for (let index = 0; index < 8; index++) {
    const batch = batchOf([{ timestamp: 1000, key: Buffer.from('k'), value: Buffer.alloc(60) }]);
    await clock.until(log.append(batch).committed);
  }
}

test('a crash after a swap forgets no epoch', async () => {
  // Starts in real time, which a virtual clock does not wait for.
  await loadXxHash64();
  let disk = new SimulatedDisk({ seed: 1 });
  const first = await open(disk);
  await append(first.clock, first.log);
  disk = disk.kill();
  const { clock, store, log } = await open(disk);
  await append(clock, log);
  await clock.until(store.compaction!.run());
  expect(store.compaction!.stats.recordsRemoved).toBeGreaterThan(8);
  const ends = [0, 1].map((epoch) => log.endOffsetForEpoch(epoch));
  expect(ends).toEqual([
    { epoch: 0, endOffset: 8 },
    { epoch: 1, endOffset: 16 },
  ]);
  const next = await open(disk.crash());
  expect([0, 1].map((epoch) => next.log.endOffsetForEpoch(epoch))).toEqual(ends);
});
