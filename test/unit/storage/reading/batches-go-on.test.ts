// Reading a log from one end to the other while retention takes segments away.

import { expect, test } from 'vitest';
import { BatchHeader } from '../../../../src/record/index.ts';
import { HeldDisk } from '../held-disk.ts';
import { openStore, testBatch, testConfig, turns } from '../support.ts';

test('no segment is passed over behind a damaged end while one before it is deleted', async () => {
  const disk = new HeldDisk({ seed: 1 });
  const open = async () => {
    const store = await openStore(disk, { tailBytesMax: 1 });
    return { store, log: await store.openLog({ name: 't-0', topicId: 'id', config: testConfig }) };
  };
  const before = await open();
  for (let index = 0; index < 120; index++) await before.log.append(testBatch(index)).committed;
  await before.store.close();
  const logs = (await disk.list('t-0')).filter((name) => name.endsWith('.log'));
  const [, damaged, behind] = logs.map((name) => Number.parseInt(name, 10)) as [
    number,
    number,
    number,
  ];
  const path = `t-0/${logs[1]}`;
  const { bytes } = (await disk.stat(path)) ?? { bytes: 0 };
  disk.flipBit(path, bytes - 3);

  const { store, log } = await open();
  const release = disk.hold(/^read .*log$/);
  const seen: number[] = [];
  const reading = (async () => {
    for await (const batch of log.batches(behind - 1)) seen.push(new BatchHeader(batch).baseOffset);
  })();
  await turns(() => disk.holdsAll);
  await log.deleteRecordsBefore(damaged);
  release();
  await reading;
  expect(seen[0]).toBe(behind);
  await store.close();
});
