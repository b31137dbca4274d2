// What a worker thread answers is what the caller's thread would: of the built files, since threads need those.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { projectRoot } from '../../../bench/peers/index.ts';
import {
  buildBatch,
  inPlaceRecordWorker,
  type NewRecord,
  prepareCodec,
  type RecordWorker,
} from '../../../src/record/index.ts';

const built = pathToFileURL(join(projectRoot(), 'dist/src/host/record-pool.js')).href;
const { RecordPool } = (await import(built)) as { RecordPool: new () => RecordWorker };
const pool = new RecordPool();
afterAll(() => pool.close());
await prepareCodec('zstd');

const records: NewRecord[] = Array.from({ length: 100 }, (_, index) => ({
  timestamp: 1000 + index,
  key: index % 10 === 0 ? null : Buffer.from(`key ${index}`),
  value: Buffer.alloc(5000, index),
  headers: [{ key: 'h', value: Buffer.from([index]) }],
}));
const always = {
  keysRequired: false,
  nowMs: 0,
  timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  timestampAfterMaxMs: Number.POSITIVE_INFINITY,
};

describe.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('%s', (codec) => {
  const batch = buildBatch(records, { codec });
  const parts = [batch.subarray(0, 200), batch.subarray(200)];

  test('records are checked and rebuilt', async () => {
    const producer = { producerId: 7, producerEpoch: 1, baseSequence: 5 };
    for (const rebuild of [
      null,
      { codec: 'zstd', producer },
      { codec: 'gzip', level: 9 },
    ] as const) {
      for (const rules of [null, always, { ...always, keysRequired: true }]) {
        const look = { batch: parts, rules, rebuild };
        expect(await pool.look(look)).toEqual(await inPlaceRecordWorker.look(look));
      }
    }
    expect(batch).toEqual(buildBatch(records, { codec }));
  });

  test('records are found by their time', async () => {
    for (const [timestamp, fromOffset] of [
      [1050, 0],
      [1050, 60],
      [2000, 0],
    ] as const) {
      const search = { batch, timestamp, fromOffset };
      expect(await pool.find(search)).toEqual(await inPlaceRecordWorker.find(search));
    }
  });
});

test('what cannot be read is refused, or told', async () => {
  const batch = buildBatch(records, { codec: 'gzip' });
  batch.fill(0xff, 100);
  const look = { batch, rules: always, rebuild: null };
  expect(await pool.look(look)).toEqual(await inPlaceRecordWorker.look(look));
  expect(await pool.look(look)).toMatchObject({ refused: { name: 'INVALID_RECORD' } });
  await expect(pool.find({ batch, timestamp: 0, fromOffset: 0 })).rejects.toThrow('gzip');
});
