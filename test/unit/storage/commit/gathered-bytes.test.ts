// What only the journal has made durable is synced in its segments before it is megabytes: a checkpoint, or a move of a
// recovery point, that finds so much keeps commits waiting for the disk.

import { expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { openLogStore } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../../support/captured-log.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { wrapFiles } from '../../../support/simulation-faults.ts';
import { testBatch, testConfig } from '../support.ts';

const LOGS = 6;
const SYNC_MS = 5;

/** Appends batches of about 30 KB to each log; answers the segments that are synced in the second after, and how. */
async function syncsAfter(batches: number, flushPolicy: 'sync' | 'os') {
  const clock = new VirtualClock();
  const synced: string[] = [];
  let running = 0;
  let atOnce = 0;
  const disk = wrapFiles(new SimulatedDisk({ seed: 1 }), (file) =>
    file.path.endsWith('.log')
      ? {
          async datasync() {
            synced.push(file.path);
            atOnce = Math.max(atOnce, ++running);
            await new Promise<void>((resolve) => clock.setTimer(SYNC_MS, resolve));
            await file.datasync();
            running--;
          },
        }
      : {},
  );
  const { logger } = capturedLog();
  const random = new SeededRandom(7);
  const store = await clock.until(openLogStore({ disk, root: 'test', clock, random, logger }));
  const config = { ...testConfig, segmentBytes: 2 ** 30, flushPolicy };
  const logs = await clock.until(
    Promise.all(
      Array.from({ length: LOGS }, (_, index) =>
        store.openLog({ name: `t-${index}`, topicId: 'id', config }),
      ),
    ),
  );
  for (let index = 0; index < batches; index++) {
    await clock.until(Promise.all(logs.map((log) => log.append(testBatch(index, 900)).committed)));
  }
  // Until a file of the journal is there, logs are synced by themselves.
  synced.length = 0;
  atOnce = 0;
  await clock.advance(1000);
  const after = { synced: [...synced].sort(), atOnce };
  await clock.until(store.close());
  return after;
}

test('logs with a quarter of a megabyte of it are synced soon, one after the other', async () => {
  const all = Array.from({ length: LOGS }, (_, index) => `t-${index}/00000000000000000000.log`);
  expect(await syncsAfter(12, 'sync')).toEqual({ synced: all, atOnce: 1 });
});

test('those with less are left to the checkpoint', async () => {
  expect((await syncsAfter(3, 'sync')).synced).toEqual([]);
});

test('those whose records need not be synced at all are left alone', async () => {
  expect((await syncsAfter(12, 'os')).synced).toEqual([]);
});
