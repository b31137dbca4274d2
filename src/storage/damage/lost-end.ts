// What readers are given where nothing is left up to the end: the last batches were lost to damage, or compaction has
// dropped them. A batch without records, as compaction leaves them, carries their offsets: consumers go on behind it,
// while without one they would ask for the same offset until somebody writes.

import { BATCH_HEADER_BYTES, emptyBatch } from '../../record/index.ts';
import type { LogRead, LogReadOptions } from '../contract.ts';
import type { LogView } from '../log-view.ts';
import { RELATIVE_OFFSET_MAX } from '../segment/segment.ts';

/** An answer that stands for the offsets from `offset` up to `limit`, which hold nothing; null where it has no room. */
export function lostEnd(core: LogView, options: LogReadOptions): LogRead | null {
  const { offset, limit, maxBytes, minOneBatch } = options;
  if (limit <= offset) return null;
  if (maxBytes < BATCH_HEADER_BYTES && !minOneBatch) return null;
  const records = emptyBatch({
    baseOffset: offset,
    lastOffset: Math.min(limit - 1, offset + RELATIVE_OFFSET_MAX),
    partitionLeaderEpoch: core.epochs.epochFor(offset),
    producer: { producerId: -1, producerEpoch: -1, baseSequence: -1 },
    timestamp: -1,
    timestampType: 'CreateTime',
    transactional: false,
    control: false,
  });
  return { records, byteLength: records.length };
}
