// What Apache Kafka knew of its topics beside their partitions' files, read once, when its directory is taken over.
// Configs are in the controller's log: the newest snapshot of `__cluster_metadata-0`, then the log after it (KIP-630,
// KIP-746), of whose records three kinds matter: a topic, its end, and one config. Where logs begin that records were
// deleted from is in a checkpoint.

import { TidemarkError } from '../base/errors.ts';
import { batchBytes, readRecords } from '../record/index.ts';
import {
  baseOffsetOf,
  type Disk,
  decodeCheckpoint,
  readSmallFile,
  scanBatches,
} from '../storage/index.ts';
import { FieldReader } from './kafka-fields.ts';

const DIRECTORY = '__cluster_metadata-0';
const STARTS_FILE = 'log-start-offset-checkpoint';
/** `<end offset>-<epoch>.checkpoint`: what holds before the end offset. */
const SNAPSHOT = /^(\d{20})-\d{10}\.checkpoint$/;

const RecordKind = { topic: 2, config: 4, removeTopic: 9 } as const;
/** `ConfigResource.Type.TOPIC`. */
const TOPIC_RESOURCE = 2;
/** How a record of the controller is framed. */
const FRAME_VERSION = 1;

export type TopicConfigs = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Configs by topic; null where Kafka's controller left nothing here, or nothing that can be read. Never rejects. */
export async function readKafkaTopicConfigs(disk: Disk): Promise<TopicConfigs | null> {
  try {
    const names = await disk.list(DIRECTORY);
    const snapshot = names
      .filter((name) => SNAPSHOT.test(name))
      .sort()
      .at(-1);
    const since = Number(SNAPSHOT.exec(snapshot ?? '')?.[1] ?? 0);
    const logs = names.filter((name) => baseOffsetOf(name, '.log') >= 0).sort();
    if (snapshot === undefined && logs.length === 0) return null;
    const image = new ControllerImage();
    if (snapshot !== undefined) await image.read(disk, snapshot, 0);
    for (const name of logs) await image.read(disk, name, since);
    return image.configs;
  } catch (error) {
    if (error instanceof TidemarkError || error instanceof RangeError) return null;
    throw error;
  }
}

/** Where logs begin for readers, by `<topic>-<partition>`: of those only that begin after their first file does. */
export async function readKafkaStarts(disk: Disk): Promise<ReadonlyMap<string, number>> {
  const bytes = await readSmallFile(disk, STARTS_FILE);
  return decodeCheckpoint(bytes?.toString('utf8') ?? '');
}

/** What the records come to, one after the other. */
class ControllerImage {
  readonly configs = new Map<string, Map<string, string>>();
  readonly #names = new Map<string, string>();

  /**
   * Applies the records of a file at and after `since`. The log grows by two records a second where nothing happens,
   * and rolls once a week, so it is read in pieces. Throws DiskError, and RecordError, VarintError, RangeError for
   * bytes that are none.
   */
  async read(disk: Disk, name: string, since: number): Promise<void> {
    const file = await disk.open(`${DIRECTORY}/${name}`, 'read');
    try {
      const scan = { file, from: 0, to: await file.size(), depth: 'checked' } as const;
      const { end, position } = await scanBatches(scan, (header) => {
        if (header.isControl || header.nextOffset <= since) return true;
        for (const { offset, value } of readRecords(batchBytes(header))) {
          if (offset >= since && value !== null) this.#apply(new FieldReader(value));
        }
        return true;
      });
      if (end !== 'end') throw new RangeError(`${name} is damaged at byte ${position}`);
    } finally {
      await file.close();
    }
  }

  #apply(fields: FieldReader): void {
    if (fields.varint() !== FRAME_VERSION) return;
    const kind = fields.varint();
    // Later versions add tagged fields at the end, which are not looked at.
    fields.varint();
    if (kind === RecordKind.topic) {
      const name = fields.text() ?? '';
      this.#names.set(fields.uuid(), name);
    } else if (kind === RecordKind.removeTopic) {
      const id = fields.uuid();
      this.configs.delete(this.#names.get(id) ?? '');
      this.#names.delete(id);
    } else if (kind === RecordKind.config && fields.int8() === TOPIC_RESOURCE) {
      this.#set(fields.text() ?? '', fields.text() ?? '', fields.text());
    }
  }

  #set(topic: string, name: string, value: string | null): void {
    const own = this.configs.get(topic) ?? new Map<string, string>();
    this.configs.set(topic, own);
    if (value === null) own.delete(name);
    else own.set(name, value);
  }
}
