// A start that could not write back what the journal holds of a log: the log comes back once the disk takes writes, and
// what the journal that was kept for it holds of others is replayed by no later start.

import { expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { DiskError, openLogStore, type PartitionLog } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../../support/captured-log.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { compactionInPlace, readBaseOffsets, testBatch, testConfig } from '../support.ts';

const config = { ...testConfig, damagedRecords: 'stop' as const };
const BATCHES = 4;
const whole = Array.from({ length: BATCHES }, (_, index) => index * 3);

async function openOver(disk: SimulatedDisk) {
  const clock = new VirtualClock();
  const { logger, lines } = capturedLog();
  const compaction = compactionInPlace(disk, clock, 1000);
  const ports = { disk, root: 'test', clock, random: new SeededRandom(7), logger };
  const store = await clock.until(openLogStore({ ...ports, compaction }));
  const openLog = (name: string) => clock.until(store.openLog({ name, topicId: 'id', config }));
  return { store, clock, openLog, lines };
}

/** Logs whose batches are durable in the journal alone, the first half of them below their marks. */
async function journaledOn(disk: SimulatedDisk, names: readonly string[]): Promise<void> {
  const { clock, openLog } = await openOver(disk);
  const logs: PartitionLog[] = [];
  for (const name of names) logs.push(await openLog(name));
  for (let index = 0; index < BATCHES; index++) {
    await clock.until(Promise.all(logs.map((log) => log.append(testBatch(index)).committed)));
    if (index === BATCHES / 2 - 1) await clock.advance(1200);
  }
}

/** Two such logs, and the disk after the power went. */
async function journaled(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ seed: 1, writesNow: 1 });
  await journaledOn(disk, ['t-0', 't-1']);
  return disk.crash(3);
}

/** Such logs, and the disk after the process was killed: what was written is there. */
async function killed(names: readonly string[]): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ seed: 1, writesNow: 1 });
  await journaledOn(disk, names);
  return disk.kill(3);
}

/** The disk takes no writes to these directories. */
function refuse(disk: SimulatedDisk, ...names: readonly string[]): void {
  disk.hook = (operation, path) => {
    if (operation === 'write' && names.some((name) => path.startsWith(`${name}/`)))
      throw new DiskError('io_error', path, 'no writes');
  };
}

const MORE = 3;

async function appendMore({ clock }: { clock: VirtualClock }, log: PartitionLog): Promise<void> {
  for (let index = 0; index < MORE; index++)
    await clock.until(log.append(testBatch(BATCHES + index)).committed);
  // A checkpoint takes nothing away that keeps old entries void.
  await clock.advance(40_000);
}

/** A start finds the log whole, with what was appended after it was recovered. */
async function expectWhole(disk: SimulatedDisk, name: string): Promise<void> {
  const { clock, openLog } = await openOver(disk);
  const log = await openLog(name);
  const expected = Array.from({ length: BATCHES + MORE }, (_, index) => index * 3);
  expect(await clock.until(readBaseOffsets(log))).toEqual(expected);
  expect(log.damaged).toEqual([]);
}

test.each(['stopped', 'killed'])('%s, a log that moved on is as it was left', async (end) => {
  const disk = await killed(['t-0', 't-1']);
  refuse(disk, 't-1');
  const run = await openOver(disk);
  await expect(run.openLog('t-1')).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
  await appendMore(run, await run.openLog('t-0'));
  if (end === 'stopped') await run.clock.until(run.store.close());
  await expectWhole(disk.kill(4), 't-0');
});

test('a log that was written back and moved on, too, while the journal is kept for another', async () => {
  const disk = await killed(['t-0', 't-1', 't-2']);
  refuse(disk, 't-1', 't-2');
  const run = await openOver(disk);
  await expect(run.openLog('t-1')).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
  refuse(disk, 't-2');
  await appendMore(run, await run.openLog('t-1'));
  await expectWhole(disk.kill(4), 't-1');
});

test('start after start that cannot write it back, until one can', async () => {
  let disk = await killed(['t-0', 't-1']);
  for (let starts = 0; starts < 3; starts++) {
    refuse(disk, 't-1');
    const run = await openOver(disk);
    await expect(run.openLog('t-1')).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
    const log = await run.openLog('t-0');
    if (starts === 0) await appendMore(run, log);
    disk = starts === 1 ? disk.crash(starts) : disk.kill(starts);
  }
  const run = await openOver(disk);
  expect(await run.clock.until(readBaseOffsets(await run.openLog('t-1')))).toEqual(whole);
  expect(disk.paths().filter((path) => path.endsWith('.journal'))).toEqual([]);
  await expectWhole(disk.kill(4), 't-0');
});

test('where it cannot be kept from being replayed, a log is there to be read, and takes writes once it can', async () => {
  const disk = await killed(['t-0', 't-1']);
  refuse(disk, 't-1', 'journal');
  const run = await openOver(disk);
  const log = await run.openLog('t-0');
  expect(log.state).toBe('failed');
  expect(await run.clock.until(readBaseOffsets(log))).toEqual(whole.slice(0, BATCHES / 2));
  refuse(disk, 't-1');
  await run.clock.until(log.reopen());
  await appendMore(run, log);
  await expectWhole(disk.kill(4), 't-0');
});

test('a log that the start could not write back opens later, with all that was committed', async () => {
  const disk = await journaled();
  disk.hook = (operation, path) => {
    if (operation === 'write' && path.startsWith('t-1/'))
      throw new DiskError('disk_full', path, 'no room');
  };
  const { store, clock, openLog } = await openOver(disk);
  await expect(openLog('t-1')).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
  const other = await openLog('t-0');
  expect(await clock.until(readBaseOffsets(other))).toEqual(whole);
  // What the journal holds of others is void: compaction may change their files.
  expect(store.compaction).not.toBeNull();

  disk.hook = () => {};
  const late = await openLog('t-1');
  expect(await clock.until(readBaseOffsets(late))).toEqual(whole);
  await clock.until(late.append(testBatch(BATCHES)).committed);
  const after = await openOver(disk.crash(4));
  expect(await after.clock.until(readBaseOffsets(await after.openLog('t-1')))).toHaveLength(5);
});

test('a journal whose removal a kill cut short does not come back once a start has gone on without it', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const disk = await journaled();
    const journals = (of: SimulatedDisk) =>
      of.paths().filter((path) => /^journal\/\d+\.journal$/.test(path));
    const [path = ''] = journals(disk);
    await disk.remove(path);
    // The removal is seen, but not durable yet.
    await openOver(disk);
    expect(journals(disk.crash(seed))).toEqual([]);
  }
});
