// The catalogue: topics, configs, the cluster's identity and producer ids, durable. A change is
// written and synced before it counts.

import { KafkaError } from '../base/kafka-errors.ts';
import { Mutex } from '../base/mutex.ts';
import type { CancelTimer, Clock, Logger } from '../base/ports.ts';
import { type Disk, DiskError } from '../storage/index.ts';
import { CatalogueFiles } from './catalogue-files.ts';
import {
  applyCatalogueRecord,
  type CatalogueRecord,
  type CatalogueState,
  emptyCatalogue,
  snapshotRecords,
} from './catalogue-state.ts';

/** How long a disk is left alone that would not let a refused change be taken back. */
const FORGET_AGAIN_MS = 5_000;

/** How the catalogue was found: `partial` when something of it could not be read. */
export type CatalogueOrigin = 'new' | 'whole' | 'partial';

export class Catalogue {
  readonly state: CatalogueState;
  readonly origin: CatalogueOrigin;
  readonly #files: CatalogueFiles;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #mutex = new Mutex();
  /** Of the next attempt to take back what was refused; null while none is due. */
  #cancelForgetting: CancelTimer | null = null;
  #closed = false;

  private constructor(
    files: CatalogueFiles,
    logger: Logger,
    clock: Clock,
    found: { state: CatalogueState; origin: CatalogueOrigin },
  ) {
    this.#files = files;
    this.#logger = logger;
    this.#clock = clock;
    this.state = found.state;
    this.origin = found.origin;
  }

  /**
   * Reads the catalogue of a data directory. What is unreadable is reported and set aside. Nothing
   * is written before {@link Catalogue.start}. Throws DiskError when the disk refuses.
   */
  static async load(disk: Disk, logger: Logger, clock: Clock): Promise<Catalogue> {
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
    return new Catalogue(files, logger, clock, { state, origin });
  }

  /** Whether the next start will find what is known now, and no change that was refused. */
  get settled(): boolean {
    return !this.#files.spoilt;
  }

  /**
   * Applies what the start found out and begins a new generation with the result. On a disk that
   * takes no writes, a catalogue found there serves from memory and refuses changes. Throws
   * DiskError only for a new one.
   */
  async start(records: readonly CatalogueRecord[]): Promise<void> {
    for (const record of records) applyCatalogueRecord(this.state, record);
    try {
      await this.#begin();
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
    return this.#change(async () => {
      if (this.#files.wantsSnapshot) await this.#begin();
      try {
        await this.#files.append(records);
      } catch (error) {
        await this.#forgetRefused();
        throw error;
      }
      for (const record of records) applyCatalogueRecord(this.state, record);
    });
  }

  /**
   * Resolves when the catalogue is {@link Catalogue.settled}. Throws as {@link Catalogue.commit} does.
   */
  settle(): Promise<void> {
    return this.#change(async () => {
      if (!this.settled) await this.#begin();
    });
  }

  /** Waits for changes under way and closes the files. Called while the directory is still this process's, once. */
  close(): Promise<void> {
    return this.#mutex.run(async () => {
      if (!this.settled) await this.#forgetRefused();
      this.#closed = true;
      this.#cancelForgetting?.();
      await this.#files.close();
    });
  }

  #change(work: () => Promise<void>): Promise<void> {
    return this.#mutex.run(async () => {
      // The directory may be another process's by now.
      if (this.#closed) throw new KafkaError('BROKER_NOT_AVAILABLE', 'the broker is stopping');
      try {
        await work();
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        this.#logger.error({ err: error }, 'the catalogue cannot be written');
        const message = `the catalogue cannot be written: ${error.message}`;
        throw new KafkaError('KAFKA_STORAGE_ERROR', message, { cause: error });
      }
    });
  }

  #begin(): Promise<void> {
    return this.#files.begin(snapshotRecords(this.state));
  }

  /**
   * What the disk refused may be in the log all the same, and the next start would take it for a change that was made.
   * A disk that refuses this too is asked again until it obeys, and by the next change, by {@link Catalogue.settle} and
   * by the close: a deletion must not come true days later, of a topic that was written to since.
   */
  async #forgetRefused(): Promise<void> {
    try {
      await this.#begin();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#logger.error(
        { err: error },
        'a change that was refused may be found by the next start',
      );
      this.#cancelForgetting ??= this.#clock.setTimer(FORGET_AGAIN_MS, () => this.#forgetAgain());
    }
  }

  #forgetAgain(): void {
    this.#cancelForgetting = null;
    const forget = async (): Promise<void> => {
      if (this.#closed || this.settled) return;
      await this.#forgetRefused();
      if (this.settled) this.#logger.info({}, 'a change that was refused was taken back');
    };
    this.#mutex.run(forget).catch((error: unknown) => {
      this.#logger.error({ err: error }, 'a change that was refused cannot be taken back');
    });
  }
}
