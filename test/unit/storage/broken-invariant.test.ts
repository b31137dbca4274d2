// A broken invariant, wherever it shows, fails the log, which is told, and no more than that.

import { afterEach, describe, expect, test, vi } from 'vitest';
import { AssertionError } from '../../../src/base/errors.ts';
import { MemoryDisk, type PartitionLog } from '../../../src/storage/index.ts';
import { LogOffsets } from '../../../src/storage/log/log-offsets.ts';
import { SegmentList } from '../../../src/storage/log/segment-list.ts';
import { Segment } from '../../../src/storage/segment/segment.ts';
import { capturedLog } from '../../support/captured-log.ts';
import { openStore, readBaseOffsets, testBatch, testConfig, turns } from './support.ts';

/** A log with one batch, in which a roll meets a broken invariant. */
async function brokenLog() {
  const { logger, lines } = capturedLog();
  const store = await openStore(new MemoryDisk(), { logger });
  const config = { ...testConfig, segmentMs: 1000, retentionMs: 1000 };
  const producerSnapshot = () => {
    throw new AssertionError('nothing rolls');
  };
  const hooks = { producerSnapshot };
  const log = await store.openLog({ name: 't-0', topicId: 'id', config, hooks });
  await log.append(testBatch(0)).committed;
  return { store, log, lines };
}

async function expectFailed(log: PartitionLog, lines: readonly { message: string }[]) {
  expect(log.state).toBe('failed');
  expect(lines.some(({ message }) => message.includes('nothing rolls'))).toBe(true);
  expect(() => log.append(testBatch(1))).toThrow('stopped taking writes');
  expect(await readBaseOffsets(log)).toEqual([0]);
}

afterEach(() => vi.restoreAllMocks());

describe('a broken invariant fails the log', () => {
  test('that an append meets', async () => {
    const { store, log, lines } = await brokenLog();
    expect(() => log.append(testBatch(1000))).toThrow('nothing rolls');
    await expectFailed(log, lines);
    await store.close().catch(() => {});
  });

  test('that retention meets', async () => {
    const { store, log, lines } = await brokenLog();
    await expect(log.applyRetention(Date.now() + 10_000)).rejects.toThrow('nothing rolls');
    await expectFailed(log, lines);
    await store.close().catch(() => {});
  });

  test.each([
    ['a write', 'sync', LogOffsets.prototype, 'written'],
    ['a sync', 'sync', LogOffsets.prototype, 'durable'],
    ['the file', 'sync', Segment.prototype, 'wrote'],
    ['a commit', 'sync', SegmentList.prototype, 'moveWatermark'],
    ['a write with the os policy', 'os', LogOffsets.prototype, 'written'],
    ['a commit with the os policy', 'os', SegmentList.prototype, 'moveWatermark'],
  ] as const)(
    'that %s meets, and refuses who waits for it',
    async (_what, flushPolicy, of, step) => {
      const { store, log } = await brokenLog();
      log.setConfig({ ...testConfig, flushPolicy });
      vi.spyOn(of as unknown as Record<string, () => void>, step).mockImplementation(() => {
        throw new AssertionError('no further');
      });
      await expect(log.append(testBatch(1)).committed).rejects.toMatchObject({
        code: 'KAFKA_STORAGE_ERROR',
        message: expect.stringContaining('no further') as string,
      });
      expect(log.state).toBe('failed');
      vi.restoreAllMocks();
      await store.close().catch(() => {});
    },
  );

  test('that the end of a segment meets', async () => {
    const { logger } = capturedLog();
    const store = await openStore(new MemoryDisk(), { logger });
    const log = await store.openLog({ name: 't-0', topicId: 'id', config: testConfig });
    await log.append(testBatch(0)).committed;
    log.setConfig({ ...testConfig, segmentBytes: 1 });
    vi.spyOn(Segment.prototype, 'seal').mockImplementation(() => {
      throw new AssertionError('no further');
    });
    await log.append(testBatch(1)).committed;
    await turns(() => log.state === 'failed');
    expect(log.state).toBe('failed');
    vi.restoreAllMocks();
    await store.close().catch(() => {});
  });
});
