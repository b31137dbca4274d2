// A failed log comes back: what its directory holds is put in order and taken over, as a start does.

import { asError } from '../../base/errors.ts';
import { KafkaError } from '../../base/kafka-errors.ts';
import type { LogContents } from '../log-contents.ts';
import type { Tail } from '../reading/tail.ts';
import type { LogCompaction } from './log-compaction.ts';
import type { LogCore } from './log-core.ts';
import type { LogRetention } from './log-retention.ts';
import type { LogSync } from './log-sync.ts';
import type { LogWriter } from './log-writer.ts';

/** Reads the directory again after a failure: what is committed, and what is above it rewritten and synced. */
export type Reopen = (trusted: {
  /** Committed end: bad batches below are damage, above they are the end. */
  readonly mark: number;
  /** End of what the segment files are known to hold durably: what lies behind it is rewritten, or not believed. */
  readonly filesSyncedEnd: number;
  /** False: what is below the mark, read only, without changing anything. */
  readonly writable: boolean;
}) => Promise<LogContents>;

export interface LogReopeningOptions {
  readonly core: LogCore;
  readonly tail: Tail;
  readonly sync: LogSync;
  readonly writer: LogWriter;
  readonly retention: LogRetention;
  readonly compaction: LogCompaction;
  readonly reopen: Reopen;
}

export class LogReopening {
  readonly #options: LogReopeningOptions;

  constructor(options: LogReopeningOptions) {
    this.#options = options;
  }

  /** Answers what was found; null when the log had not failed. Throws KAFKA_STORAGE_ERROR. */
  run(): Promise<LogContents | null> {
    const { core, sync, writer, retention } = this.#options;
    // Segments are exchanged: nothing else that does so, and no reader, may be at it.
    return retention.inLane(async () => {
      if (core.state !== 'failed') return null;
      await writer.idle();
      await sync.settled();
      await sync.recoveryPoint.settled();
      return core.latch.exclusive(() => this.#reopenAlone());
    });
  }

  async #reopenAlone(): Promise<LogContents> {
    const { core, tail, sync, compaction, reopen } = this.#options;
    const { offset: filesSyncedEnd } = sync.syncedPlace;
    let believedEnd = filesSyncedEnd;
    // As at a start: what lies below the start offset was committed, and is not given out again.
    const mark = Math.max(core.durableEnd, core.startOffset);
    core.context.pool.detachBelow(core.name);
    tail.clear();
    try {
      await core.context.committer.restore(core.identity);
      // All that is committed is in the files now, and synced.
      believedEnd = mark;
      const contents = await reopen({ mark, filesSyncedEnd, writable: true });
      await core.context.committer.forget(core.identity);
      if (core.state !== 'failed') throw new Error('it was closed meanwhile');
      core.install(contents);
      compaction.reset();
      sync.reset(contents.recovery);
      sync.recoveryPoint.publishMark();
      return contents;
    } catch (error) {
      const cause = asError(error);
      const message = `${core.name} cannot be reopened: ${cause.message}`;
      const failure = new KafkaError('KAFKA_STORAGE_ERROR', message, { cause });
      // The files may be other ones now than those that readers know.
      try {
        core.show(await reopen({ mark, filesSyncedEnd: believedEnd, writable: false }));
      } catch {
        core.latch.break(failure);
      }
      throw failure;
    }
  }
}
