// The catalogue: topics, configs, the cluster's identity and producer ids, durable. A change is
// written and synced before it counts.

import { KafkaError } from '../base/kafka-errors.ts';
import type { Logger } from '../base/ports.ts';
import { type Disk, DiskError } from '../storage/index.ts';
import { CatalogueFiles } from './catalogue-files.ts';
import {
  applyCatalogueRecord,
  type CatalogueRecord,
  type CatalogueState,
  emptyCatalogue,
  snapshotRecords,
} from './catalogue-state.ts';
import { Mutex } from './limited.ts';

/** How the catalogue was found: `partial` when something of it could not be read. */
export type CatalogueOrigin = 'new' | 'whole' | 'partial';

export class Catalogue {
  readonly state: CatalogueState;
  readonly origin: CatalogueOrigin;
  readonly #files: CatalogueFiles;
  readonly #logger: Logger;
  readonly #mutex = new Mutex();
  #closed = false;

  private constructor(
    files: CatalogueFiles,
    logger: Logger,
    found: { state: CatalogueState; origin: CatalogueOrigin },
  ) {
    this.#files = files;
    this.#logger = logger;
    this.state = found.state;
    this.origin = found.origin;
  }

  /**
   * Reads the catalogue of a data directory. What is unreadable is reported and set aside. Nothing
   * is written before {@link Catalogue.start}. Throws DiskError when the disk refuses.
   */
  static async load(disk: Disk, logger: Logger): Promise<Catalogue> {
    const files = new CatalogueFiles(disk);
    const { records, generation, damage } = await files.load();
    const state = emptyCatalogue();
    let unusable = 0;
    for (const record of records) {
      try {
        applyCatalogueRecord(state, record as CatalogueRecord);
      } catch {
        unusable += 1;
      }
    }
    for (const item of damage) {
      if (item.tornTail) logger.info(item, 'the catalogue ends in a write that a crash cut off');
      else logger.error(item, 'part of the catalogue is unreadable and was set aside');
    }
    if (unusable > 0) logger.error({ records: unusable }, 'catalogue records have a wrong form');
    const partial = unusable > 0 || damage.some((item) => !item.tornTail);
    const origin = partial ? 'partial' : generation === 0 ? 'new' : 'whole';
    return new Catalogue(files, logger, { state, origin });
  }

  /**
   * Applies what the start found out and begins a new generation with the result. On a disk that
   * takes no writes, a catalogue found there serves from memory and refuses changes. Throws
   * DiskError only for a new one.
   */
  async start(records: readonly CatalogueRecord[]): Promise<void> {
    for (const record of records) applyCatalogueRecord(this.state, record);
    try {
      await this.#files.begin(snapshotRecords(this.state));
    } catch (error) {
      if (this.origin === 'new' || !(error instanceof DiskError)) throw error;
      this.#logger.error({ err: error }, 'the catalogue cannot be written: topics cannot change');
    }
  }

  /**
   * Makes changes durable, all or none, then applies them. Throws KafkaError `KAFKA_STORAGE_ERROR`, or
   * `BROKER_NOT_AVAILABLE` after the close; then nothing has changed.
   */
  commit(...records: readonly CatalogueRecord[]): Promise<void> {
    return this.#mutex.run(async () => {
      // The directory may be another process's by now.
      if (this.#closed) throw new KafkaError('BROKER_NOT_AVAILABLE', 'the broker is stopping');
      try {
        if (this.#files.wantsSnapshot) await this.#files.begin(snapshotRecords(this.state));
        await this.#files.append(records);
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        this.#logger.error({ err: error }, 'the catalogue cannot be written');
        const message = `the catalogue cannot be written: ${error.message}`;
        throw new KafkaError('KAFKA_STORAGE_ERROR', message, { cause: error });
      }
      for (const record of records) applyCatalogueRecord(this.state, record);
    });
  }

  /** Waits for changes under way and closes the files. */
  close(): Promise<void> {
    return this.#mutex.run(() => {
      this.#closed = true;
      return this.#files.close();
    });
  }
}
