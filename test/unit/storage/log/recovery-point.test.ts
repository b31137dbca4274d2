// The recovery point while it moves slowly: the disk takes its time over what belongs to it.

import { expect, test } from 'vitest';
import { DiskError, loadMarks } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { HeldDisk } from '../held-disk.ts';
import { openStore, sizedBatch, testConfig } from '../support.ts';

/** More than a restart is to scan, and less than a segment. */
const BATCHES = 3;
const BATCH_BYTES = 2 * 1024 * 1024;
const config = { ...testConfig, segmentBytes: 8 * 1024 * 1024 };

/** A log with so much behind the recovery point that it is about to move. */
async function grown() {
  const disk = new HeldDisk({ seed: 1 });
  const clock = new VirtualClock();
  const store = await openStore(disk, { clock });
  const hooks = { producerSnapshot: () => Buffer.from('state') };
  const log = await store.openLog({ name: 't-0', topicId: 'id', config, hooks });
  const append = (bytes: number) => clock.until(log.append(sizedBatch(bytes)).committed);
  for (let index = 0; index < BATCHES; index++) await append(BATCH_BYTES);
  return { disk, clock, log, append };
}

test('it does not go back into a segment that was finished while it moved', async () => {
  const { disk, clock, log, append } = await grown();
  const goOn = disk.hold(/^sync .*snapshot$/);
  await clock.advance(1000);
  expect(disk.holdsAll).toBe(true);
  await append(1);
  await append(BATCH_BYTES);
  expect(log.segmentCount()).toBe(2);
  await clock.advance(1000);
  goOn();
  await clock.advance(3000);
  const mark = (await loadMarks(disk)).marks.get('t-0');
  expect(mark).toMatchObject({ mark: BATCHES + 2, recoveryOffset: BATCHES + 1 });
});

test('a reopening waits for it, and no state of producers above the end comes later', async () => {
  const { disk, clock, log } = await grown();
  const writeOn = disk.hold(/^write .*log$/);
  const { committed } = log.append(sizedBatch(1));
  const refused = expect(committed).rejects.toThrow('refused');
  const goOn = disk.hold(/^sync .*index$/);
  await clock.advance(1000);
  expect(disk.holdsAll).toBe(true);
  disk.hook = (operation, path) => {
    if (operation === 'write') throw new DiskError('io_error', path, 'refused');
  };
  writeOn();
  await refused;
  disk.hook = () => {};
  const reopened = log.reopen();
  await clock.advance(1000);
  goOn();
  await clock.until(reopened);
  await clock.advance(3000);
  expect(log.endOffset).toBe(BATCHES);
  const states = (await disk.list('t-0')).filter((name) => name.endsWith('.snapshot'));
  expect(states.filter((name) => Number.parseInt(name, 10) > BATCHES)).toEqual([]);
});
