// The producers' state beside the recovery point, while batches are on their way to the file.

import { expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { DiskError, openLogStore } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../../support/captured-log.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { HeldDisk } from '../held-disk.ts';
import { largeBatch, testConfig } from '../support.ts';

const config = { ...testConfig, segmentBytes: 2 ** 30, segmentMs: Number.MAX_SAFE_INTEGER };

async function openOn(disk: SimulatedDisk, stateBytes = 0) {
  const hooks = {
    producerSnapshot: (offset: number) => Buffer.from(`state at ${offset}`.padEnd(stateBytes)),
  };
  const clock = new VirtualClock();
  const { logger, lines } = capturedLog();
  const ports = { disk, clock, random: new SeededRandom(7), logger };
  const store = await openLogStore({ ...ports, root: 'test' });
  const openLog = (topicId: string) => store.openLog({ name: 't-0', topicId, config, hooks });
  return { store, log: await openLog('id'), openLog, clock, lines };
}

async function snapshots(disk: SimulatedDisk): Promise<number[]> {
  const names = (await disk.list('t-0')).filter((name) => name.endsWith('.snapshot'));
  return names.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);
}

/** Two states are written, the newer one of which has a batch that is on its way still. */
async function halfWritten() {
  const disk = new HeldDisk({ seed: 1 });
  const { log, clock } = await openOn(disk);
  const append = async (count: number) => {
    for (let index = 0; index < count; index++) await log.append(largeBatch()).committed;
    await clock.advance(2000);
  };
  await append(2);
  await append(1);
  await log.append(largeBatch()).committed;
  const goOn = disk.hold(/^write .*\.log$/);
  const { committed } = log.append(largeBatch());
  await clock.advance(2000);
  return { disk, append, goOn, committed };
}

test('a state above what is durable does not take away the one that a start comes back to', async () => {
  const { disk } = await halfWritten();
  expect(await snapshots(disk)).toEqual([2, 5]);
  const { store, log } = await openOn(disk.kill());
  expect(log.endOffset).toBe(4);
  expect(await store.loadSnapshot(log, log.endOffset)).toMatchObject({ offset: 2 });
});

test('once a newer one is durable, it alone is kept', async () => {
  const { disk, append, goOn, committed } = await halfWritten();
  goOn();
  await committed;
  await append(2);
  expect(await snapshots(disk)).toEqual([7]);
});

test('a state of millions of producers is not written again for every few megabytes', async () => {
  const disk = new SimulatedDisk({ seed: 2 });
  const { log, clock } = await openOn(disk, 6 * 1024 * 1024);
  const { byteLength } = largeBatch();
  let states = 0;
  disk.hook = (operation, path) => {
    if (operation === 'write' && path.includes('.snapshot')) states++;
  };
  const rounds = 14;
  for (let index = 0; index < rounds; index++) {
    await log.append(largeBatch()).committed;
    await clock.advance(2000);
  }
  const appended = rounds * byteLength;
  const room = 24 * 1024 * 1024;
  expect(appended).toBeGreaterThan(1.5 * room);
  expect(states).toBeGreaterThan(1);
  // That the first one is so large is not known before.
  expect(states).toBeLessThanOrEqual(1 + Math.ceil(appended / room));
});

/** A log whose recovery point is about to move: the state that goes with it waits. */
async function beforeState() {
  const disk = new HeldDisk({ seed: 3 });
  const opened = await openOn(disk);
  const { log, clock } = opened;
  const goOn = disk.hold(/^open .*\.snapshot$/);
  for (let index = 0; index < 2; index++) await log.append(largeBatch()).committed;
  await clock.advance(2000);
  expect(disk.holdsAll).toBe(true);
  return { ...opened, disk, goOn };
}

test('a log that is deleted waits for a state that is being written: the next of its name would have it', async () => {
  const { disk, store, log, openLog, clock, goOn } = await beforeState();
  const exchanged = store.deleteLog(log).then(() => openLog('next'));
  await clock.advance(1000);
  goOn();
  await clock.until(exchanged);
  await clock.advance(2000);
  expect(await snapshots(disk)).toEqual([]);
});

test('a state that is refused is told of also while the log is closed, and not when it is deleted', async () => {
  for (const end of ['close', 'delete'] as const) {
    const { store, log, clock, goOn, lines } = await beforeState();
    const ended = end === 'close' ? store.close() : store.deleteLog(log);
    await clock.advance(10);
    goOn(new DiskError('disk_full', 't-0', 'no room'));
    await clock.until(ended);
    const told = lines.filter(({ message }) => message === 'recovery point not moved');
    expect({ end, told: told.length }).toEqual({ end, told: end === 'close' ? 1 : 0 });
  }
});
