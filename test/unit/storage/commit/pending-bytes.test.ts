// What a store keeps in memory of batches that are on their way: until they are durable, though acks=1 is answered when
// they are written. Whoever takes requests asks for it.

import { expect, test } from 'vitest';
import { DiskError, type DiskFile, MemoryDisk } from '../../../../src/storage/index.ts';
import { openStore, testBatch, testConfig, turns } from '../support.ts';

/** Syncs of segments take until the test says so. */
class Stalling extends MemoryDisk {
  sync: () => Promise<void> = () => Promise.resolve();

  override async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    const file = await super.open(path, mode);
    if (path.endsWith('.log')) file.datasync = () => this.sync();
    return file;
  }

  /** What lets those go on, well or refused, that come from now on. */
  stall(): (refused?: DiskError) => void {
    let goOn: (refused?: DiskError) => void = () => {};
    const stalled = new Promise<void>((resolve, reject) => {
      goOn = (refused) => (refused === undefined ? resolve() : reject(refused));
    });
    this.sync = () => stalled;
    return goOn;
  }
}

// Longer than what goes through the journal.
const LONG = 4000;

async function openLogs(disk: MemoryDisk, flushPolicy: 'sync' | 'os' = 'sync') {
  const store = await openStore(disk);
  const config = { ...testConfig, flushPolicy, segmentBytes: 1024 * 1024 };
  const open = (name: string) => store.openLog({ name, topicId: 'id', config });
  return { store, logs: [await open('t-0'), await open('t-1')] as const };
}

test('batches that are written count until they are synced, over all logs', async () => {
  const disk = new Stalling();
  const { store, logs } = await openLogs(disk);
  expect(store.pendingBytes).toBe(0);
  const goOn = disk.stall();
  const batches = [0, 1, 2, 3].map((index) => testBatch(index, LONG));
  const tickets = batches.map((batch, index) => logs[index % 2 === 0 ? 0 : 1].append(batch));
  const bytes = batches.reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(store.pendingBytes).toBe(bytes);
  await Promise.all(tickets.map(({ written }) => written));
  expect(store.pendingBytes).toBe(bytes);
  goOn();
  await Promise.all(tickets.map(({ committed }) => committed));
  expect(store.pendingBytes).toBe(0);
  await store.close();
});

test('those of a log that fails count no more, written or not', async () => {
  const disk = new Stalling();
  const { store, logs } = await openLogs(disk);
  const [log] = logs;
  const goOn = disk.stall();
  const first = log.append(testBatch(0, LONG));
  await first.written;
  await turns();
  const second = log.append(testBatch(1, LONG));
  goOn(new DiskError('io_error', 't-0', 'no sync'));
  await expect(second.committed).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
  expect(store.pendingBytes).toBe(0);
  await store.close();
});

test('those of a log that leaves syncs to the system count until they are written', async () => {
  const { store, logs } = await openLogs(new Stalling(), 'os');
  const ticket = logs[0].append(testBatch(0, LONG));
  expect(store.pendingBytes).toBeGreaterThan(0);
  await ticket.written;
  expect(store.pendingBytes).toBe(0);
  await store.close();
});
