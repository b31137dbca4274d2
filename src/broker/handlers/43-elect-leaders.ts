// ElectLeaders, versions 0 to 2 (v1 top-level error and unclean elections; v2 flexible).
//
// There is one replica, so it leads and no election is needed: ELECTION_NOT_NEEDED. But a partition
// that stopped after a storage error is brought back by this request, whichever kind of election is
// asked for: what the disk may have lost is rewritten first, so nothing unclean happens. Asked for
// all partitions, the answer names only those that were brought back, or could not be, as Kafka's
// does.

import { ErrorCode } from '../../base/kafka-errors.ts';
import type { Partition } from '../../engine/index.ts';
import {
  ElectLeaders,
  type ElectLeadersRequest,
  type ElectLeadersResponse,
} from '../../protocol/index.ts';
import { errorCodeOf, errorMessageOf } from '../errors.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

type TopicAnswer = ElectLeadersResponse['replicaElectionResults'][number];
type PartitionAnswer = TopicAnswer['partitionResult'][number];

/** Preferred and unclean. */
const electionTypes: ReadonlySet<number> = new Set([0, 1]);

async function elect(
  services: Services,
  partition: Partition | undefined,
  partitionId: number,
): Promise<PartitionAnswer> {
  if (partition === undefined) {
    const errorMessage = 'there is no such partition';
    return { partitionId, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage };
  }
  if (partition.online) {
    const errorMessage = 'the partition has one replica, which leads it';
    return { partitionId, errorCode: ErrorCode.ELECTION_NOT_NEEDED, errorMessage };
  }
  const where = { topic: partition.topic.name, partition: partitionId };
  try {
    await partition.reopen();
    services.logger.info(where, 'a failed partition was reopened');
    return { partitionId, errorCode: 0, errorMessage: null };
  } catch (error) {
    services.logger.error({ ...where, error }, 'a failed partition could not be reopened');
    return { partitionId, errorCode: errorCodeOf(error), errorMessage: errorMessageOf(error) };
  }
}

function electAsked(
  services: Services,
  asked: NonNullable<ElectLeadersRequest['topicPartitions']>,
): Promise<TopicAnswer[]> {
  return Promise.all(
    asked.map(async ({ topic, partitions }) => ({
      topic,
      partitionResult: await Promise.all(
        partitions.map((index) => elect(services, services.engine.partition(topic, index), index)),
      ),
    })),
  );
}

async function electFailed(services: Services): Promise<TopicAnswer[]> {
  const { engine } = services;
  const results: TopicAnswer[] = [];
  for (const { name, partitionCount } of engine.topics()) {
    const partitionResult: PartitionAnswer[] = [];
    for (let index = 0; index < partitionCount; index++) {
      const partition = engine.partition(name, index);
      if (partition === undefined || partition.online) continue;
      partitionResult.push(await elect(services, partition, index));
    }
    if (partitionResult.length > 0) results.push({ topic: name, partitionResult });
  }
  return results;
}

function refuseAll(
  asked: ElectLeadersRequest['topicPartitions'],
  errorCode: number,
  errorMessage: string,
): ElectLeadersResponse {
  const replicaElectionResults = (asked ?? []).map(({ topic, partitions }) => ({
    topic,
    partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode, errorMessage })),
  }));
  return { throttleTimeMs: 0, errorCode, replicaElectionResults };
}

export function electLeadersHandler(services: Services): Handler {
  return handler(ElectLeaders, {
    handle: async ({ electionType, topicPartitions }) => {
      if (!electionTypes.has(electionType)) {
        const text = `there is no election of type ${electionType}`;
        return refuseAll(topicPartitions, ErrorCode.INVALID_REQUEST, text);
      }
      return {
        throttleTimeMs: 0,
        errorCode: 0,
        replicaElectionResults:
          topicPartitions === null
            ? await electFailed(services)
            : await electAsked(services, topicPartitions),
      };
    },
    refuse: ({ topicPartitions }, error) =>
      refuseAll(topicPartitions, error.errorCode, error.message),
  });
}
