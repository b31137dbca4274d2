// The file of the newest segment is gone after an orderly stop: the marks speak of a place in it, which must not be
// taken for one in the segment before.

import { expect, test } from 'vitest';
import { MemoryDisk } from '../../../../src/storage/index.ts';
import { openStore, readBaseOffsets, testBatch, testConfig } from '../support.ts';

const name = 'orders-0';
const topicId = 'AAAAAAAAAAAAAAAAAAAAAA';

test('without its newest segment a log keeps every batch of the others', async () => {
  const disk = new MemoryDisk(() => 0);
  const options = { name, topicId, config: { ...testConfig, segmentBytes: 1400 } };
  const store = await openStore(disk);
  const log = await store.openLog(options);
  // Batches of one size, so that a position in one segment is the end of a batch in every other.
  const one = testBatch(0).byteLength;
  const perSegment = Math.floor(1400 / one);
  const count = perSegment * 3 - 1;
  for (let index = 0; index < count; index += 1) await log.append(testBatch(0)).committed;
  await store.close();
  const files = (await disk.list(name)).filter((entry) => entry.endsWith('.log'));
  expect(files).toHaveLength(3);
  await disk.remove(`${name}/${files[2]}`);
  const again = await openStore(disk);
  const opened = await again.openLog(options);
  const left = perSegment * 2;
  expect(await readBaseOffsets(opened)).toEqual(Array.from({ length: left }, (_, i) => i * 3));
  expect(opened.damaged).toMatchObject([{ firstOffset: left * 3, lastOffset: count * 3 - 1 }]);
  expect(opened.endOffset).toBe(count * 3);
  await again.close();
});
