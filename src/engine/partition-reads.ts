// What a fetch sees of a partition: where it may read, and what it is told beside the records.

import type { LogRead, LogReadOptions, PartitionLog } from '../storage/index.ts';
import type { FetchedRecords, FetchSpec, Partition } from './contract.ts';
import type { MutableMetrics } from './metrics.ts';
import { checkReadable } from './partition-checks.ts';
import type { PartitionProducers } from './partition-producers.ts';
import type { UnfinishedTransaction } from './producer-state.ts';

/** What is read, and how the partition is when the reading begins. */
export interface Look extends LogReadOptions {
  readonly committed: boolean;
  readonly startOffset: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  /** What was rolled back by then, and what counts so: later nothing may be known of what has gone meanwhile. */
  readonly aborted: PartitionLog['aborted'];
  readonly unfinished: readonly UnfinishedTransaction[];
}

const none: readonly [] = [];

/** What is read at the limit, and above it. */
export const nothing: LogRead = { records: Buffer.alloc(0), byteLength: 0 };

/** Throws KafkaError for an offset at which nothing can be read, and where it is not known what is committed. */
export function lookAt(
  partition: Partition,
  spec: FetchSpec,
  { aborted }: PartitionLog,
  producers: PartitionProducers,
): Look {
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
    aborted,
    unfinished: committed ? producers.unfinished : none,
  };
}

type Aborted = FetchedRecords['abortedTransactions'];

/** What readers of committed records have to leave out; null for others. */
function abortedIn(seen: Look, found: LogRead): Aborted {
  if (!seen.committed) return null;
  const { below = seen.limit } = found;
  const ended = seen.aborted?.within(seen.offset, below) ?? none;
  if (seen.unfinished.length === 0) return ended;
  // Nobody can end them here: they count as aborted.
  const unfinished = seen.unfinished.filter(
    (one) => one.lastOffset >= seen.offset && one.firstOffset < below,
  );
  if (ended.length + unfinished.length <= 1) return unfinished.length === 0 ? ended : unfinished;
  // kafkajs takes them in this order; Kafka's is that of the markers, which its own client sorts.
  return [...ended, ...unfinished].sort((a, b) => a.firstOffset - b.firstOffset);
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
    abortedTransactions: abortedIn(seen, found),
  };
}
