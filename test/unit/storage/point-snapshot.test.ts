// The producers' state beside the recovery point, while batches are on their way to the file.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { type DiskFile, openLogStore } from '../../../src/storage/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../support/simulated-disk.ts';
import { testBatch, testConfig } from './support.ts';

/** Two batches of so many are more than a restart is to scan. */
const OFFSETS = 120_000;
const config = { ...testConfig, segmentBytes: 2 ** 30, segmentMs: Number.MAX_SAFE_INTEGER };

/** Writes to the log wait as long as they are held. */
class HeldDisk extends SimulatedDisk {
  #held: Promise<void> = Promise.resolve();

  hold(): () => void {
    let goOn = (): void => {};
    this.#held = new Promise((resolve) => {
      goOn = resolve;
    });
    return goOn;
  }

  override async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    const file = await super.open(path, mode);
    if (!path.endsWith('.log')) return file;
    const write = file.write.bind(file);
    file.write = async (parts, position) => {
      await this.#held;
      await write(parts, position);
    };
    return file;
  }
}

async function openOn(disk: SimulatedDisk, stateBytes = 0) {
  const hooks = {
    producerSnapshot: (offset: number) => Buffer.from(`state at ${offset}`.padEnd(stateBytes)),
  };
  const clock = new VirtualClock();
  const ports = { disk, clock, random: new SeededRandom(7), logger: silentLogger };
  const store = await openLogStore({ ...ports, root: 'test' });
  const log = await store.openLog({ name: 't-0', topicId: 'id', config, hooks });
  return { store, log, clock };
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
    for (let index = 0; index < count; index++)
      await log.append(testBatch(index, OFFSETS)).committed;
    await clock.advance(2000);
  };
  await append(2);
  await append(1);
  await log.append(testBatch(3, OFFSETS)).committed;
  const goOn = disk.hold();
  const { committed } = log.append(testBatch(4, OFFSETS));
  await clock.advance(2000);
  return { disk, append, goOn, committed };
}

test('a state above what is durable does not take away the one that a start comes back to', async () => {
  const { disk } = await halfWritten();
  expect(await snapshots(disk)).toEqual([2 * OFFSETS, 5 * OFFSETS]);
  const { store, log } = await openOn(disk.kill());
  expect(log.endOffset).toBe(4 * OFFSETS);
  expect(await store.loadSnapshot(log, log.endOffset)).toMatchObject({ offset: 2 * OFFSETS });
});

test('once a newer one is durable, it alone is kept', async () => {
  const { disk, append, goOn, committed } = await halfWritten();
  goOn();
  await committed;
  await append(2);
  expect(await snapshots(disk)).toEqual([7 * OFFSETS]);
});

test('a state of millions of producers is not written again for every few megabytes', async () => {
  const disk = new SimulatedDisk({ seed: 2 });
  const { log, clock } = await openOn(disk, 6 * 1024 * 1024);
  const { byteLength } = testBatch(0, OFFSETS);
  let states = 0;
  disk.hook = (operation, path) => {
    if (operation === 'write' && path.includes('.snapshot')) states++;
  };
  const rounds = 14;
  for (let index = 0; index < rounds; index++) {
    await log.append(testBatch(index, OFFSETS)).committed;
    await clock.advance(2000);
  }
  const appended = rounds * byteLength;
  const room = 24 * 1024 * 1024;
  expect(appended).toBeGreaterThan(1.5 * room);
  expect(states).toBeGreaterThan(1);
  // That the first one is so large is not known before.
  expect(states).toBeLessThanOrEqual(1 + Math.ceil(appended / room));
});
