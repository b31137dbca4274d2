// How a log ends: what it holds is written, synced and noted, so that the next start need not scan; or it was deleted,
// and its directory is taken away.

import { asError } from '../../base/errors.ts';
import { KafkaError } from '../../base/kafka-errors.ts';
import { writeSmallFile } from '../disk/small-file.ts';
import type { Tail } from '../reading/tail.ts';
import { segmentName } from '../segment/segment.ts';
import { saveIndexes } from '../segment/segment-files.ts';
import type { LogCore } from './log-core.ts';
import type { LogRetention } from './log-retention.ts';
import type { LogSync } from './log-sync.ts';
import type { LogWriter } from './log-writer.ts';

export interface LogEndingOptions {
  readonly core: LogCore;
  readonly tail: Tail;
  readonly sync: LogSync;
  readonly writer: LogWriter;
  readonly retention: LogRetention;
  /** The indexes on disk are whole, up to where the log ends now. */
  readonly isWhole: boolean;
  readonly onFailure: (cause: Error) => void;
}

export class LogEnding {
  readonly #options: LogEndingOptions;
  /** Up to here the indexes on disk were whole when it was opened; null: they were not. */
  readonly #wholeUpTo: number | null;
  #closing: Promise<void> | null = null;

  constructor(options: LogEndingOptions) {
    this.#options = options;
    this.#wholeUpTo = options.isWhole ? options.core.endOffset : null;
  }

  /** Finishes what the log holds, unless it has failed, and waits for all that is at work on it. Once. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /**
   * Runs `move`, which takes the directory of the closed log away, while no reader is inside, and lets none in any
   * more: they open files by name, which may be another topic's then.
   */
  leave(move: () => Promise<void>): Promise<void> {
    const { core, retention } = this.#options;
    const { latch, context, name } = core;
    const gone = new KafkaError('KAFKA_STORAGE_ERROR', `the log of ${name} was deleted`);
    return retention.inLane(() =>
      latch.exclusive(async () => {
        latch.break(gone);
        try {
          await move();
        } finally {
          // Not sooner: until then somebody may find a file under these names again.
          context.pool.detachBelow(name);
        }
      }),
    );
  }

  async #close(): Promise<void> {
    const { core, tail, sync, writer, retention, onFailure } = this.#options;
    const wasOpen = core.markClosing();
    try {
      if (wasOpen) await this.#finish();
    } catch (error) {
      onFailure(asError(error));
    } finally {
      // A write of a log that has failed may still be under way.
      await writer.idle();
      await sync.settled();
      await retention.settled();
      await sync.recoveryPoint.settled();
      const clean = wasOpen && core.failure === null;
      core.markClosed();
      sync.dispose();
      tail.clear();
      if (clean) this.#publishClean();
    }
  }

  /** Everything written and synced, indexes too. */
  async #finish(): Promise<void> {
    const { core, sync, writer } = this.#options;
    await writer.idle();
    if (core.failure !== null) return;
    await sync.flushTo(core.endOffset);
    await sync.syncDirty();
    const { disk } = core.context;
    // An epoch that clients were told must not be lower after the next start, even when nothing was appended.
    if (core.epochs.dirty) await core.epochs.save(disk, core.name);
    if (core.endOffset === this.#wholeUpTo) return;
    for (const segment of core.segments) {
      if (segment.sealed || !segment.created) continue;
      segment.indexes.finish();
      await saveIndexes(disk, segment);
    }
    const { active, endOffset } = core;
    if (!active.created || active.size === 0) return;
    const snapshot = core.hooks.producerSnapshot(endOffset);
    if (snapshot === null) return;
    await writeSmallFile(disk, `${core.name}/${segmentName(endOffset)}.snapshot`, snapshot);
    await disk.syncDirectory(core.name);
  }

  #publishClean(): void {
    const { core } = this.#options;
    const { active } = core;
    core.context.marks.update(core.name, {
      mark: core.endOffset,
      startOffset: core.startOffset,
      recoveryOffset: core.endOffset,
      recoveryPosition: active.size,
      maxTimestamp: active.maxTimestamp,
      maxTimestampOffset: active.maxTimestampOffset,
      firstTimestamp: active.firstTimestamp,
      leaderEpoch: core.epochs.latest,
      epochsChecksum: core.epochs.checksumBelow(core.endOffset),
      clean: true,
    });
  }
}
