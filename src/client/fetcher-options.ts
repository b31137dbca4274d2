// What a fetcher is made with.

import type { MemoryPool } from '../base/memory-pool.ts';
import type { TopicPartition } from './admin-cluster.ts';
import type { FetchLimits } from './fetch-request.ts';
import type { Isolation } from './list-offsets.ts';

const MIB = 1024 * 1024;

export interface FetcherOptions {
  /** Default `read_committed`: records of open or aborted transactions are not shown. */
  readonly isolation?: Isolation;
  /** Longest wait of the broker for new records. Default 500. */
  readonly maxWaitMs?: number;
  /** Fewest bytes to answer before that. Default 1. */
  readonly minBytes?: number;
  /** Bytes of one answer. Default 32 MiB. */
  readonly maxBytes?: number;
  /** Bytes of one partition in one answer. Default 1 MiB. */
  readonly partitionBytes?: number;
  /** Bytes that may be read ahead, those on their way among them; one batch always may. Default 64 MiB. */
  readonly bufferBytes?: number;
  /** Compares each batch's checksum (Kafka's `check.crcs`). Default true. */
  readonly checkCrcs?: boolean;
  /**
   * Where answers are put. Who takes them drops their leases, so that the memory is used again and the reading needs
   * a fixed amount. Default: none, answers are left to the garbage collector.
   */
  readonly memory?: MemoryPool;
  /** Where to go on when retention took the position away, or the log was cut below it. Default `earliest`. */
  readonly outOfRange?: 'earliest' | 'latest' | 'error';
  /** Hears of positions that had to move. */
  readonly onMoved?: (place: TopicPartition, from: number, to: number) => void;
  /** Hears of trouble that is borne. Default: the client's listener does. */
  readonly onTrouble?: (error: unknown, place: TopicPartition) => void;
  /** Trouble is borne for so long before it is thrown. Default 60 000. */
  readonly patienceMs?: number;
}

/** How much may be asked for at once, and kept. */
export function limitsOf(options: FetcherOptions): FetchLimits & { readonly bufferBytes: number } {
  const { maxWaitMs = 500, minBytes = 1, maxBytes = 32 * MIB, partitionBytes = MIB } = options;
  const { isolation = 'read_committed', bufferBytes = 64 * MIB } = options;
  return { maxWaitMs, minBytes, maxBytes, partitionBytes, isolation, bufferBytes };
}
