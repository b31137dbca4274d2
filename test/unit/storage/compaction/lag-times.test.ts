// The times that a lag goes by are looked up in files that go by name.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/ports.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { compactionDefaults } from '../../../../src/storage/compaction/plan.ts';
import { type DiskFile, MemoryDisk, openLogStore } from '../../../../src/storage/index.ts';
import type { DiskLog } from '../../../../src/storage/log/log.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { testBatch, testConfig, turns } from '../support.ts';

const FIRST = 't-0/00000000000000000000.log';
const config = {
  ...testConfig,
  segmentBytes: 1000,
  cleanupCompact: true,
  compaction: { ...compactionDefaults, maxCompactionLagMs: 1000 },
};

/** The first segment opens when the test says so. */
class SlowOpens extends MemoryDisk {
  hold: Promise<void> | null = null;
  begun = false;

  override async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    if (this.hold !== null && path === FIRST) {
      this.begun = true;
      await this.hold;
    }
    return super.open(path, mode);
  }
}

test('no segment is taken away while its times are looked up', async () => {
  const clock = new VirtualClock();
  const disk = new SlowOpens(() => clock.now());
  const open = async () => {
    const ports = { disk, clock, random: new SeededRandom(7), logger: silentLogger };
    const store = await openLogStore({ ...ports, root: 'test', openFilesMax: 2, tailBytesMax: 0 });
    const log = await store.openLog({ name: 't-0', topicId: 'id', config });
    return { store, log: log as DiskLog };
  };
  const before = await open();
  for (let index = 0; index < 40; index++) await before.log.append(testBatch(index)).committed;
  await before.store.close();

  const { store, log } = await open();
  // It knows from now on which segments are old, and their files are closed again.
  await log.applyRetention(clock.now());
  const count = log.segmentCount();
  let goOn = (): void => {};
  disk.hold = new Promise((resolve) => {
    goOn = resolve;
  });
  const options = { firstDirtyOffset: 0, nowMs: clock.now(), anyRatio: false };
  const planning = log.compaction.plan(options);
  await turns(() => disk.begun);
  expect(disk.begun).toBe(true);
  const deleting = log.deleteRecordsBefore(60);
  await turns();
  goOn();
  expect(await planning).toMatchObject({ reason: 'max-lag', firstDirtyOffset: 0 });
  await deleting;
  expect(log.segmentCount()).toBeLessThan(count);
  await store.close();
});
