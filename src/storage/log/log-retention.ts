// Lets old segments of one log go: the plan of retention.ts carried out, and DeleteRecords.

import { AssertionError } from '../../base/errors.ts';
import { KafkaError } from '../../base/kafka-errors.ts';
import { Mutex } from '../../base/mutex.ts';
import { DiskError } from '../disk/disk.ts';
import type { GoneFile } from '../disk/paced-removal.ts';
import { withTimes } from '../reading/log-search.ts';
import type { Tail } from '../reading/tail.ts';
import type { Segment } from '../segment/segment.ts';
import { renameDeleted, saveIndexes } from '../segment/segment-files.ts';
import type { LogCore } from './log-core.ts';
import type { LogWriter } from './log-writer.ts';
import type { RecoveryPoint } from './recovery-point.ts';
import { type RetentionConfig, type SegmentFacts, segmentsToDelete } from './retention.ts';

/** Neither age nor size take anything away. */
const startOnly: RetentionConfig = { retentionMs: -1, retentionBytes: -1, cleanupDelete: false };

export interface LogRetentionOptions {
  readonly core: LogCore;
  readonly writer: LogWriter;
  readonly recoveryPoint: RecoveryPoint;
  readonly tail: Tail;
  /** Called when an invariant is broken; fails the whole log. */
  readonly onFailure: (cause: Error) => void;
}

export class LogRetention {
  readonly #core: LogCore;
  readonly #writer: LogWriter;
  readonly #recoveryPoint: RecoveryPoint;
  readonly #tail: Tail;
  readonly #onFailure: (cause: Error) => void;
  readonly #lane = new Mutex();

  constructor(options: LogRetentionOptions) {
    this.#core = options.core;
    this.#writer = options.writer;
    this.#recoveryPoint = options.recoveryPoint;
    this.#tail = options.tail;
    this.#onFailure = options.onFailure;
  }

  /** Raises the start offset, durably, and frees whole segments below it. */
  async deleteRecordsBefore(offset: number): Promise<void> {
    const core = this.#core;
    if (offset < 0 || offset > core.highWatermark) {
      throw new KafkaError(
        'OFFSET_OUT_OF_RANGE',
        `cannot delete up to ${offset}: the high watermark of ${core.name} is ${core.highWatermark}`,
      );
    }
    core.assertOpen();
    if (offset > core.startOffset) core.raiseStart(offset);
    try {
      await core.context.marks.flush();
    } catch (error) {
      const message = `the start offset of ${core.name} could not be stored`;
      throw new KafkaError('KAFKA_STORAGE_ERROR', message, { cause: error });
    }
    // Only what lies below the start: age and size are looked at when retention is due.
    await this.inLane(() => this.#free(core.context.clock.now(), startOnly));
  }

  /** Rolls and deletes by time and size; one run at a time. Answers how many segments went. */
  apply(nowMs: number): Promise<number> {
    return this.inLane(async () => {
      await this.#rollByTime(nowMs);
      const count = await this.#free(nowMs, this.#core.config);
      await this.#recoveryPoint.finishRolled();
      await this.#saveRebuilt();
      return count;
    });
  }

  /** Runs `work` when nothing else takes segments away or exchanges them. */
  inLane<T>(work: () => Promise<T>): Promise<T> {
    return this.#lane.run(work).catch((error: unknown) => {
      if (error instanceof AssertionError) this.#onFailure(error);
      throw error;
    });
  }

  /** Waits for what is in the lane now. */
  async settled(): Promise<void> {
    await this.#lane.run(async () => {});
  }

  /** Rolls an active segment whose time has come, and finishes what is rolled. */
  rollByTime(nowMs: number): Promise<void> {
    return this.inLane(async () => {
      await this.#rollByTime(nowMs);
      await this.#recoveryPoint.finishRolled();
    });
  }

  async #free(nowMs: number, config: RetentionConfig): Promise<number> {
    const core = this.#core;
    let count = 0;
    const unread = new Map<Segment, number>();
    for (;;) {
      if (core.state !== 'open') return 0;
      count = this.#planned(nowMs, config, unread);
      const doubtful = this.#doubtful(count, config, unread);
      if (doubtful === undefined) break;
      await withTimes(core, doubtful).catch((error: unknown) => {
        unread.set(doubtful, this.#assumedTime(doubtful, error));
      });
    }
    if (count === 0) return 0;
    if (count === core.segments.length) core.roll(core.endOffset);
    // A file must follow before the last one that tells the log's end goes.
    if (!(await this.#hasFile(core.segments[count] as Segment))) count--;
    if (count === 0 || core.state !== 'open') return 0;
    return this.#drop(count);
  }

  /** Whether the segment has a file now: there may be no room for one. */
  async #hasFile(segment: Segment): Promise<boolean> {
    await this.#writer.makeFile(segment).catch(() => {});
    return segment.created;
  }

  /**
   * The newest time of a segment that cannot be read, to go by in this run: for ever, what lies behind it would stay as
   * well, up to a full disk. What may be read the next time is not too old.
   */
  #assumedTime(segment: Segment, error: unknown): number {
    if (!(error instanceof DiskError)) throw error;
    const { name: log, context } = this.#core;
    const { baseOffset, maxTimestamp, modifiedMs } = segment;
    const message = `the newest time of a segment of ${log} is not known: ${error.message}`;
    context.logger.warn({ log, segment: baseOffset, error: error.message }, message);
    if (error.code !== 'io_error') return Number.POSITIVE_INFINITY;
    return Math.max(maxTimestamp, modifiedMs);
  }

  /** Indexes that readers had rebuilt may leave memory, and serve the next start, once they are in their files. */
  async #saveRebuilt(): Promise<void> {
    const { segments, state, name: log, context } = this.#core;
    if (state !== 'open') return;
    try {
      for (const segment of segments.filter(({ sealed, indexes }) => sealed && !indexes.areSaved)) {
        await saveIndexes(context.disk, segment);
        context.loadedIndexes.add(segment);
      }
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      const { message } = error;
      const text = `rebuilt indexes of ${log} are written another time: ${message}`;
      context.logger.warn({ log, error: message }, text);
    }
  }

  /** How many of the oldest segments may go, for all that is known of them; `unread`: times to assume. */
  #planned(nowMs: number, config: RetentionConfig, unread: ReadonlyMap<Segment, number>): number {
    const core = this.#core;
    const segments = core.segments.map((segment): SegmentFacts => {
      const { size: bytes, maxTimestamp, modifiedMs } = segment;
      const knownMs = maxTimestamp >= 0 ? maxTimestamp : modifiedMs;
      const newestMs = unread.get(segment) ?? knownMs;
      return { bytes, newestMs, endOffset: core.endOf(segment) };
    });
    const { startOffset, highWatermark } = core;
    return segmentsToDelete({ segments, startOffset, highWatermark, nowMs }, config);
  }

  /**
   * One whose newest time may be another than is known, where age decides: of the `count` that are to go, since an
   * index that lost that time must not cost the records; or the first that is to stay. What lies behind that stays too.
   */
  #doubtful(
    count: number,
    config: RetentionConfig,
    unread: ReadonlyMap<Segment, number>,
  ): Segment | undefined {
    if (!config.cleanupDelete || config.retentionMs < 0) return undefined;
    return this.#core.segments.slice(0, count + 1).find((segment, index) => {
      const { sealed, indexes, maxTimestamp } = segment;
      const known = !sealed || indexes.timesProven || unread.has(segment);
      return !known && (index < count || maxTimestamp < 0);
    });
  }

  async #rollByTime(nowMs: number): Promise<void> {
    const core = this.#core;
    const { active } = core;
    if (core.state !== 'open' || active.size === 0 || active.written < active.size) return;
    if (nowMs - active.createdMs <= core.config.segmentMs - active.jitterMs) return;
    // Its file first: as long as there is none, a start takes what was rolled for the log's end.
    await this.#hasFile(core.roll(core.endOffset));
  }

  async #drop(count: number): Promise<number> {
    const core = this.#core;
    const next = core.segments[count] as Segment;
    core.raiseStart(next.baseOffset);
    // A start that was not kept makes segments that are gone look lost. A full disk, which wants the room, may refuse.
    await core.context.marks.flush().catch(() => {});
    const going = core.dropOldest(count);
    if (core.startOffset >= core.highWatermark) this.#tail.clear();
    const { logger, removal } = core.context;
    for (const { baseOffset } of going)
      logger.info({ log: core.name, segment: baseOffset }, 'segment deleted');
    const takeAway = (): Promise<void> => this.#takeAway(going);
    // It is no part of the log any more, whatever is refused now.
    await takeAway().catch((error: unknown) => {
      const what = `taking deleted segments of ${core.name} away`;
      removal.due.refused(error, what, () => this.inLane(takeAway));
    });
    return going.length;
  }

  /** Takes away the files of segments that were dropped, as far as they are there. */
  async #takeAway(dropped: readonly Segment[]): Promise<void> {
    const { state, startOffset, segments, config, context } = this.#core;
    // They may be another log's by now.
    if (state === 'closed') return;
    const present = new Set(segments.map(({ baseOffset }) => baseOffset));
    const { disk, pool, removal } = context;
    const gone: GoneFile[] = [];
    try {
      for (const segment of dropped) {
        // A reopening has found it again.
        if (!present.has(segment.baseOffset)) await renameDeleted(disk, pool, segment, gone);
      }
      await this.#dropSnapshots(startOffset);
    } finally {
      // Also what went before a step was refused: a full disk wants the room.
      removal.filesLater(gone, config.fileDeleteDelayMs);
    }
  }

  /** Producer snapshots below the start go, but for the newest: it may be needed to rebuild from there. */
  async #dropSnapshots(offset: number): Promise<void> {
    const { disk } = this.#core.context;
    const names = (await disk.list(this.#core.name)).filter((name) => name.endsWith('.snapshot'));
    const below = names.filter((name) => Number(name.slice(0, 20)) <= offset);
    for (const name of below.slice(0, -1)) await disk.remove(`${this.#core.name}/${name}`);
  }
}
