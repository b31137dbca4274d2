// How tools read a range that is there already. Batches that are only passed on: in answers of moderate size, into
// memory that is used again, so that a copy needs the same few dozen megabytes however long the topic is. Record by
// record: in smaller ones, since what an answer's records leave behind lives as long as the answer does.

import { MemoryPool } from '../../src/base/memory-pool.ts';
import type { FetcherOptions } from '../../src/client/index.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

interface Sizes {
  /** Of one answer. Larger ones gain nothing, and are out of the processor's caches before they are looked at. */
  readonly answer: number;
  /** Of one partition in it: several get their share of each answer. */
  readonly partition: number;
  /** Read ahead, answers on their way among it. */
  readonly ahead: number;
}

const copying: Sizes = { answer: 4 * MIB, partition: MIB, ahead: 24 * MIB };
/** With those of a copy a replay takes 100 MB more, and is no faster. */
const byRecord: Sizes = { answer: 2 * MIB, partition: MIB / 2, ahead: 8 * MIB };

/** Memory for pieces of a log. */
export function piecesMemory(): MemoryPool {
  return new MemoryPool({
    bytesMin: 64 * KIB,
    bytesMax: 4 * copying.answer,
    slackBytes: 64 * KIB,
    keptBytesMax: 64 * MIB,
  });
}

type Reading = Omit<FetcherOptions, 'onMoved'>;

function reading({ answer, partition, ahead }: Sizes): Reading {
  return {
    // A poll that waits long would only be in the way of the next reader.
    maxWaitMs: 10,
    maxBytes: answer,
    partitionBytes: partition,
    bufferBytes: ahead,
  };
}

/** For a Fetcher of a tool that looks at records. */
export function readingOfRange(): Reading {
  return reading(byRecord);
}

/** For one that passes batches on, and drops their leases. */
export function readingToCopy(): Reading {
  return { ...reading(copying), memory: piecesMemory() };
}

/** For each of so many Fetchers that are read at the same time. */
export function readingSideBySide(count: number): Reading {
  const share = Math.max(
    64 * KIB,
    Math.min(byRecord.partition, Math.floor(byRecord.ahead / count)),
  );
  return reading({ answer: share, partition: share, ahead: share });
}
