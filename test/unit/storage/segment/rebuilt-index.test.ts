// An index that is found to be wrong while its files are being written: they must not count for what was rebuilt.

import { expect, test } from 'vitest';
import { OFFSET_ENTRY_BYTES, OffsetIndex } from '../../../../src/storage/index.ts';
import { capturedLog } from '../../../support/captured-log.ts';
import { HeldDisk } from '../held-disk.ts';
import { openStore, patchFile, testBatch, testConfig, turns } from '../support.ts';

const INDEX = `t-0/${'0'.repeat(20)}.index`;
const BATCHES = 60;

test('an index that is rebuilt while its segment is finished is written again', async () => {
  const disk = new HeldDisk({ seed: 1 });
  const { logger, lines } = capturedLog();
  const config = { ...testConfig, segmentBytes: 1024 * 1024 };
  const open = async () => {
    const store = await openStore(disk, { logger, tailBytesMax: 0 });
    return { store, log: await store.openLog({ name: 't-0', topicId: 'id', config }) };
  };
  const before = await open();
  for (let index = 0; index < BATCHES; index++) await before.log.append(testBatch(index)).committed;
  await before.store.close();
  let right = Buffer.alloc(0);
  // An entry names the offset behind the one that it leads to.
  await patchFile(disk, INDEX, (bytes) => {
    right = Buffer.from(bytes);
    const at = 3 * OFFSET_ENTRY_BYTES;
    bytes.writeInt32BE(bytes.readInt32BE(at) + 1, at);
    return bytes;
  });

  const { store, log } = await open();
  const release = disk.hold(/^sync .*\.index$/);
  log.setConfig({ ...config, segmentBytes: 1 });
  await log.append(testBatch(BATCHES)).committed;
  await turns(() => disk.holdsAll);
  const { index } = OffsetIndex.decode(right, Number.MAX_SAFE_INTEGER);
  const wanted = { offset: index.offsetAt(3) + 2, limit: 3 * BATCHES, maxBytes: 1 };
  const rebuilt = () => lines.filter(({ message }) => message === 'a wrong index is rebuilt');
  await log.read({ ...wanted, minOneBatch: true });
  expect(rebuilt()).toHaveLength(1);
  release();
  await turns();
  await log.read({ ...wanted, minOneBatch: true });
  expect(rebuilt()).toHaveLength(1);
  await store.close();
  await patchFile(disk, INDEX, (bytes) => {
    expect(bytes.equals(right)).toBe(true);
    return bytes;
  });
});
