import { expect, test } from 'vitest';
import { verifyDirectory } from '../../../src/inspect/index.ts';
import { MemoryDisk } from '../../../src/storage/index.ts';
import { batchOf } from '../storage/support.ts';
import { config, faults, openStore, readFile, TOPIC_ID, writeFile } from './directory.ts';

const LOGS = 24;

/** Small batches to many logs at once go through the shared journal. */
async function journaled(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const store = await openStore(disk);
  const logs = await Promise.all(
    Array.from({ length: LOGS }, (_, index) =>
      store.openLog({ name: `orders-${index}`, topicId: TOPIC_ID, config }),
    ),
  );
  for (let round = 0; round < 5; round++) {
    const tickets = logs.map((log) => {
      const value = Buffer.from(`r ${round}`);
      return log.append(batchOf([{ timestamp: 1000, key: null, value }]));
    });
    await Promise.all(tickets.map((ticket) => ticket.committed));
  }
  return disk;
}

const topics = [
  { name: 'orders', id: TOPIC_ID, partitionCount: LOGS, compacted: false, intervalBytes: 512 },
];

test('records that only the journal still holds are not taken for lost', async () => {
  const disk = await journaled();
  expect(await disk.list('journal')).not.toEqual([]);
  const options = { disk, catalogue: { topics, damage: [] }, live: false, deep: true };
  expect(await verifyDirectory(options)).toMatchObject({ ok: true, records: LOGS * 5 });

  // A power cut: the segments were in the page cache only, the journal was synced.
  const path = 'orders-7/00000000000000000000.log';
  const whole = await readFile(disk, path);
  const inJournal = await journalBytes(disk);
  expect(inJournal.includes(whole.subarray(whole.length - 40))).toBe(true);
  await writeFile(disk, path, whole.subarray(0, 100));
  const report = await verifyDirectory(options);
  expect(report).toMatchObject({ journalPending: true });
  const bytesOfOthers = (LOGS - 1) * 5;
  expect(report.records).toBeGreaterThan(bytesOfOthers);
  expect(faults(report)).toEqual([]);
});

async function journalBytes(disk: MemoryDisk): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const name of await disk.list('journal'))
    parts.push(await readFile(disk, `journal/${name}`));
  return Buffer.concat(parts);
}
