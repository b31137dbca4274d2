// ListOffsets: from a timestamp, or one of Kafka's special ones, to an offset.

import { KafkaError } from '../base/kafka-errors.ts';
import type { PartitionLog } from '../storage/index.ts';

/** Offset -1 and timestamp -1 where there is nothing to answer. */
export interface FoundOffset {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;

const NOTHING: FoundOffset = { offset: -1, timestamp: -1, leaderEpoch: -1 };

/**
 * What a client is told that may read up to what `limit` (exclusive) answers: the log goes on while it is searched, and
 * what is found may have come in meanwhile. Throws KafkaError `INVALID_REQUEST` for a negative timestamp that means
 * nothing.
 */
export async function findOffset(
  log: PartitionLog,
  timestamp: number,
  limit: () => number,
): Promise<FoundOffset> {
  switch (timestamp) {
    case LATEST:
      return { offset: limit(), timestamp: -1, leaderEpoch: log.leaderEpoch };
    case EARLIEST:
    case EARLIEST_LOCAL:
      return earliest(log);
    case LATEST_TIERED:
      return NOTHING;
    case MAX_TIMESTAMP:
      return below(await log.maxTimestamp(), limit());
    default:
      if (timestamp < 0) {
        throw new KafkaError('INVALID_REQUEST', `timestamp ${timestamp} has no meaning`);
      }
      return below(await log.offsetForTimestamp(timestamp), limit());
  }
}

function earliest(log: PartitionLog): FoundOffset {
  const offset = log.startOffset;
  const epoch = log.epochForOffset(offset);
  // An empty log has no epoch at its start: what will be written there has the current one.
  return { offset, timestamp: -1, leaderEpoch: epoch < 0 ? log.leaderEpoch : epoch };
}

function below(found: FoundOffset | null, limit: number): FoundOffset {
  return found !== null && found.offset < limit ? found : NOTHING;
}
