// Offsets are numbers, exact up to 2^53: where they end, so does the log.

import { expect, test } from 'vitest';
import { MemoryDisk } from '../../../../src/storage/index.ts';
import { openStore, readBaseOffsets, testBatch, testConfig } from '../support.ts';

const LAST = Number.MAX_SAFE_INTEGER;

test('a log takes no batch that would need offsets beyond the exact ones, and any other before', async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory('t-0');
  const base = LAST - 5;
  await (await disk.open(`t-0/${String(base).padStart(20, '0')}.log`, 'create')).close();
  const store = await openStore(disk);
  const log = await store.openLog({ name: 't-0', topicId: 'x'.repeat(22), config: testConfig });
  expect(log.endOffset).toBe(base);
  const huge = { ...testBatch(0), offsetCount: 2 ** 31 };
  expect(() => log.append(huge)).toThrow(expect.objectContaining({ code: 'POLICY_VIOLATION' }));
  await log.append(testBatch(0)).committed;
  expect(() => log.append(testBatch(1))).toThrow(
    expect.objectContaining({ code: 'POLICY_VIOLATION' }),
  );
  await log.append(testBatch(1, 2)).committed;
  expect(log.endOffset).toBe(LAST);
  expect(() => log.append(testBatch(2, 1))).toThrow(
    expect.objectContaining({ code: 'POLICY_VIOLATION' }),
  );
  expect(await readBaseOffsets(log)).toEqual([base, base + 3]);
  await store.close();
  const again = await openStore(disk);
  const after = await again.openLog({ name: 't-0', topicId: 'x'.repeat(22), config: testConfig });
  expect(after.endOffset).toBe(LAST);
  expect(await readBaseOffsets(after)).toEqual([base, base + 3]);
  await again.close();
});
