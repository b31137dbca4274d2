// A segment goes while its indexes are being written: nothing of it may come back under its old names.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { openLogStore } from '../../../src/storage/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../support/simulated-disk.ts';
import { testBatch, testConfig } from './support.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Index files are slow to open. */
class SlowIndexes extends SimulatedDisk {
  override async open(path: string, mode: 'read' | 'write' | 'create') {
    if (path.endsWith('index')) for (let turns = 0; turns < 50; turns++) await turn();
    return super.open(path, mode);
  }
}

async function openOn(disk: SimulatedDisk) {
  const clock = new VirtualClock();
  const ports = { disk, clock, random: new SeededRandom(7), logger: silentLogger };
  const store = await openLogStore({ ...ports, root: 'test' });
  const log = await store.openLog({ name: 't-0', topicId: 'id', config: testConfig });
  return { store, log, clock };
}

/** Index files without a log file, and logs whose segment is gone. */
async function orphans(disk: SimulatedDisk): Promise<string[]> {
  const names = await disk.list('t-0');
  const logs = new Set(
    names.filter((name) => name.endsWith('.log')).map((name) => name.slice(0, 20)),
  );
  return names.filter((name) => name.endsWith('index') && !logs.has(name.slice(0, 20)));
}

test('DeleteRecords right after a roll leaves no index of a segment that is gone', async () => {
  const disk = new SlowIndexes({ seed: 1 });
  const { store, log, clock } = await openOn(disk);
  for (let index = 0; index < 100; index++) log.append(testBatch(index));
  await log.flush();
  expect(log.segmentCount()).toBeGreaterThan(2);
  await log.deleteRecordsBefore(299);
  expect(log.segmentCount()).toBe(1);
  for (let turns = 0; turns < 1000; turns++) await turn();
  await clock.advance(2000);
  expect(await orphans(disk)).toEqual([]);
  await store.close();
  expect(await orphans(disk)).toEqual([]);
});

test('a start removes indexes whose log file is gone', async () => {
  const disk = new SimulatedDisk({ seed: 2 });
  const { store, log } = await openOn(disk);
  await log.append(testBatch(0)).committed;
  await store.close();
  const gone = ['.index', '.timeindex'].map((suffix) => `t-0/${'0'.repeat(18)}77${suffix}`);
  for (const path of gone) await (await disk.open(path, 'create')).close();
  await disk.syncDirectory('t-0');
  const next = await openOn(disk);
  expect(await orphans(disk)).toEqual([]);
  expect(next.log.endOffset).toBe(3);
  await next.store.close();
});
