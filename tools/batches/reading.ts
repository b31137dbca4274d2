// How batches are read that are only passed on: in answers of moderate size, into memory that is used again. A copy
// then needs the same few dozen megabytes however long the topic is.

import { MemoryPool } from '../../src/base/memory-pool.ts';
import type { FetcherOptions } from '../../src/client/index.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Of one answer. Larger ones gain nothing, and are out of the processor's caches before they are looked at. */
const ANSWER_BYTES = 4 * MIB;
/** Of one partition in it: several get their share of each answer. */
const PARTITION_BYTES = MIB;
/** Read ahead, answers on their way among it. */
const AHEAD_BYTES = 24 * MIB;

/** Memory for pieces of a log. */
export function piecesMemory(): MemoryPool {
  return new MemoryPool({
    bytesMin: 64 * KIB,
    bytesMax: 4 * ANSWER_BYTES,
    slackBytes: 64 * KIB,
    keptBytesMax: 64 * MIB,
  });
}

type Reading = Omit<FetcherOptions, 'onMoved'>;

/** For a Fetcher of a tool that reads a range that is there already. */
export function readingOfRange(): Reading {
  return {
    // A poll that waits long would only be in the way of the next reader.
    maxWaitMs: 10,
    maxBytes: ANSWER_BYTES,
    partitionBytes: PARTITION_BYTES,
    bufferBytes: AHEAD_BYTES,
  };
}

/** The same for one whose taker drops the leases. */
export function readingToCopy(): Reading {
  return { ...readingOfRange(), memory: piecesMemory() };
}
