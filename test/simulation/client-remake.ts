// A topic that is deleted and made anew under those who write and read it; and what its log may hold in the end.

import {
  type Cluster,
  createTopics,
  deleteTopics,
  LogReader,
  listOffsets,
  type Outcome,
  SpecialTime,
} from '../../src/client/index.ts';

/** Either somebody was quicker, or an answer was lost. */
const DONE_ALREADY = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'TOPIC_ALREADY_EXISTS']);

function orThrow(outcomes: readonly Outcome[]): void {
  for (const { error } of outcomes) {
    if (error !== null && !DONE_ALREADY.has(error.code)) throw error;
  }
}

export async function deleteTopic(cluster: Cluster, name: string): Promise<void> {
  orThrow(await deleteTopics(cluster, [name], { timeoutMs: 500 }));
}

export async function makeTopic(cluster: Cluster, name: string, partitions: number): Promise<void> {
  orThrow(await createTopics(cluster, [{ name, partitions }]));
}

export interface StoredText {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string;
}

/** Everything that the log holds, partition by partition. */
export async function readAll(
  cluster: Cluster,
  topic: string,
  partitions: number,
): Promise<StoredText[]> {
  const numbers = Array.from({ length: partitions }, (_, index) => index);
  const ends = await listOffsets(cluster, topic, {
    partitions: numbers,
    timestamp: SpecialTime.latest,
  });
  const reader = new LogReader(cluster, {
    topic,
    maxWaitMs: 10,
    patienceMs: 60_000,
  });
  for (const [partition, { offset }] of ends) if (offset > 0) reader.set(partition, 0);
  const found: StoredText[] = [];
  for await (const { partition, records, nextOffset } of reader.read()) {
    for (const { offset, key, value } of records) {
      found.push({
        partition,
        offset,
        key: key?.toString() ?? null,
        value: String(value),
      });
    }
    if (nextOffset >= (ends.get(partition)?.offset ?? 0)) reader.remove(partition);
  }
  return found;
}
