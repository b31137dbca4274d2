// A disk that refuses a step of a deletion: the log is gone all the same and its room is given back, and nothing that
// the journal holds of it keeps the journal from other logs.

import { expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { DiskError, openLogStore, type PartitionLog } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../../support/captured-log.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { readBaseOffsets, testBatch, testConfig } from '../support.ts';

const config = { ...testConfig, segmentBytes: 1024 * 1024, fileDeleteDelayMs: 500 };
/** Longer than checkpoints and removals take. */
const LONG_MS = 60_000;
/** Enough for small commits to come back to a journal that was refused. */
const MANY = 20;

const refusals = [
  ['write', /^journal\//],
  ['sync', /^journal\//],
  ['syncdir', /^\.$/],
  ['rename', /^t-0$/],
] as const;

class World {
  readonly clock = new VirtualClock();
  readonly disk: SimulatedDisk;

  constructor(disk = new SimulatedDisk({ seed: 1, writesNow: 1 })) {
    this.disk = disk;
  }

  async open() {
    const { disk, clock } = this;
    const { logger } = capturedLog();
    const ports = { disk, clock, random: new SeededRandom(7), logger };
    const store = await clock.until(openLogStore({ ...ports, root: 'test' }));
    const openLog = (name: string, topicId: string) =>
      clock.until(store.openLog({ name, topicId, config }));
    return { store, openLog };
  }

  async append(logs: readonly PartitionLog[], rounds: number): Promise<void> {
    for (let index = 0; index < rounds; index++) {
      await this.clock.until(
        Promise.all(logs.map((log) => log.append(testBatch(index)).committed)),
      );
    }
  }

  async journal(): Promise<string[]> {
    return (await this.disk.list('journal')).filter((name) => name.endsWith('.journal'));
  }

  /** The first such operation from now on is refused. */
  refuseOnce(operation: string, path: RegExp): void {
    this.disk.hook = (what, at) => {
      if (what !== operation || !path.test(at)) return;
      this.disk.hook = () => {};
      throw new DiskError('io_error', at, `no ${operation} of ${at}`);
    };
  }
}

/** Three logs that have committed through the journal. */
async function journaled() {
  const world = new World();
  const { store, openLog } = await world.open();
  const first = await openLog('t-0', 'old');
  const others = [await openLog('u-0', 'u'), await openLog('v-0', 'v')];
  await world.append([first, ...others], 5);
  expect(await world.journal()).toHaveLength(1);
  return { world, store, openLog, first, others };
}

test.each(refusals)(
  'a deletion whose %s (%s) is refused keeps no journal file and no directory',
  async (operation, path) => {
    const { world, store, first, others } = await journaled();
    const { clock, disk } = world;
    world.refuseOnce(operation, path);
    await expect(clock.until(store.deleteLog(first))).rejects.toThrow(`no ${operation}`);
    await clock.advance(LONG_MS);
    expect(await world.journal()).toEqual([]);
    expect(disk.paths().filter((name) => name.startsWith('t-0.'))).toEqual([]);
    await world.append(others, MANY);
    expect(await world.journal()).toHaveLength(1);
    await clock.until(store.close());
  },
);

test('nor does a log whose files would not sync before', async () => {
  const { world, store, first } = await journaled();
  const { clock, disk } = world;
  disk.hook = (operation, path) => {
    if (operation === 'sync' && path.startsWith('t-0/')) throw new DiskError('io_error', path, '');
  };
  await clock.advance(LONG_MS);
  expect(first.state).toBe('failed');
  expect(await world.journal()).toHaveLength(1);
  disk.hook = (operation, path) => {
    if (operation === 'write' && path.startsWith('journal/'))
      throw new DiskError('io_error', path, '');
  };
  await expect(clock.until(store.deleteLog(first))).rejects.toThrow();
  disk.hook = () => {};
  await clock.advance(LONG_MS);
  expect(await world.journal()).toEqual([]);
  await clock.until(store.close());
});

test.each(['kill', 'crash'] as const)(
  'what could not be voided is not written into the next log of the name after a %s',
  async (end) => {
    const { world, store, openLog, first } = await journaled();
    world.refuseOnce('write', /^journal\//);
    await expect(world.clock.until(store.deleteLog(first))).rejects.toThrow('no write');
    const next = await openLog('t-0', 'new');
    await world.append([next], 2);
    const after = new World(world.disk[end](1));
    expect(await after.journal()).not.toEqual([]);
    const { store: again, openLog: openAgain } = await after.open();
    const log = await openAgain('t-0', 'new');
    expect(await after.clock.until(readBaseOffsets(log))).toEqual([0, 3]);
    expect(log.damaged).toEqual([]);
    await after.clock.until(again.close());
  },
);
