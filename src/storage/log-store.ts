// All logs of one data directory (see contract.ts). Opening it takes the lock, removes the clean-shutdown marker,
// replays the journal and loads the marks; closing it does the reverse and writes the marker last.

import { crc32c } from '../base/crc32c.ts';
import { KafkaError } from '../base/kafka-errors.ts';
import type { Clock, Logger, Random } from '../base/ports.ts';
import { Committer } from './committer.ts';
import { type CleanerSettings, LogCleaner } from './compaction/cleaner.ts';
import { CleanerCheckpoint } from './compaction/cleaner-checkpoint.ts';
import type { CompactionRunner } from './compaction/job.ts';
import type {
  CommitStats,
  CompactionControl,
  IntegrityStats,
  LogStore,
  OpenLogOptions,
  PartitionLog,
  RollHooks,
} from './contract.ts';
import type { Disk } from './disk.ts';
import { FilePool } from './file-pool.ts';
import { Journal } from './journal.ts';
import { replayJournal } from './journal-replay.ts';
import { DiskLog } from './log.ts';
import type { StoreContext } from './log-core.ts';
import { loadMarks, MARKS_FILE, type Mark, MarkTable } from './marks.ts';
import { readTopicId, writeTopicId } from './metadata-file.ts';
import { type OpenDirectory, openDirectory } from './recovery.ts';
import { Scrubber, type ScrubSettings } from './scrub.ts';
import { baseOffsetOf } from './segment.ts';
import { Slots } from './slots.ts';
import { readSmallFile, writeSmallFile } from './small-file.ts';
import { TailBudget } from './tail.ts';
import { TaskOwner } from './tasks.ts';

export const CLEAN_FILE = 'clean-shutdown';
const LOG_DIRECTORY = /-[0-9]+$/;
const DELETED_DIRECTORY = /-delete$/;
const OPEN_FILES_MAX = 512;
const TAIL_BYTES_MAX = 64 * 1024 * 1024;
const TAIL_BYTES_PER_LOG_MAX = 4 * 1024 * 1024;
/** Logs opened at once: recovering one holds a few files open. */
const OPENING_MAX = 16;
const noHooks: RollHooks = { producerSnapshot: () => null };

/** Holds a data directory for this process alone. */
export interface LockPort {
  /** Throws TidemarkError `data_directory_locked` when another process has it. */
  acquire(): Promise<void>;
  release(): Promise<void>;
}

export interface LogStoreOptions {
  readonly disk: Disk;
  /** The data directory, for people; paths on `disk` are relative to it. */
  readonly root: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly lock?: LockPort;
  /** Segment files open at once; default 512. */
  readonly openFilesMax?: number;
  /** Memory for the newest batches of all logs, bytes; default 64 MiB. */
  readonly tailBytesMax?: number;
  /** Whether long reads answer with file regions instead of buffers; default false. */
  readonly regions?: boolean;
  /** Where compaction passes run, and its configs; the store closes the runner. Default: nothing is compacted. */
  readonly compaction?: {
    readonly runner: CompactionRunner;
    readonly settings: () => CleanerSettings;
  };
  /** How finished segments are checked in the background. Default: not at all. */
  readonly scrub?: () => ScrubSettings;
}

/** Opens (or makes) a data directory. Throws TidemarkError when it is locked, DiskError when the disk refuses. */
export async function openLogStore(options: LogStoreOptions): Promise<LogStore> {
  await options.lock?.acquire();
  try {
    return await DirectoryStore.open(options);
  } catch (error) {
    await options.lock?.release();
    throw error;
  }
}

/** Whether the last run wrote the marker, and the marks are those it wrote. */
export async function readCleanMarker(disk: Disk): Promise<boolean> {
  const marker = await readSmallFile(disk, CLEAN_FILE);
  const marks = await readSmallFile(disk, MARKS_FILE);
  if (marker === null || marks === null) return false;
  return marker.toString('latin1') === cleanMarker(marks);
}

function cleanMarker(marks: Buffer): string {
  return `version: 1\nmarks: ${marks.length} ${crc32c(marks)}\n`;
}

class DirectoryStore implements LogStore {
  readonly root: string;
  readonly lastStop: 'new' | 'clean' | 'unclean';
  readonly #options: LogStoreOptions;
  readonly #context: StoreContext;
  readonly #journal: Journal;
  readonly #blocked: ReadonlySet<string>;
  readonly #checkpoint: CleanerCheckpoint;
  readonly #cleaner: LogCleaner | null;
  readonly #scrubber: Scrubber | null;
  readonly #logs = new Map<string, DiskLog>();
  readonly #opening = new Slots(OPENING_MAX);
  #closing: Promise<void> | null = null;

  static async open(options: LogStoreOptions): Promise<DirectoryStore> {
    const { disk, clock, random, logger } = options;
    await disk.makeDirectory('.');
    const clean = await readCleanMarker(disk);
    const names = await disk.list('.');
    const isNew = !names.some((name) => name === MARKS_FILE || LOG_DIRECTORY.test(name));
    // A crash from here on is a crash, whatever the last stop was.
    await disk.remove(CLEAN_FILE);
    await disk.syncDirectory('.');
    for (const name of await disk.list('.')) {
      if (DELETED_DIRECTORY.test(name)) await disk.removeDirectory(name);
    }
    const tasks = new TaskOwner(logger);
    const replay = await replayJournal(disk, logger);
    const loaded = await loadMarks(disk);
    // Refused is not lost: it may pass, and starting without the marks would forget what was deleted.
    if (loaded.refused !== null) throw loaded.refused;
    const known = clean ? loaded.marks : unclean(loaded.marks);
    const marks = new MarkTable({
      disk,
      clock,
      logger,
      tasks,
      loaded: { marks: known, lost: loaded.lost && !isNew, refused: null },
    });
    // After a kill, what we read may be in the page cache alone: it is made durable before anyone acts on it. And
    // from now on a missing file means that it was lost, never that it was not written yet.
    if (!marks.lost) await marks.rewrite();
    const pool = new FilePool(disk, options.openFilesMax ?? OPEN_FILES_MAX);
    const journal = new Journal({
      disk,
      clock,
      random,
      logger,
      tasks,
      dirtyLogsMax: Math.max(1, Math.floor(pool.limit / 2)),
      firstGeneration: replay.nextGeneration,
    });
    pool.onPressure = () => journal.relieve();
    const committer = new Committer(journal, logger);
    const tailBudget = new TailBudget(
      options.tailBytesMax ?? TAIL_BYTES_MAX,
      TAIL_BYTES_PER_LOG_MAX,
    );
    const regions = options.regions ?? false;
    const context: StoreContext = {
      disk,
      pool,
      clock,
      random,
      logger,
      committer,
      marks,
      tailBudget,
      tasks,
      regions,
      integrity: newIntegrityStats(),
    };
    const lastStop = isNew ? 'new' : clean ? 'clean' : 'unclean';
    const { blocked } = replay;
    const checkpoint = await CleanerCheckpoint.load(disk);
    return new DirectoryStore(options, { context, journal, blocked, checkpoint, lastStop });
  }

  private constructor(
    options: LogStoreOptions,
    parts: {
      readonly context: StoreContext;
      readonly journal: Journal;
      readonly blocked: ReadonlySet<string>;
      readonly checkpoint: CleanerCheckpoint;
      readonly lastStop: 'new' | 'clean' | 'unclean';
    },
  ) {
    this.root = options.root;
    this.#options = options;
    this.#context = parts.context;
    this.#journal = parts.journal;
    this.#blocked = parts.blocked;
    this.lastStop = parts.lastStop;
    this.#checkpoint = parts.checkpoint;
    this.#cleaner = this.#startCleaner();
    this.#scrubber = this.#startScrubber();
  }

  get compaction(): CompactionControl | null {
    return this.#cleaner;
  }

  #startCleaner(): LogCleaner | null {
    const { compaction, logger, clock } = this.#options;
    if (compaction === undefined) return null;
    if (this.#blocked.size > 0) {
      // The journal is kept, and the next start writes all of it back into the segments as they were.
      logger.error({}, 'nothing is compacted until the journal could be replayed');
      return null;
    }
    const logs = () => Array.from(this.#logs.values(), (log) => log.compaction);
    return new LogCleaner({ ...compaction, clock, logger, logs, checkpoint: this.#checkpoint });
  }

  #startScrubber(): Scrubber | null {
    const { scrub: settings, logger, clock } = this.#options;
    if (settings === undefined) return null;
    const { tasks, integrity: stats } = this.#context;
    const logs = () => this.#logs.values();
    return new Scrubber({ clock, logger, tasks, stats, settings, logs });
  }

  get integrity(): Readonly<IntegrityStats> {
    return this.#context.integrity;
  }

  get commits(): Readonly<CommitStats> {
    return this.#context.committer.stats;
  }

  openLog(options: OpenLogOptions): Promise<PartitionLog> {
    return this.#opening.run(() => this.#openLog(options));
  }

  async #openLog(options: OpenLogOptions): Promise<PartitionLog> {
    const { name, topicId, config } = options;
    if (this.#closing !== null) throw storageError(`the store of ${this.root} is closed`);
    if (this.#logs.has(name)) throw storageError(`the log of ${name} is open already`);
    if (this.#blocked.has(name)) {
      throw storageError(`${name}: the journal could not be replayed; see the log of the start`);
    }
    try {
      await this.#prepareDirectory(name, topicId);
      const mark = this.#markOf(name, topicId);
      const contents = await openDirectory(this.#openOptions(options, mark));
      const context = this.#context;
      context.marks.put({ ...mark, mark: contents.endOffset, clean: false });
      const { hooks = noHooks } = options;
      const wasCompacted = this.#checkpoint.get(name) > 0;
      const log = new DiskLog(
        { context, name, topicId, config, hooks, contents, wasCompacted },
        ({ mark: end, filesSyncedEnd }) => {
          const now = this.#markOf(name, topicId);
          const open = this.#openOptions(options, now);
          const rewriteFrom = Math.min(end, filesSyncedEnd);
          return openDirectory({ ...open, stop: 'crashed', mark: end, rewriteFrom });
        },
      );
      this.#logs.set(name, log);
      return log;
    } catch (error) {
      if (error instanceof KafkaError) throw error;
      throw storageError(`${name} cannot be opened: ${(error as Error).message}`, error);
    }
  }

  /** Makes sure the directory exists and belongs to this topic; one of another topic is moved out of the way. */
  async #prepareDirectory(name: string, topicId: string): Promise<void> {
    const { disk, logger } = this.#context;
    const exists = (await disk.stat(name)) !== undefined;
    const found = exists ? await readTopicId(disk, name) : null;
    if (found === topicId) return;
    // The marks name a log only once its directory is its own: then the metadata alone is damaged.
    const own = exists && this.#context.marks.get(name)?.topicId === topicId;
    if (own) logger.warn({ log: name, found }, `${name}: the topic id on disk was unreadable or wrong`);
    const strange = found !== null && !own;
    if (!exists || strange) await this.#checkpoint.forget(name);
    if (strange) {
      const stray = this.#freeName(name, 'stray');
      logger.warn({ log: name, stray }, `${name} is of another topic: moved to ${stray}`);
      await disk.rename(name, stray);
      this.#context.marks.remove(name);
    }
    // A directory without readable metadata keeps its data: it is this topic's, as far as anyone can tell.
    await disk.makeDirectory(name);
    await writeTopicId(disk, name, topicId);
    await disk.syncDirectory('.');
  }

  /** Kafka's names for directories on their way out, kept below 255 characters. */
  #freeName(name: string, kind: 'delete' | 'stray'): string {
    const unique = this.#context.random.bytes(16).toString('hex');
    return `${name.slice(0, 200)}.${unique}-${kind}`;
  }

  #markOf(name: string, topicId: string): Mark {
    const { marks } = this.#context;
    const found = marks.get(name);
    if (found !== undefined && found.topicId === topicId) return found;
    return {
      name,
      topicId,
      mark: marks.lost ? Number.POSITIVE_INFINITY : 0,
      startOffset: 0,
      recoveryOffset: 0,
      recoveryPosition: 0,
      maxTimestamp: -1,
      maxTimestampOffset: 0,
      firstTimestamp: -1,
      leaderEpoch: -1,
      clean: false,
    };
  }

  #openOptions({ name, config }: OpenLogOptions, mark: Mark): OpenDirectory {
    const { disk, pool, clock, logger } = this.#context;
    return {
      disk,
      pool,
      clock,
      logger,
      name,
      config,
      stop: mark.clean ? 'clean' : 'crashed',
      mark: mark.mark,
      rewriteFrom: mark.mark,
      startOffset: mark.startOffset,
      recoveryOffset: mark.recoveryOffset,
      recoveryPosition: mark.recoveryPosition,
      wasCompacted: this.#checkpoint.get(name) > 0,
      times: mark,
      leaderEpoch: mark.leaderEpoch,
      integrity: this.#context.integrity,
    };
  }

  async deleteLog(log: PartitionLog): Promise<void> {
    const { disk, marks, clock, tasks, committer } = this.#context;
    const open = this.#logs.get(log.directory);
    if (open !== log) throw storageError(`the log of ${log.directory} is not open here`);
    this.#logs.delete(log.directory);
    await open.close();
    const gone = this.#freeName(log.directory, 'delete');
    await disk.rename(log.directory, gone);
    await disk.syncDirectory('.');
    marks.remove(log.directory);
    await committer.forget(log.directory, open.topicId);
    this.#cleaner?.forget(open.compaction);
    await this.#checkpoint.forget(log.directory);
    clock.setTimer(open.fileDeleteDelayMs, () => {
      tasks.start(`removing ${gone}`, () => disk.removeDirectory(gone));
    });
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
    const { disk, marks, pool, tasks, logger } = this.#context;
    this.#scrubber?.close();
    try {
      if (this.#cleaner === null) await this.#options.compaction?.runner.close();
      else await this.#cleaner.close();
      const closing = [...this.#logs.values()].map((log) => this.#opening.run(() => log.close()));
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
      await pool.close();
      await this.#options.lock?.release();
    }
  }
}

function newIntegrityStats(): IntegrityStats {
  return {
    verifiedBytes: 0,
    scrubbedBytes: 0,
    scrubPasses: 0,
    damagedRanges: 0,
    damagedOffsets: 0,
  };
}

function unclean(marks: ReadonlyMap<string, Mark>): Map<string, Mark> {
  return new Map([...marks].map(([name, mark]) => [name, { ...mark, clean: false }]));
}

function storageError(message: string, cause?: unknown): KafkaError {
  return new KafkaError('KAFKA_STORAGE_ERROR', message, cause === undefined ? {} : { cause });
}
