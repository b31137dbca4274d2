// Building, checking and reading uncompressed batches: 100 records of 100 bytes, and 16 of 1 KiB.

import { Bench } from 'tinybench';
import {
  BatchHeader,
  buildBatch,
  iterateBatches,
  type NewRecord,
  readRecords,
  validateBatch,
} from '../../src/record/index.ts';
import type { Timing } from './timing.ts';

function records(count: number, bytes: number): NewRecord[] {
  const value = Buffer.alloc(bytes, 'a value of a record ');
  return Array.from({ length: count }, (_, i) => ({
    timestamp: 1_700_000_000_000 + i,
    key: Buffer.from(`key-${i}`),
    value,
  }));
}

const shapes = [
  { name: '100 x 100 B', input: records(100, 100) },
  { name: '16 x 1 KiB', input: records(16, 1024) },
];
const rules = { produceVersion: 9, maxMessageBytes: 1_048_588 };

/** An operation is one batch. Call useAccelerators() first to measure with the native checksum. */
export function recordSuite(timing: Timing): Bench {
  const bench = new Bench(timing);
  for (const { name, input } of shapes) {
    const batch = buildBatch(input);
    const log = Buffer.concat(Array.from({ length: 50 }, () => batch));
    bench.add(`build ${name}`, () => {
      buildBatch(input, { capacity: 20_000 });
    });
    bench.add(`validate ${name}`, () => {
      validateBatch(batch, rules);
    });
    bench.add(`read ${name}`, () => {
      for (const record of readRecords(batch)) void record;
    });
    bench.add(`walk 50 batches of ${name}`, () => {
      for (const header of iterateBatches(log)) void header;
    });
    const header = new BatchHeader(Buffer.from(batch));
    bench.add(`assign offset and epoch ${name}`, () => {
      header.baseOffset = 12_345_678;
      header.partitionLeaderEpoch = 3;
    });
  }
  return bench;
}
