// What searches by time read, and how long they keep out those who exchange a log's files.

import { afterEach, describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../../../../src/base/ports.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { inPlaceRecordWorker, LOOK_NOW_BYTES_MAX } from '../../../../src/record/index.ts';
import {
  type Disk,
  MemoryDisk,
  openLogStore,
  type PartitionLog,
} from '../../../../src/storage/index.ts';
import { ReaderLatch } from '../../../../src/storage/reading/reader-latch.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { wrapFiles } from '../../../support/simulation-faults.ts';
import { batchOf, patchFile, testConfig } from '../support.ts';

const config = { ...testConfig, segmentBytes: 1024 * 1024 };

function gate(): { readonly wait: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const wait = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { wait, open };
}

/** A disk whose syncs can be held, and the next read of a segment; it counts these. */
class HeldDisk {
  readonly disk: Disk;
  reads = 0;
  syncs = Promise.resolve();
  nextRead: (() => Promise<void>) | null = null;

  constructor(under: Disk = new MemoryDisk()) {
    this.disk = wrapFiles(under, (file) => ({
      datasync: async () => {
        await this.syncs;
        await file.datasync();
      },
      read: async (into, position) => {
        if (file.path.endsWith('.log')) {
          this.reads++;
          const held = this.nextRead;
          this.nextRead = null;
          await held?.();
        }
        return file.read(into, position);
      },
    }));
  }

  holdSyncs(): () => void {
    const { wait, open } = gate();
    this.syncs = wait;
    return open;
  }
}

interface Settings {
  readonly segmentBytes?: number;
  readonly find?: typeof inPlaceRecordWorker.find;
}

async function openOn(disk: Disk, { segmentBytes = config.segmentBytes, find }: Settings = {}) {
  const recordWorker = find === undefined ? inPlaceRecordWorker : { ...inPlaceRecordWorker, find };
  const ports = { clock: new VirtualClock(), random: new SeededRandom(1), logger: silentLogger };
  const store = await openLogStore({ disk, root: 'test', ...ports, recordWorker });
  const described = { name: 't-0', topicId: 'id', config: { ...config, segmentBytes } };
  return { store, log: await store.openLog(described) };
}

function batchAt(timestamp: number, valueBytes = 80) {
  const value = Buffer.alloc(valueBytes, 1);
  return batchOf([{ timestamp, key: null, value }], { codec: 'gzip' });
}

async function commit(log: PartitionLog, times: Iterable<number>): Promise<void> {
  for (const time of times) log.append(batchAt(time));
  await log.flush();
}

const rising = (count: number) => Array.from({ length: count }, (_, at) => 1000 + at);

describe('the newest record, while a newer one waits for its sync', () => {
  for (const segmentBytes of [config.segmentBytes, 20_000]) {
    test(`takes a few reads, with segments of ${segmentBytes} bytes`, async () => {
      const held = new HeldDisk();
      const { store, log } = await openOn(held.disk, { segmentBytes });
      await commit(log, rising(1000));
      const release = held.holdSyncs();
      const { committed } = log.append(batchAt(9000));
      held.reads = 0;
      expect(await log.maxTimestamp()).toMatchObject({ offset: 999, timestamp: 1999 });
      expect(held.reads).toBeLessThan(10);
      release();
      await committed;
      expect(await log.maxTimestamp()).toMatchObject({ offset: 1000, timestamp: 9000 });
      await store.close();
    });
  }

  test('takes no more where it lies far back', async () => {
    const held = new HeldDisk();
    const { store, log } = await openOn(held.disk);
    await commit(log, [...rising(100), 7000, ...rising(500)]);
    const release = held.holdSyncs();
    log.append(batchAt(9000));
    held.reads = 0;
    expect(await log.maxTimestamp()).toMatchObject({ offset: 100, timestamp: 7000 });
    expect(held.reads).toBeLessThan(10);
    release();
    await store.close();
  });

  test('is the newest at or behind the start', async () => {
    const held = new HeldDisk();
    const { log } = await openOn(held.disk);
    await commit(log, [...rising(10), 7000, ...rising(30), 5000, ...rising(30)]);
    await log.deleteRecordsBefore(11);
    expect(await log.maxTimestamp()).toMatchObject({ offset: 41, timestamp: 5000 });
    const release = held.holdSyncs();
    log.append(batchAt(9000));
    expect(await log.maxTimestamp()).toMatchObject({ offset: 41, timestamp: 5000 });
    release();
    await log.deleteRecordsBefore(72);
    held.holdSyncs();
    log.append(batchAt(9001));
    expect(await log.maxTimestamp()).toBeNull();
  });

  test('is the newest of those that are not damaged', async () => {
    const under = new MemoryDisk();
    const before = await openOn(under);
    await commit(before.log, [...rising(10), 7000, ...rising(30), 6000, ...rising(30)]);
    await before.store.close();
    await patchFile(under, 't-0/00000000000000000000.log', (file) => {
      for (let at = 0, batch = 0; at < file.length; batch++) {
        const next = at + 12 + file.readInt32BE(at + 8);
        if (batch === 10 || batch === 41) file.writeUInt8(file.readUInt8(next - 1) ^ 1, next - 1);
        at = next;
      }
      return file;
    });
    const held = new HeldDisk(under);
    const { log } = await openOn(held.disk);
    held.holdSyncs();
    log.append(batchAt(9000));
    expect(await log.maxTimestamp()).toMatchObject({ offset: 40, timestamp: 1029 });
  });
});

/** A log that was closed and opened again: nothing of it is in memory. */
async function cold(batches: readonly ReturnType<typeof batchAt>[], settings: Settings = {}) {
  const under = new MemoryDisk();
  const before = await openOn(under, settings);
  for (const batch of batches) before.log.append(batch);
  await before.log.flush();
  await before.store.close();
  const held = new HeldDisk(under);
  return { held, ...(await openOn(held.disk, settings)) };
}

test('records that are appended while a time index is made are found', async () => {
  const { held, store, log } = await cold(rising(10).map((time) => batchAt(time)));
  held.nextRead = async () => {
    await log.append(batchAt(9000)).committed;
  };
  expect(await log.maxTimestamp()).toMatchObject({ offset: 10, timestamp: 9000 });
  expect(await log.offsetForTimestamp(5000)).toMatchObject({ offset: 10, timestamp: 9000 });
  await store.close();
});

describe('a search by time lets files be exchanged, and others read,', () => {
  afterEach(() => vi.restoreAllMocks());

  /** Exchanges files and reads while a search stands where `reached` tells; then lets it go on. */
  async function exchangeWithin(
    log: PartitionLog,
    timestamp: number,
    stand: { readonly reached: Promise<void>; readonly leave: () => void },
  ) {
    const shared = vi.spyOn(ReaderLatch.prototype, 'shared');
    const search = log.offsetForTimestamp(timestamp);
    await stand.reached;
    const latch = shared.mock.contexts.at(-1) as ReaderLatch;
    const exchange = latch.exclusive(async () => {});
    const read = log.read({ offset: 0, limit: 1, maxBytes: 1, minOneBatch: true });
    expect((await read).byteLength).toBeGreaterThan(0);
    await exchange;
    stand.leave();
    return search;
  }

  test('while another thread looks into a batch', async () => {
    const inside = gate();
    const looked = gate();
    const { store, log } = await cold([batchAt(1500, LOOK_NOW_BYTES_MAX * 2)], {
      find: async (search) => {
        inside.open();
        await looked.wait;
        return inPlaceRecordWorker.find(search);
      },
    });
    const stand = { reached: inside.wait, leave: looked.open };
    expect(await exchangeWithin(log, 1500, stand)).toMatchObject({ offset: 0, timestamp: 1500 });
    await store.close();
  });

  for (const [what, count] of [
    ['is made', 10],
    ['is looked at', 1000],
  ] as const) {
    test(`while a time index ${what}`, async () => {
      const { held, store, log } = await cold(rising(count).map((time) => batchAt(time)));
      const inside = gate();
      const looked = gate();
      held.nextRead = () => {
        inside.open();
        return looked.wait;
      };
      const stand = { reached: inside.wait, leave: looked.open };
      expect(await exchangeWithin(log, 1007, stand)).toMatchObject({ offset: 7 });
      await store.close();
    });
  }

  test('while it goes from batch to batch', async () => {
    // One index entry at most: from the first batch on, each is a step.
    const times = [...Array.from({ length: 30 }, () => 1000), 2000];
    const { held, store, log } = await cold(times.map((time) => batchAt(time)));
    expect(await log.offsetForTimestamp(2000)).toMatchObject({ offset: 30 });
    const inside = gate();
    const looked = gate();
    held.nextRead = () => {
      inside.open();
      return looked.wait;
    };
    const search = log.offsetForTimestamp(2000);
    await inside.wait;
    const shared = vi.spyOn(ReaderLatch.prototype, 'shared');
    const read = log.read({ offset: 0, limit: 1, maxBytes: 1, minOneBatch: true });
    const latch = shared.mock.contexts.at(-1) as ReaderLatch;
    let readsBefore = 0;
    const exchange = latch.exclusive(async () => {
      readsBefore = held.reads;
    });
    const from = held.reads;
    looked.open();
    await exchange;
    expect(readsBefore - from).toBeLessThan(5);
    expect((await read).byteLength).toBeGreaterThan(0);
    expect(await search).toMatchObject({ offset: 30 });
    await store.close();
  });

  test('and begins anew where the exchange took its segment', async () => {
    const { held, store, log } = await cold(
      rising(1000).map((time) => batchAt(time)),
      {
        segmentBytes: 20_000,
      },
    );
    held.nextRead = async () => {
      await log.deleteRecordsBefore(500);
    };
    expect(await log.offsetForTimestamp(1000)).toMatchObject({ offset: 500 });
    await store.close();
  });
});
