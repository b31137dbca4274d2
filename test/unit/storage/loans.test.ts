// Batches whose memory goes back to its owner: whoever writes into it afterwards must change nothing that anybody
// reads, and as long as the disk may read it, it must not go back.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { NodeDisk } from '../../../src/host/node-disk.ts';
import { buildBatch, iterateBatches, verifyBatch } from '../../../src/record/index.ts';
import { DiskError, MemoryDisk, type PartitionLog } from '../../../src/storage/index.ts';
import { SimulatedDisk } from '../../support/simulated-disk.ts';
import { openStore, testConfig } from './support.ts';

const config = { ...testConfig, segmentBytes: 1024 * 1024 };

/** A batch of `count` records of `bytes` bytes, in memory that is overwritten once it is given back. */
function loan(fill: string, bytes: number, count = 1) {
  const value = Buffer.alloc(bytes, fill);
  const record = { timestamp: 1000, key: null, value };
  const batch = buildBatch(Array.from({ length: count }, () => record));
  let given = 0;
  const released = (): void => {
    given += 1;
    batch.fill(0xee);
  };
  const facts = { byteLength: batch.length, offsetCount: count, maxTimestamp: 1000 };
  return { append: { parts: [batch], ...facts, released }, timesGiven: () => given };
}

async function readWhole(log: PartitionLog): Promise<number[]> {
  const sizes: number[] = [];
  for (let offset = log.startOffset; offset < log.highWatermark; ) {
    const options = { offset, limit: log.highWatermark, maxBytes: 1, minOneBatch: true };
    const { records } = await log.read(options);
    const bytes = Array.isArray(records) ? Buffer.concat(records as Buffer[]) : (records as Buffer);
    for (const header of iterateBatches(bytes)) {
      verifyBatch(bytes.subarray(header.position, header.position + header.sizeInBytes));
      sizes.push(header.sizeInBytes);
      offset = header.nextOffset;
    }
  }
  return sizes;
}

for (const flushPolicy of ['sync', 'os'] as const) {
  test(`lent memory goes back once, and readers see none of what comes into it (${flushPolicy})`, async () => {
    const root = mkdtempSync(join(tmpdir(), 'loans-'));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    const store = await openStore(new NodeDisk(root));
    const log = await store.openLog({
      name: 't-0',
      topicId: 'id',
      config: { ...config, flushPolicy },
    });
    // Below and above what the tail copies, and in between what is not on loan.
    const sizes = [10, 70_000, 100, 3000, 200_000, 20, 64_000];
    const loans = sizes.map((bytes, index) => loan(String.fromCharCode(97 + index), bytes));
    const tickets = loans.map(({ append }) => log.append(append));
    expect(loans.map(({ timesGiven }) => timesGiven())).toEqual(sizes.map(() => 0));
    const own = loan('k', 500);
    const kept = log.append({ ...own.append, released: undefined });
    await Promise.all([...tickets, kept].map((ticket) => ticket.committed));
    expect(loans.map(({ timesGiven }) => timesGiven())).toEqual(sizes.map(() => 1));
    const appended = [...loans, own].map(({ append }) => append.byteLength);
    expect(await readWhole(log)).toEqual(appended);
    await store.close();
    expect(loans.map(({ timesGiven }) => timesGiven())).toEqual(sizes.map(() => 1));
  });
}

test('many small logs: what the journal still has to write stays', async () => {
  const disk = new MemoryDisk(() => 0);
  const store = await openStore(disk);
  const names = Array.from({ length: 40 }, (_, index) => `t-${index}`);
  const logs = await Promise.all(
    names.map((name) => store.openLog({ name, topicId: 'id', config })),
  );
  for (let round = 0; round < 5; round++) {
    const tickets = logs.map((log, index) => log.append(loan('j', 50 + index).append));
    await Promise.all(tickets.map((ticket) => ticket.committed));
  }
  for (const log of logs) expect(await readWhole(log)).toHaveLength(5);
  await store.close();
});

test('after a failure it does not go back', async () => {
  const disk = new SimulatedDisk({ seed: 1 });
  disk.hook = (operation, path) => {
    if (operation === 'sync' && path.endsWith('.log')) {
      throw new DiskError('io_error', path, 'no sync');
    }
  };
  const store = await openStore(disk);
  const log = await store.openLog({ name: 't-0', topicId: 'id', config });
  const { append, timesGiven } = loan('f', 20_000);
  await expect(log.append(append).committed).rejects.toThrow('no sync');
  await store.close();
  expect(timesGiven()).toBe(0);
});
