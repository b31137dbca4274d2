// Batches that are whole by their checksums and still meant to do harm: records that are packed a thousand to one, and
// records whose offsets contradict each other.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { projectRoot } from '../../../bench/peers/index.ts';
import { checkedBatch, finishedBatch, lookWanted } from '../../../src/engine/prepare-append.ts';
import type { AppendRules } from '../../../src/engine/topic-settings.ts';
import {
  BATCH_HEADER_BYTES,
  BatchField,
  BatchHeader,
  buildBatch,
  compress,
  InvalidRecordsError,
  lookInside,
  readRecords,
  rewriteBatchCrc,
} from '../../../src/record/index.ts';

const NOW = 1_700_000_000_000;
const request = { records: [], acks: -1, origin: 'client' } as const;
const rules: AppendRules = {
  maxMessageBytes: 1_048_588,
  minInsyncReplicas: 1,
  compacted: false,
  logAppendTime: false,
  timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  timestampAfterMaxMs: 3_600_000,
  codec: null,
  level: undefined,
};

/** A batch of so many records without key, value or headers, all with the offset delta 0. */
function alike(count: number): Buffer {
  // Length, attributes, timestamp delta, offset delta, null key, null value, no headers.
  const record = Buffer.from([12, 0, 0, 0, 1, 1, 0]);
  const section = compress('gzip', Buffer.alloc(count * record.length, record));
  const whole = buildBatch([{ timestamp: NOW, key: null, value: null }], { codec: 'gzip' });
  const batch = Buffer.concat([whole.subarray(0, BATCH_HEADER_BYTES), section]);
  batch.writeInt32BE(batch.length - 12, BatchField.batchLength);
  batch.writeInt32BE(count - 1, BatchField.lastOffsetDelta);
  batch.writeInt32BE(count, BatchField.recordCount);
  rewriteBatchCrc(batch);
  return batch;
}

/** The form in which a batch is stored. */
function finished(batch: Buffer, changed: AppendRules) {
  const checked = checkedBatch(request, [batch], changed);
  const look = lookWanted(checked, changed, NOW);
  return finishedBatch(checked, changed, NOW, look === null ? null : lookInside(look));
}

/** What becomes of the batch in a thread that has little memory: an error's name, or how many bytes are stored. */
async function inLittleMemory(batch: Buffer, changed: Partial<AppendRules>): Promise<string> {
  const moduleOf = (file: string) => pathToFileURL(join(projectRoot(), 'dist/src', file)).href;
  const modules = ['engine/prepare-append.js', 'record/index.js'].map(moduleOf);
  const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    Promise.all(workerData.modules.map((module) => import(module))).then(([engine, record]) => {
      const { batch, rules, now } = workerData;
      const checked = engine.checkedBatch({}, [Buffer.from(batch)], rules);
      try {
        const outcome = record.lookInside(engine.lookWanted(checked, rules, now));
        const finished = engine.finishedBatch(checked, rules, now, outcome);
        parentPort.postMessage(String(finished.byteLength));
      } catch (error) {
        parentPort.postMessage(error.message);
      }
    });
  `;
  const workerData = { modules, batch, rules: { ...rules, ...changed }, now: NOW };
  const limits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 32 };
  return await new Promise((resolve, reject) => {
    const worker = new Worker(program, { eval: true, workerData, resourceLimits: limits });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

describe('records that are packed a thousand to one', () => {
  const bomb = alike(3_000_000);

  test('are rebuilt with another codec one by one', async () => {
    expect(bomb.length).toBeLessThan(rules.maxMessageBytes);
    expect(await inLittleMemory(bomb, { codec: 'none' })).toContain('max.message.bytes');
  });

  test('are refused one by one, of which a thousand are named', async () => {
    expect(await inLittleMemory(bomb, { compacted: true })).toContain(
      '3000000 records are refused',
    );
    const few = alike(5_000);
    const refused = (): unknown => finished(few, { ...rules, compacted: true });
    try {
      refused();
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidRecordsError);
      const { recordErrors, message } = error as InvalidRecordsError;
      expect(recordErrors).toHaveLength(1_000);
      expect(message).toContain('5000 records are refused');
    }
  });
});

test('records that all claim one offset get one each when their batch is rebuilt', () => {
  const changed = { ...rules, codec: 'zstd' } as const;
  const { parts } = finished(alike(3), { ...changed, codec: 'none' });
  const [bytes = Buffer.alloc(0)] = parts;
  expect(new BatchHeader(bytes).recordCount).toBe(3);
  expect([...readRecords(bytes)].map(({ offset }) => offset)).toEqual([0, 1, 2]);
});
