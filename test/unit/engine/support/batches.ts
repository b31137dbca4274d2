// Batches for tests of the engine.

import { type BatchOptions, buildBatch } from '../../../../src/record/index.ts';

export interface SampleOptions extends BatchOptions {
  readonly timestamp?: number;
  readonly keys?: boolean;
}

/** A batch of records with the given values. */
export function batchOf(values: readonly string[], options: SampleOptions = {}): Buffer {
  const { timestamp = 1_767_225_600_000, keys = true, ...batch } = options;
  return buildBatch(
    values.map((value, index) => ({
      timestamp,
      key: keys ? Buffer.from(`k${index}`) : null,
      value: Buffer.from(value),
    })),
    batch,
  );
}

/** One batch of an idempotent producer. */
export function producerBatch(
  producerId: number,
  baseSequence: number,
  values: readonly string[],
  producerEpoch = 0,
): Buffer {
  return batchOf(values, { producer: { producerId, producerEpoch, baseSequence } });
}
