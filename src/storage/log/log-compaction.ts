// The part of one log that compaction deals with: what there is to clean, and taking over what a pass has rewritten.
//
// A segment is taken only once a file follows it. That file is made in the retention lane; where there is no room for
// it, the segment waits. Before an exchange the journal gives up what it holds of the log: replayed, it would write old
// bytes into new files.

import { asError } from '../../base/errors.ts';
import type { Logger } from '../../base/ports.ts';
import { CLEANED_SUFFIX } from '../compaction/cleaned-writer.ts';
import type { CleanableLog, PassLimits } from '../compaction/cleaner.ts';
import type { CleanedSegment, CompactionJob, CompactionResult } from '../compaction/job.ts';
import {
  type CompactionConfig,
  type CompactionPlan,
  compactionDefaults,
  planCompaction,
  type SegmentFacts,
} from '../compaction/plan.ts';
import {
  commitSwap,
  exchangeNames,
  forgetSwap,
  removeCleaned,
  removeReplaced,
  type SwapEntry,
  type SwapPlace,
  swapEntries,
} from '../compaction/swap-file.ts';
import { noteMissingBehind } from '../damage/missing-offsets.ts';
import { proveDamage } from '../damage/prove-damage.ts';
import { verifySegments } from '../damage/verify.ts';
import { withIndexes } from '../reading/log-reader.ts';
import { Segment, segmentName } from '../segment/segment.ts';
import { learnFirstTimestamp } from '../segment/segment-files.ts';
import type { LogCore } from './log-core.ts';
import type { LogRetention } from './log-retention.ts';
import type { LogWriter } from './log-writer.ts';

export interface LogCompactionOptions {
  readonly core: LogCore;
  /** Retention and swaps take turns. */
  readonly retention: LogRetention;
  readonly writer: LogWriter;
  /** Called with the cause when names and memory may disagree; fails the whole log. */
  readonly onFailure: (cause: Error) => void;
}

export class LogCompaction implements CleanableLog {
  readonly name: string;
  #openings = 0;
  readonly #core: LogCore;
  readonly #retention: LogRetention;
  readonly #writer: LogWriter;
  readonly #onFailure: (cause: Error) => void;
  /** A swap file could not be removed: no pass may leave `.cleaned` files beside it. */
  #stuck = false;
  /** It was told that there is no room for the file of the last segment. */
  #toldNoRoom = false;

  constructor(options: LogCompactionOptions) {
    this.#core = options.core;
    this.#retention = options.retention;
    this.#writer = options.writer;
    this.#onFailure = options.onFailure;
    this.name = options.core.name;
  }

  get compacts(): boolean {
    const { config, state } = this.#core;
    return config.cleanupCompact && state === 'open' && !this.#stuck;
  }

  get condition(): string {
    return `${this.#openings}/${this.#core.damaged.length}`;
  }

  /** The log was opened anew, which has settled what was left. */
  reset(): void {
    this.#openings += 1;
    this.#stuck = false;
  }

  async plan(options: {
    readonly firstDirtyOffset: number;
    readonly nowMs: number;
    readonly anyRatio: boolean;
  }): Promise<CompactionPlan | null> {
    const core = this.#core;
    const { firstDirtyOffset, nowMs } = options;
    const config = this.#config();
    await this.#retention.rollByTime(nowMs);
    await this.#endWithFile();
    const segments = await this.#retention.inLane(() => this.#facts(firstDirtyOffset, config));
    const stableOffset = Math.min(
      core.highWatermark,
      core.hooks.lastStableOffset?.() ?? core.highWatermark,
    );
    const state = { segments, firstDirtyOffset, stableOffset, nowMs };
    return planCompaction(
      state,
      options.anyRatio ? { ...config, minCleanableDirtyRatio: 0 } : config,
    );
  }

  async job(plan: CompactionPlan, limits: PassLimits): Promise<CompactionJob | null> {
    const core = this.#core;
    const producers = this.#producers();
    if (producers === null || !this.compacts) return null;
    const bases = new Set(plan.segments.map(({ baseOffset }) => baseOffset));
    const each = async (look: (segment: Segment) => Promise<void>): Promise<void> => {
      for (const segment of [...core.segments]) {
        if (!bases.has(segment.baseOffset)) continue;
        await core.latch.shared(async () => {
          // It may have been taken or exchanged, or the log opened anew.
          if (core.holds(segment)) await look(segment);
        });
      }
    };
    // So that damage is known, and stepped over, before the pass meets it; and nothing is dropped that is good.
    await each((segment) => proveDamage(core, segment, true));
    await verifySegments(core, bases);
    await each((segment) => noteMissingBehind(core, segment));
    const skip = core.damaged.filter(
      (range) => range.bytes > 0 && bases.has(range.segmentBaseOffset),
    );
    const { segmentBytes, segmentIndexBytes, indexIntervalBytes } = core.config;
    return {
      directory: core.name,
      segments: await this.#withIndexSizes(plan.segments),
      skip,
      firstDirtyOffset: plan.firstDirtyOffset,
      endOffset: plan.endOffset,
      nowMs: core.context.clock.now(),
      deleteRetentionMs: this.#config().deleteRetentionMs,
      segmentBytes,
      segmentIndexBytes,
      indexIntervalBytes,
      producers,
      ...limits,
    };
  }

  /**
   * Puts the rewritten segments in the place of the old ones. False when the log is not any more what the pass has
   * read; then nothing changes. Throws DiskError before the commit point; behind it the log fails instead.
   */
  swap(job: CompactionJob, result: CompactionResult): Promise<boolean> {
    return this.#retention.inLane(() => this.#swap(job, result));
  }

  /** Removes what a pass left that is not to count. */
  discard(): Promise<void> {
    return this.#retention.inLane(() => this.#discard());
  }

  async #discard(): Promise<void> {
    const { context, name, state } = this.#core;
    // A log that is closed may be deleted, and its directory be another's by now.
    if (!this.#stuck && state === 'open') await removeCleaned(context.disk, name);
  }

  #config(): CompactionConfig {
    return this.#core.config.compaction ?? compactionDefaults;
  }

  /** Null while the engine does not know them: then nothing of theirs may be dropped. */
  #producers(): CompactionJob['producers'] | null {
    const { producerLastOffsets } = this.#core.hooks;
    return producerLastOffsets === undefined ? [] : producerLastOffsets();
  }

  /**
   * After a recovery that rolled, the last segment has no file until something is appended. Files alone tell a start
   * how far the log went behind one that compaction made shorter.
   */
  #endWithFile(): Promise<void> {
    return this.#retention.inLane(async () => {
      const { segments, active, state, context, name } = this.#core;
      // The directory of a log that is closed may be another's by now.
      if (state !== 'open' || active.created || segments.length === 1) return;
      try {
        await this.#writer.makeFile(active);
        this.#toldNoRoom = false;
      } catch (error) {
        // What is before it is compacted all the same.
        const { message } = asError(error);
        const text = `the last segment that ${name} has in a file is not compacted: ${message}`;
        if (!this.#toldNoRoom) context.logger.warn({ log: name, error: message }, text);
        this.#toldNoRoom = true;
      }
    });
  }

  /**
   * The finished segments that a file follows, oldest first. Times are looked up only where a lag is configured, in
   * files that go by their names: nothing may take segments away meanwhile.
   */
  async #facts(firstDirtyOffset: number, config: CompactionConfig): Promise<SegmentFacts[]> {
    const core = this.#core;
    const facts: SegmentFacts[] = [];
    if (core.state !== 'open') return facts;
    for (const [index, segment] of core.segments.entries()) {
      if (!segment.sealed || core.segments[index + 1]?.created !== true) break;
      const nextOffset = core.endOf(segment);
      const dirty = nextOffset > firstDirtyOffset;
      if (dirty) await this.#learnTimes(segment, config);
      facts.push({
        baseOffset: segment.baseOffset,
        nextOffset,
        bytes: segment.size,
        indexBytes: 0,
        firstTimestamp: segment.firstTimestamp,
        maxTimestamp: segment.maxTimestamp,
      });
    }
    return facts;
  }

  async #learnTimes(segment: Segment, config: CompactionConfig): Promise<void> {
    if (segment.size === 0) return;
    const lag = config.minCompactionLagMs > 0;
    if (lag && segment.maxTimestamp < 0) await withIndexes(this.#core, segment);
    const bounded = config.maxCompactionLagMs < Number.MAX_SAFE_INTEGER;
    if (!bounded || segment.firstTimestamp >= 0) return;
    const { pool } = this.#core.context;
    await pool.using(segment.logPath, (file) => learnFirstTimestamp(file, segment));
  }

  async #withIndexSizes(segments: readonly SegmentFacts[]): Promise<SegmentFacts[]> {
    const { context, segments: own } = this.#core;
    const known = new Map(own.map((segment) => [segment.baseOffset, segment]));
    const sized: SegmentFacts[] = [];
    for (const facts of segments) {
      const segment = known.get(facts.baseOffset);
      let indexBytes = segment?.indexes.savedBytesMax ?? 0;
      if (indexBytes === 0 && segment !== undefined && facts.bytes > 0) {
        for (const suffix of ['.index', '.timeindex']) {
          const status = await context.disk.stat(segment.stem + suffix);
          indexBytes = Math.max(indexBytes, status?.bytes ?? 0);
        }
      }
      sized.push({ ...facts, indexBytes });
    }
    return sized;
  }

  async #swap(job: CompactionJob, result: CompactionResult): Promise<boolean> {
    if (!this.#isCurrent(job) || !(await this.#isWhole(result))) {
      await this.#discard();
      return false;
    }
    if (result.cleaned.length === 0) return true;
    const core = this.#core;
    const { disk, marks, committer, logger } = core.context;
    const place = { disk, directory: core.name, logger };
    const entries = swapEntries(result.cleaned);
    try {
      // No journal may write bytes of the old segments into the new ones, no start look for an end inside of them.
      if (!(await committer.release(core.identity))) {
        await this.#discard();
        return false;
      }
      // A recovery takes a batch beyond the mark for a wrong one where offsets are missing on both sides of it.
      const { durableEnd: mark, epochs } = core;
      marks.update(core.name, { mark, epochsChecksum: epochs.checksumBelow(mark) });
      await marks.flush();
      await commitSwap(place, entries);
    } catch (error) {
      await this.#giveUp(entries);
      throw error;
    }
    try {
      await core.latch.exclusive(() => this.#exchange(result.cleaned, entries, logger));
    } catch (error) {
      this.#stuck = true;
      const cause = asError(error);
      core.latch.break(cause);
      this.#onFailure(cause);
      return false;
    }
    await this.#finish(entries);
    return true;
  }

  /** Whether the log still consists of what the pass has read. */
  #isCurrent(job: CompactionJob): boolean {
    const core = this.#core;
    if (!this.compacts) return false;
    return job.segments.every(({ baseOffset, nextOffset, bytes }) => {
      const segment = core.segments[core.segmentIndexFor(baseOffset)];
      return (
        segment?.baseOffset === baseOffset &&
        segment.sealed &&
        segment.size === bytes &&
        core.endOf(segment) === nextOffset
      );
    });
  }

  /** Whether what the pass has written is still there: a reopening of the log removes it. */
  async #isWhole({ cleaned }: CompactionResult): Promise<boolean> {
    const { disk } = this.#core.context;
    for (const { baseOffset, bytes, present } of cleaned) {
      if (!present) continue;
      const path = `${this.name}/${segmentName(baseOffset)}.log${CLEANED_SUFFIX}`;
      if ((await disk.stat(path))?.bytes !== bytes) return false;
    }
    return true;
  }

  /** A swap file may have been written and not be synced: it has to go before the files that it names. */
  async #giveUp(entries: readonly SwapEntry[]): Promise<void> {
    const { context, name } = this.#core;
    this.#stuck = true;
    await forgetSwap({ ...context, directory: name }, entries);
    this.#stuck = false;
    await this.#discard();
  }

  async #exchange(
    cleaned: readonly CleanedSegment[],
    entries: readonly SwapEntry[],
    logger: Logger,
  ): Promise<void> {
    const core = this.#core;
    const { pool } = core.context;
    const replaced = new Set(cleaned.flatMap(({ replaces }) => replaces));
    const old = core.segments.filter((segment) => replaced.has(segment.baseOffset));
    for (const segment of old) pool.detach(segment.logPath);
    const held = await exchangeNames(this.#place(logger), entries);
    if (held.length < entries.length) throw new Error(`${core.name}: a rewritten segment is gone`);
    const made = new Map(cleaned.map((result) => [result.baseOffset, result]));
    const segments: Segment[] = [];
    for (const segment of old) {
      const result = made.get(segment.baseOffset);
      if (result?.present !== true) continue;
      // As Kafka has it: the records are no younger for having been copied.
      const written = old.filter(({ baseOffset }) => result.replaces.includes(baseOffset));
      const modifiedMs = Math.max(...written.map((replaced) => replaced.modifiedMs));
      segments.push(Segment.finished(core.name, { ...result, modifiedMs }, result));
    }
    core.exchange(entries, segments);
  }

  /** Where the exchange takes place; long logs that it replaces are removed later. */
  #place(logger: Logger): SwapPlace {
    const { context, config, name } = this.#core;
    const setAside = (path: string) => context.removal.setAside(path, config.fileDeleteDelayMs);
    return { disk: context.disk, directory: name, logger, setAside };
  }

  /** What is left to do can be done as well by the next start. */
  async #finish(entries: readonly SwapEntry[]): Promise<void> {
    const { context, name } = this.#core;
    const place = this.#place(context.logger);
    try {
      // It rewrites the list of damage, as readers do who meet some.
      await this.#core.damageLane.run(() => removeReplaced(place, entries));
      await forgetSwap(place, entries);
    } catch (error) {
      this.#stuck = true;
      const { message } = asError(error);
      const text = `${name} is not compacted any more until it is opened again: ${message}`;
      context.logger.error({ log: name, error: message }, text);
    }
  }
}
