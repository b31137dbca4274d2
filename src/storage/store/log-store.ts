// All logs of one data directory (see contract.ts). Opening it takes the lock, removes the clean-shutdown marker,
// replays the journal and loads the marks; closing it does the reverse and writes the marker last.

import { inPlaceRecordWorker } from '../../record/index.ts';
import { Committer } from '../commit/committer.ts';
import { Journal } from '../commit/journal.ts';
import { checkJournal, replayJournal } from '../commit/journal-replay.ts';
import { PendingBytes } from '../commit/pending-bytes.ts';
import { TurnEnd } from '../commit/turn-end.ts';
import type { LogCleaner } from '../compaction/cleaner.ts';
import { CleanerCheckpoint } from '../compaction/cleaner-checkpoint.ts';
import { startCleaner } from '../compaction/start-cleaner.ts';
import type {
  CommitStats,
  CompactionControl,
  IntegrityStats,
  LogStore,
  OpenLogOptions,
  PartitionLog,
} from '../contract.ts';
import { Scrubber } from '../damage/scrub.ts';
import { FilePool } from '../disk/file-pool.ts';
import { isRoomShort, PacedRemoval } from '../disk/paced-removal.ts';
import { readSmallFile, writeSmallFile } from '../disk/small-file.ts';
import type { DiskLog } from '../log/log.ts';
import type { LogCompaction } from '../log/log-compaction.ts';
import { MARKS_FILE } from '../metadata/marks.ts';
import { TailBudget } from '../reading/tail.ts';
import { LoadedIndexes } from '../segment/loaded-indexes.ts';
import { baseOffsetOf } from '../segment/segment.ts';
import { Slots } from '../slots.ts';
import type { StoreContext } from '../store-context.ts';
import { TaskOwner } from '../tasks.ts';
import { freeName, LogOpening, storageError } from './log-opening.ts';
import type { LogStoreOptions } from './store-options.ts';
import {
  CLEAN_FILE,
  cleanMarker,
  newIntegrityStats,
  openMarks,
  takeCleanMarker,
} from './store-start.ts';

const LOG_DIRECTORY = /-[0-9]+$/;
const DELETED_DIRECTORY = /-delete$/;
const OPEN_FILES_MAX = 512;
const TAIL_BYTES_MAX = 64 * 1024 * 1024;
const TAIL_BYTES_PER_LOG_MAX = 4 * 1024 * 1024;
/** Logs opened at once: recovering one holds a few files open. */
const OPENING_MAX = 16;

/** Opens (or makes) a data directory. Throws DiskError, JournalVersionError, and TidemarkError when it is locked. */
export async function openLogStore(options: LogStoreOptions): Promise<LogStore> {
  await options.lock?.acquire();
  try {
    return await DirectoryStore.open(options);
  } catch (error) {
    await options.lock?.release();
    throw error;
  }
}

class DirectoryStore implements LogStore {
  readonly root: string;
  readonly lastStop: 'new' | 'clean' | 'unclean';
  readonly #options: LogStoreOptions;
  readonly #context: StoreContext;
  readonly #journal: Journal;
  readonly #checkpoint: CleanerCheckpoint;
  readonly #cleaner: LogCleaner | null;
  readonly #scrubber: Scrubber | null;
  readonly #logs = new Map<string, DiskLog>();
  readonly #opening: LogOpening;
  readonly #slots = new Slots(OPENING_MAX);
  #closing: Promise<void> | null = null;

  static async open(options: LogStoreOptions): Promise<DirectoryStore> {
    const { disk, clock, random, logger } = options;
    await disk.makeDirectory('.');
    await checkJournal(disk);
    const clean = await takeCleanMarker(disk);
    const names = await disk.list('.');
    const isNew = !names.some((name) => name === MARKS_FILE || LOG_DIRECTORY.test(name));
    const left = names.filter((name) => DELETED_DIRECTORY.test(name));
    // Nobody waits for them, but for their room.
    const removesNow = left.length > 0 && (await isRoomShort(disk));
    if (removesNow) for (const name of left.splice(0)) await disk.removeDirectory(name);
    const tasks = new TaskOwner(logger);
    const replay = await replayJournal(disk, logger);
    const marks = await openMarks({ disk, clock, logger, tasks, clean, isNew });
    const pool = new FilePool(disk, options.openFilesMax ?? OPEN_FILES_MAX);
    const { removalStepBytes: stepBytes } = options;
    const journal = new Journal({
      disk,
      clock,
      random,
      logger,
      tasks,
      dirtyLogsMax: Math.max(1, Math.floor(pool.limit / 2)),
      firstGeneration: replay.nextGeneration,
      kept: replay.kept,
    });
    const committer = new Committer(journal);
    const tailBudget = new TailBudget(
      options.tailBytesMax ?? TAIL_BYTES_MAX,
      TAIL_BYTES_PER_LOG_MAX,
    );
    const regions = options.regions ?? (() => false);
    const context: StoreContext = {
      disk,
      pool,
      clock,
      random,
      logger,
      committer,
      pending: new PendingBytes(),
      turnEnd: disk.writesNow === true ? new TurnEnd(clock, committer) : null,
      marks,
      tailBudget,
      loadedIndexes: new LoadedIndexes(options.indexBytesMax),
      tasks,
      removal: new PacedRemoval({ disk, pool, clock, logger, tasks, stepBytes }),
      regions,
      integrity: newIntegrityStats(),
      recordWorker: options.recordWorker ?? inPlaceRecordWorker,
    };
    const lastStop = isNew ? 'new' : clean ? 'clean' : 'unclean';
    const checkpoint = await CleanerCheckpoint.load(disk);
    for (const name of left) context.removal.directoryLater(name, name, 0);
    return new DirectoryStore(options, { context, journal, checkpoint, lastStop });
  }

  private constructor(
    options: LogStoreOptions,
    parts: {
      readonly context: StoreContext;
      readonly journal: Journal;
      readonly checkpoint: CleanerCheckpoint;
      readonly lastStop: 'new' | 'clean' | 'unclean';
    },
  ) {
    this.root = options.root;
    this.#options = options;
    this.#context = parts.context;
    this.#journal = parts.journal;
    this.lastStop = parts.lastStop;
    this.#checkpoint = parts.checkpoint;
    this.#opening = new LogOpening(parts);
    const logs = (): LogCompaction[] => Array.from(this.#logs.values(), (log) => log.compaction);
    this.#cleaner = startCleaner({ ...options, logs, checkpoint: parts.checkpoint });
    this.#scrubber = this.#startScrubber();
    parts.context.pool.onPressure = () => this.#relieve();
  }

  get compaction(): CompactionControl | null {
    return this.#cleaner;
  }

  #startScrubber(): Scrubber | null {
    const { scrub: settings, logger, clock } = this.#options;
    if (settings === undefined) return null;
    const { tasks, integrity: stats } = this.#context;
    const logs = () => this.#logs.values();
    return new Scrubber({ clock, logger, tasks, stats, settings, logs });
  }

  #relieving = false;
  #relieveAgain = false;

  /** Every open file has bytes that no sync has covered, and more files are wanted. */
  #relieve(): void {
    this.#journal.relieve();
    this.#relieveAgain = true;
    if (this.#relieving) return;
    this.#relieving = true;
    this.#context.tasks.start('syncing for lack of descriptors', async () => {
      while (this.#relieveAgain) {
        this.#relieveAgain = false;
        const logs = [...this.#logs.values()].filter((log) => log.keepsDirty);
        // A log that fails in it reports that itself.
        for (const log of logs) await log.relieve().catch(() => {});
      }
      this.#relieving = false;
    });
  }

  get integrity(): Readonly<IntegrityStats> {
    return this.#context.integrity;
  }

  get commits(): Readonly<CommitStats> {
    return this.#context.committer.stats;
  }

  get pendingBytes(): number {
    return this.#context.pending.total;
  }

  openLog(options: OpenLogOptions): Promise<PartitionLog> {
    return this.#slots.run(() => this.#openLog(options));
  }

  async #openLog(options: OpenLogOptions): Promise<PartitionLog> {
    const { name } = options;
    if (this.#closing !== null) throw storageError(`the store of ${this.root} is closed`);
    if (this.#logs.has(name)) throw storageError(`the log of ${name} is open already`);
    const log = await this.#opening.open(options);
    this.#logs.set(name, log);
    return log;
  }

  async deleteLog(log: PartitionLog): Promise<void> {
    const { disk, marks, removal, committer, random } = this.#context;
    const open = this.#logs.get(log.directory);
    if (open !== log) throw storageError(`the log of ${log.directory} is not open here`);
    this.#logs.delete(log.directory);
    this.#cleaner?.forget(open.compaction);
    this.#scrubber?.forget(open);
    await open.abandon();
    await committer.disown(open.identity);
    const gone = freeName(random, log.directory, 'delete');
    await open.leave(() => disk.rename(log.directory, gone));
    try {
      await disk.syncDirectory('.');
      marks.remove(log.directory);
      await committer.forget(open.identity);
      await this.#checkpoint.forget(log.directory);
    } finally {
      // Its room is given back, whatever the disk refuses: who deletes may want just that.
      removal.directoryLater(gone, log.directory, open.fileDeleteDelayMs);
    }
  }

  async loadSnapshot(
    log: PartitionLog,
    offset: number,
  ): Promise<{ offset: number; bytes: Buffer } | null> {
    const { disk } = this.#context;
    const offsets = (await disk.list(log.directory))
      .map((name) => ({ name, at: baseOffsetOf(name, '.snapshot') }))
      .filter(({ at }) => at >= 0 && at <= offset)
      .sort((a, b) => b.at - a.at);
    for (const { name, at } of offsets) {
      const bytes = await readSmallFile(disk, `${log.directory}/${name}`);
      if (bytes !== null && bytes.length > 0) return { offset: at, bytes };
    }
    return null;
  }

  freeBytes(): Promise<number> {
    return this.#context.disk.freeBytes('.');
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { disk, marks, pool, tasks, removal, logger } = this.#context;
    this.#scrubber?.close();
    removal.close();
    try {
      await this.#cleaner?.close();
      const closing = [...this.#logs.values()].map((log) => this.#slots.run(() => log.close()));
      await Promise.all(closing);
      await this.#journal.close();
      await tasks.idle();
      await marks.rewrite();
      await marks.close();
      const bytes = await readSmallFile(disk, MARKS_FILE);
      if (bytes !== null) {
        await writeSmallFile(disk, CLEAN_FILE, Buffer.from(cleanMarker(bytes)));
        await disk.syncDirectory('.');
      }
    } catch (error) {
      // The next start scans, as after a crash.
      const { message } = error as Error;
      logger.error({ error: message }, `the data directory was not closed cleanly: ${message}`);
    } finally {
      // Whatever failed: from here on the directory may be another process's.
      await marks.close();
      await tasks.idle();
      await pool.close();
      await this.#context.recordWorker.close().catch(() => {});
      await this.#options.lock?.release();
    }
  }
}
