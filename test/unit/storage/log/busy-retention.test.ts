// Retention of a log that is written to without a pause.

import { expect, test } from 'vitest';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { openStore, testBatch, testConfig } from '../support.ts';

const WRITE_MS = 100;

/** Each write to a log takes its time. */
class SlowDisk extends SimulatedDisk {
  readonly clock = new VirtualClock();

  override async step(operation: string, path: string, torn?: () => void): Promise<void> {
    if (operation === 'write' && path.endsWith('.log')) {
      await new Promise<void>((resolve) => this.clock.setTimer(WRITE_MS, resolve));
    }
    return super.step(operation, path, torn);
  }
}

test('it does not wait until nothing is left to be written', async () => {
  const disk = new SlowDisk({ seed: 1 });
  const { clock } = disk;
  const store = await openStore(disk, { clock });
  const config = { ...testConfig, retentionBytes: testConfig.segmentBytes };
  const log = await store.openLog({ name: 't-0', topicId: 'id', config });
  let index = 0;
  const appendOn = async (until: () => boolean): Promise<void> => {
    while (!until()) await log.append(testBatch(index++)).written;
  };
  await clock.until(appendOn(() => log.segmentCount() > 3));
  let stopped = false;
  const loads: Promise<void>[] = [];
  // One waits whenever the other's batch has been written.
  for (let count = 0; count < 2; count++) {
    loads.push(appendOn(() => stopped));
    await clock.advance(WRITE_MS / 2);
  }
  let gone = 0;
  void log.applyRetention(clock.now()).then((count) => {
    gone = count;
  });
  await clock.advance(20 * WRITE_MS);
  expect(store.pendingBytes).toBeGreaterThan(0);
  expect(gone).toBeGreaterThan(0);
  stopped = true;
  await clock.until(Promise.all(loads));
  await clock.until(store.close());
});
