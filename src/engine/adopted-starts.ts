// Where partitions taken over from Kafka begin: what Kafka deleted up to an offset within a file is deleted here, too.
// The catalogue keeps the offsets, together with the topics, until the logs have them: a crash between the two would
// bring deleted records back, since only the first start reads what Kafka left.

import { KafkaError, type KafkaErrorName } from '../base/kafka-errors.ts';
import type { Logger } from '../base/ports.ts';
import type { Disk } from '../storage/index.ts';
import type { Catalogue } from './catalogue.ts';
import { type CatalogueRecord, startsRecord } from './catalogue-state.ts';
import type { Topic } from './contract.ts';
import { readKafkaStarts } from './kafka-remains.ts';
import { partitionDirectory } from './topic-names.ts';
import type { TopicRegistry } from './topic-registry.ts';

/** Refusals that a later start would only meet again. */
const FINAL: ReadonlySet<KafkaErrorName> = new Set(['OFFSET_OUT_OF_RANGE', 'POLICY_VIOLATION']);

/** What the catalogue has to know of topics that are taken over from Kafka. */
export async function adoptedStarts(
  disk: Disk,
  adopted: readonly Topic[],
): Promise<CatalogueRecord[]> {
  const kept = await readKafkaStarts(disk);
  const records: CatalogueRecord[] = [];
  for (const { id, name, partitionCount } of adopted) {
    const starts = new Map<number, number>();
    for (let index = 0; index < partitionCount; index++) {
      const start = kept.get(partitionDirectory(name, index));
      if (start !== undefined) starts.set(index, start);
    }
    if (starts.size > 0) records.push(startsRecord(id, starts));
  }
  return records;
}

/** Makes the logs begin where the catalogue says; what a log cannot do now is left for a later start. */
export async function raiseStarts(
  catalogue: Catalogue,
  registry: TopicRegistry,
  logger: Logger,
): Promise<void> {
  const records: CatalogueRecord[] = [];
  for (const [id, starts] of catalogue.state.adoptedStarts) {
    const left = new Map<number, number>();
    const partitions = registry.findById(id)?.partitions ?? [];
    for (const [index, start] of starts) {
      const partition = partitions[index];
      try {
        await partition?.deleteRecords(start);
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        if (!FINAL.has(error.code)) left.set(index, start);
        const fields = { partition: partition?.name, start, err: error };
        logger.warn(fields, 'records that Kafka had deleted show again');
      }
    }
    records.push(startsRecord(id, left));
  }
  if (records.length === 0) return;
  // What cannot be noted now is raised once more by a later start, which changes nothing.
  await catalogue.commit(...records).catch((error: unknown) => {
    if (!(error instanceof KafkaError)) throw error;
  });
}
