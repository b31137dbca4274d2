// With the os policy: how long what is written waits for its sync, when flush.ms changes meanwhile.

import { expect, test } from 'vitest';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { openStore, testBatch, testConfig } from '../support.ts';

const DAY = 86_400_000;
const MINUTE = 60_000;

/** A log with one batch that waits for its sync, and whether that has come. */
async function waiting(flushMs: number) {
  const disk = new SimulatedDisk({ seed: 1 });
  const clock = new VirtualClock();
  const store = await openStore(disk, { clock });
  const config = { ...testConfig, flushPolicy: 'os' as const, flushMs };
  const log = await store.openLog({ name: 't-0', topicId: 'id', config });
  await clock.until(log.append(testBatch(0)).written);
  let synced = false;
  disk.hook = (operation, path) => {
    if (operation === 'sync' && path.endsWith('.log')) synced = true;
  };
  const change = (to: number) => log.setConfig({ ...config, flushMs: to });
  return { clock, change, isSynced: () => synced };
}

test('a lower one holds for what waits already', async () => {
  const { clock, change, isSynced } = await waiting(DAY);
  await clock.advance(MINUTE);
  change(2 * MINUTE);
  await clock.advance(MINUTE - 1);
  expect(isSynced()).toBe(false);
  await clock.advance(1);
  expect(isSynced()).toBe(true);
});

test('what has waited longer than a lower one allows waits no more', async () => {
  const { clock, change, isSynced } = await waiting(DAY);
  await clock.advance(2 * MINUTE);
  change(MINUTE);
  await clock.advance(0);
  expect(isSynced()).toBe(true);
});

test('one that was never set holds from its setting on', async () => {
  const { clock, change, isSynced } = await waiting(Number.MAX_SAFE_INTEGER);
  change(MINUTE);
  await clock.advance(MINUTE);
  expect(isSynced()).toBe(true);
});
