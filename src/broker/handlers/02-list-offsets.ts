// ListOffsets, versions 1 to 11.
//
// v2 isolation · v4 leader epochs · v6 flexible · v7 -3, the greatest timestamp · v8 -4, earliest
// local · v9 -5, latest tiered · v10 timeoutMs (unused: nothing is remote) · v11 -6, earliest with
// a pending upload.
//
// A time that no record reaches is answered with offset -1 and no error. There is no tiered
// storage, so earliest local is earliest, and what is tiered or pending is nothing. A partition
// named twice is INVALID_REQUEST, told once, as in Kafka.

import { ErrorCode } from '../../base/kafka-errors.ts';
import {
  ListOffsets,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
} from '../../protocol/index.ts';
import { errorCodeOf } from '../errors.ts';
import { checkEpoch } from '../fetch/read-targets.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

type PartitionRequest = ListOffsetsRequest['topics'][number]['partitions'][number];
type PartitionAnswer = ListOffsetsResponse['topics'][number]['partitions'][number];

const LATEST_TIERED = -5;
const EARLIEST_PENDING = -6;
/** First version that knows a special time. */
const specialSince = new Map([
  [-3, 7],
  [-4, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING, 11],
]);

function answer(partitionIndex: number, errorCode: number): PartitionAnswer {
  return { partitionIndex, errorCode, timestamp: -1, offset: -1, leaderEpoch: -1 };
}

interface Asked {
  readonly version: number;
  readonly committed: boolean;
  readonly duplicates: ReadonlySet<string>;
}

async function listOffset(
  services: Services,
  topic: string,
  asked: PartitionRequest,
  how: Asked,
): Promise<PartitionAnswer> {
  const { partitionIndex, timestamp, currentLeaderEpoch } = asked;
  if (how.duplicates.has(`${topic}/${partitionIndex}`)) {
    return answer(partitionIndex, ErrorCode.INVALID_REQUEST);
  }
  const since = specialSince.get(timestamp) ?? 0;
  if (timestamp < EARLIEST_PENDING || how.version < since) {
    return answer(partitionIndex, ErrorCode.UNSUPPORTED_VERSION);
  }
  const partition = services.engine.partition(topic, partitionIndex);
  if (partition === undefined) {
    return answer(partitionIndex, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  }
  const refused = checkEpoch(partition, currentLeaderEpoch);
  if (refused !== 0) return answer(partitionIndex, refused);
  if (timestamp === LATEST_TIERED || timestamp === EARLIEST_PENDING) {
    return answer(partitionIndex, 0);
  }
  try {
    const isolation = how.committed ? 'read_committed' : 'read_uncommitted';
    const found = await partition.listOffset(timestamp, isolation, currentLeaderEpoch);
    const leaderEpoch = how.version >= 4 ? found.leaderEpoch : -1;
    return { partitionIndex, errorCode: 0, ...found, leaderEpoch };
  } catch (error) {
    return answer(partitionIndex, errorCodeOf(error));
  }
}

/** Partitions that a request names more than once, as `topic/index`. */
function duplicatesIn(request: ListOffsetsRequest): Set<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const topic of request.topics) {
    for (const { partitionIndex } of topic.partitions) {
      const key = `${topic.name}/${partitionIndex}`;
      if (seen.has(key)) twice.add(key);
      seen.add(key);
    }
  }
  return twice;
}

/** Each partition of a topic once, however often it is named. */
function withoutRepeats(partitions: readonly PartitionRequest[]): PartitionRequest[] {
  return [...new Map(partitions.map((asked) => [asked.partitionIndex, asked])).values()];
}

export function listOffsetsHandler(services: Services): Handler {
  return handler(ListOffsets, {
    async handle(request, context) {
      const how: Asked = {
        version: context.version,
        committed: request.isolationLevel === 1,
        duplicates: duplicatesIn(request),
      };
      const topics = await Promise.all(
        request.topics.map(async ({ name, partitions }) => ({
          name,
          partitions: await Promise.all(
            withoutRepeats(partitions).map((partition) =>
              listOffset(services, name, partition, how),
            ),
          ),
        })),
      );
      return { topics };
    },
    refuse: (request, error) => ({
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((partition) =>
          answer(partition.partitionIndex, error.errorCode),
        ),
      })),
    }),
  });
}
