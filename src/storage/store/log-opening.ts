// Opening one log of a data directory: its directory is its own, the journal holds nothing of it any more, and what the
// disk refuses to write leaves what is below the mark to be read.

import { KafkaError } from '../../base/kafka-errors.ts';
import type { Random } from '../../base/ports.ts';
import type { Journal } from '../commit/journal.ts';
import type { CleanerCheckpoint } from '../compaction/cleaner-checkpoint.ts';
import type { OpenLogOptions, RollHooks } from '../contract.ts';
import { DiskError } from '../disk/disk.ts';
import { DiskLog } from '../log/log.ts';
import type { LogContents } from '../log-contents.ts';
import { logIdentity } from '../metadata/log-identity.ts';
import type { Mark } from '../metadata/marks-format.ts';
import { readTopicId, writeTopicId } from '../metadata/metadata-file.ts';
import { openDirectory } from '../recovery/recovery.ts';
import type { OpenDirectory } from '../recovery/recovery-files.ts';
import { openForReading } from '../recovery/recovery-view.ts';
import type { StoreContext } from '../store-context.ts';

const noHooks: RollHooks = { producerSnapshot: () => null };

export interface LogOpeningOptions {
  readonly context: StoreContext;
  readonly journal: Journal;
  readonly checkpoint: CleanerCheckpoint;
}

export class LogOpening {
  readonly #context: StoreContext;
  readonly #journal: Journal;
  readonly #checkpoint: CleanerCheckpoint;
  /** Directories that an attempt to open their logs made, or began to make, and did not make durable. */
  readonly #unsettled = new Set<string>();

  constructor(options: LogOpeningOptions) {
    this.#context = options.context;
    this.#journal = options.journal;
    this.#checkpoint = options.checkpoint;
  }

  /** Opens the log, or makes it. Throws KAFKA_STORAGE_ERROR. */
  async open(options: OpenLogOptions): Promise<DiskLog> {
    const { name, topicId, config } = options;
    try {
      await this.#journal.writeBack(name);
      await this.#prepareDirectory(name, topicId);
      const mark = this.#context.marks.of(name, topicId);
      const { contents, refused } = await this.#openOrShow(options, mark);
      const context = this.#context;
      const { endOffset, epochs } = contents;
      const epochsChecksum = epochs.checksumBelow(endOffset);
      context.marks.put({ ...mark, mark: endOffset, epochsChecksum, clean: false });
      const { hooks = noHooks } = options;
      const wasCompacted = this.#checkpoint.get(name) > 0;
      const log = new DiskLog(
        { context, name, topicId, config, hooks, contents, wasCompacted },
        ({ mark: end, filesSyncedEnd, writable }) => {
          const now = this.#context.marks.of(name, topicId);
          const open = { ...this.#openOptions(options, now), stop: 'crashed', mark: end } as const;
          const trusted = { ...open, rewriteFrom: Math.min(end, filesSyncedEnd) };
          return writable ? openDirectory(trusted) : openForReading(trusted);
        },
      );
      if (refused !== null) log.refuseWrites(refused);
      return log;
    } catch (error) {
      if (error instanceof KafkaError) throw error;
      throw storageError(`${name} cannot be opened: ${(error as Error).message}`, error);
    }
  }

  /** When the disk refuses what a recovery has to write, what is below the mark is there to be read at least. */
  async #openOrShow(
    log: OpenLogOptions,
    mark: Mark,
  ): Promise<{ readonly contents: LogContents; readonly refused: DiskError | null }> {
    const options = this.#openOptions(log, mark);
    try {
      // Its segments have what a journal that was kept holds of it: replayed later, that would undo what comes now.
      await this.#journal.forget(logIdentity(log));
      return { contents: await openDirectory(options), refused: null };
    } catch (error) {
      if (!(error instanceof DiskError) || !Number.isFinite(options.mark)) throw error;
      return { contents: await openForReading(options), refused: error };
    }
  }

  /** Makes sure the directory exists and belongs to this topic; one of another topic is moved out of the way. */
  async #prepareDirectory(name: string, topicId: string): Promise<void> {
    const { disk, logger } = this.#context;
    const exists = (await disk.stat(name)) !== undefined;
    const found = exists ? await readTopicId(disk, name) : null;
    if (found === topicId && !this.#unsettled.has(name)) return;
    this.#unsettled.add(name);
    // The marks name a log only once its directory is its own: then the metadata alone is damaged.
    const own = exists && this.#context.marks.get(name)?.topicId === topicId;
    if (own)
      logger.warn({ log: name, found }, `${name}: the topic id on disk was unreadable or wrong`);
    const strange = found !== null && found !== topicId && !own;
    if (!exists || strange) await this.#checkpoint.forget(name);
    if (strange) {
      const stray = freeName(this.#context.random, name, 'stray');
      logger.warn({ log: name, stray }, `${name} is of another topic: moved to ${stray}`);
      await disk.rename(name, stray);
      this.#context.marks.remove(name);
    }
    // A directory without readable metadata keeps its data: it is this topic's, as far as anyone can tell.
    await disk.makeDirectory(name);
    await writeTopicId(disk, name, topicId);
    await disk.syncDirectory('.');
    this.#unsettled.delete(name);
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
      // Only committed records are deleted, and the start is durable at once, while the mark may be late.
      mark: Math.max(mark.mark, mark.startOffset),
      rewriteFrom: mark.mark,
      startOffset: mark.startOffset,
      recoveryOffset: mark.recoveryOffset,
      recoveryPosition: mark.recoveryPosition,
      wasCompacted: this.#checkpoint.get(name) > 0,
      times: mark,
      leaderEpoch: mark.leaderEpoch,
      epochsBelow: mark.mark,
      epochsChecksum: mark.epochsChecksum,
      integrity: this.#context.integrity,
    };
  }
}

/** Kafka's names for directories on their way out, kept below 255 characters. */
export function freeName(random: Random, name: string, kind: 'delete' | 'stray'): string {
  const unique = random.bytes(16).toString('hex');
  return `${name.slice(0, 200)}.${unique}-${kind}`;
}

export function storageError(message: string, cause?: unknown): KafkaError {
  return new KafkaError('KAFKA_STORAGE_ERROR', message, cause === undefined ? {} : { cause });
}
