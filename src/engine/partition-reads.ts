// What a fetch sees of a partition: where it may read, and what it is told beside the records.

import type { LogRead, LogReadOptions } from '../storage/index.ts';
import type { FetchedRecords, FetchSpec, Partition } from './contract.ts';
import type { MutableMetrics } from './metrics.ts';
import { checkReadable } from './partition-checks.ts';

/** What is read, and how the partition is when the reading begins. */
export interface Look extends LogReadOptions {
  readonly committed: boolean;
  readonly startOffset: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
}

/** What is read at the limit, and above it. */
export const nothing: LogRead = { records: Buffer.alloc(0), byteLength: 0 };

/** Throws KafkaError for an offset at which nothing can be read. */
export function lookAt(partition: Partition, spec: FetchSpec): Look {
  const { startOffset, highWatermark, lastStableOffset, endOffset, online } = partition;
  const { offset, maxBytes, minOneBatch } = spec;
  checkReadable(offset, { startOffset, endOffset, online });
  const committed = spec.isolation === 'read_committed';
  return {
    offset,
    limit: committed ? lastStableOffset : highWatermark,
    maxBytes,
    minOneBatch,
    committed,
    startOffset,
    highWatermark,
    lastStableOffset,
  };
}

export function fetched(metrics: MutableMetrics, seen: Look, found: LogRead): FetchedRecords {
  metrics.reads += 1;
  metrics.bytesRead += found.byteLength;
  return {
    records: found.records,
    byteLength: found.byteLength,
    highWatermark: seen.highWatermark,
    lastStableOffset: seen.lastStableOffset,
    logStartOffset: seen.startOffset,
    abortedTransactions: seen.committed ? [] : null,
  };
}
