// What inspection needs from folders that it may not import: the catalogue's and the producer snapshots' formats.

import { CatalogueFiles, readFrames } from '../../engine/catalogue-files.ts';
import {
  applyCatalogueRecord,
  type CatalogueRecord,
  emptyCatalogue,
} from '../../engine/catalogue-state.ts';
import { decodeProducerSnapshot } from '../../engine/producer-snapshot.ts';
import type { CatalogueFacts, CatalogueRecords, ProducerFacts } from '../../inspect/index.ts';
import { INTERVAL_BYTES_DEFAULT } from '../../inspect/index.ts';
import type { Disk } from '../../storage/index.ts';

/** A disk whose changes go nowhere: what loads and tidies up a directory only loads it. */
function readOnly(disk: Disk): Disk {
  const nothing = async (): Promise<void> => {};
  return {
    open: (path) => disk.open(path, 'read'),
    list: (directory) => disk.list(directory),
    stat: (path) => disk.stat(path),
    freeBytes: (path) => disk.freeBytes(path),
    makeDirectory: nothing,
    rename: nothing,
    remove: nothing,
    removeDirectory: nothing,
    syncDirectory: nothing,
  };
}

/** The catalogue of a data directory; null when it has none, as Apache Kafka's has not. Throws DiskError. */
export async function readCatalogue(disk: Disk): Promise<CatalogueFacts | null> {
  const names = await disk.list('catalogue');
  if (names.length === 0) return null;
  const { records, damage } = await new CatalogueFiles(readOnly(disk)).load();
  const state = emptyCatalogue();
  for (const record of records) {
    try {
      applyCatalogueRecord(state, record as CatalogueRecord);
    } catch {
      // A record of a wrong form changes nothing at a start either.
    }
  }
  const brokerPolicy = state.brokerConfigs.get('log.cleanup.policy') ?? 'delete';
  const topics = [...state.topics.values()].map(({ name, id, partitionCount, configs }) => ({
    name,
    id,
    partitionCount,
    compacted: (configs.get('cleanup.policy') ?? brokerPolicy).includes('compact'),
    intervalBytes: Number(configs.get('index.interval.bytes') ?? INTERVAL_BYTES_DEFAULT),
  }));
  const plain = damage.map((item) => ({ ...item, path: item.path.replace(/^\.\//, '') }));
  return { topics, damage: plain };
}

/** The records of one of the catalogue's files. */
export const readCatalogueFile: (bytes: Buffer) => CatalogueRecords = readFrames;

/** The producers in a snapshot of ours. Throws for bytes that are none. */
export function readSnapshot(bytes: Buffer): ProducerFacts[] {
  return [...decodeProducerSnapshot(bytes).entries()].map((entry) => {
    const last = entry.batches.at(-1);
    return {
      producerId: entry.producerId,
      producerEpoch: entry.epoch,
      lastSequence: last?.lastSequence ?? -1,
      lastOffset: last?.lastOffset ?? -1,
      timestamp: last?.timestampMs ?? -1,
      coordinatorEpoch: entry.coordinatorEpoch,
      transactionStartOffset: entry.transactionStartOffset,
    };
  });
}
