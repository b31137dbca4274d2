// A broken invariant, wherever it shows, fails the log, which is told, and no more than that.

import { describe, expect, test } from 'vitest';
import { AssertionError } from '../../../src/base/errors.ts';
import { MemoryDisk, type PartitionLog } from '../../../src/storage/index.ts';
import { capturedLog } from '../../support/captured-log.ts';
import { openStore, readBaseOffsets, testBatch, testConfig } from './support.ts';

/** A log with one batch, in which a roll meets a broken invariant. */
async function brokenLog() {
  const { logger, lines } = capturedLog();
  const store = await openStore(new MemoryDisk(), logger);
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
});
