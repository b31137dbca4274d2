// The background scrub: reads finished segments that nobody reads, slowly, and compares checksums, so that damage is
// known before a consumer meets it. One small read at a time, with a timer between two; what it has come to is kept in
// memory alone, so that each start begins anew.

import type { CancelTimer, Clock, Logger } from '../../base/ports.ts';
import type { IntegrityStats } from '../contract.ts';
import type { LogView } from '../log-view.ts';
import type { Segment } from '../segment/segment.ts';
import type { TaskOwner } from '../tasks.ts';
import { behindDamage } from './damage.ts';
import { noteMissingBehind } from './missing-offsets.ts';
import { proveDamage } from './prove-damage.ts';
import { checkStretch } from './verify.ts';

/** Read at once, about: a batch larger than this is read whole. */
const STEP_BYTES = 256 * 1024;
/** After the start other things are more urgent. */
const FIRST_PASS_AFTER_MS = 60_000;
/** With the scrub switched off, its settings are looked at again so often. */
const IDLE_MS = 60_000;

export interface ScrubSettings {
  /** Bytes read per second at most; 0: no scrub. */
  readonly bytesPerSecond: number;
  /** From the end of one pass to the beginning of the next. */
  readonly intervalMs: number;
}

/** Where a scrub of one log is. */
export interface ScrubPlace {
  readonly segmentBaseOffset: number;
  /** The one that `position` is of: compaction may put another in its place. Null: its beginning. */
  readonly segment: Segment | null;
  readonly position: number;
  /** The offset due there; -1 when unknown. */
  readonly expected: number;
}

/** A log as the scrub sees it. */
export interface ScrubbedLog {
  readonly directory: string;
  /** Checks a little from `place` on (null: from the log's start). Answers where to go on; null at the end. */
  scrub(place: ScrubPlace | null): Promise<{ readonly next: ScrubPlace | null; bytes: number }>;
}

/** One step through the finished segments of a log. */
export function scrubStep(
  core: LogView,
  place: ScrubPlace | null,
): Promise<{ readonly next: ScrubPlace | null; bytes: number }> {
  return core.latch.shared(async () => {
    const wanted = place?.segmentBaseOffset ?? core.startOffset;
    let index = core.segmentIndexFor(wanted);
    // Retention or compaction may have taken the segment: the next one is begun then.
    if (place !== null && (core.segments[index]?.baseOffset ?? 0) < wanted) index++;
    const segment = core.segments[index];
    if (segment === undefined || !segment.sealed || core.state === 'closed') {
      return { next: null, bytes: 0 };
    }
    const same = place?.segment === segment;
    const from = same ? place.position : 0;
    const expected = same ? place.expected : segment.baseOffset;
    if (from === 0) await proveDamage(core, segment, true);
    const end = core.readableBytes(segment);
    if (end < segment.written) return { next: null, bytes: 0 };
    if (from >= end) {
      const segmentBaseOffset = core.endOf(segment);
      await noteMissingBehind(core, segment);
      const next = { segmentBaseOffset, segment: null, position: 0, expected: segmentBaseOffset };
      return { next, bytes: 0 };
    }
    const within = { segmentBaseOffset: segment.baseOffset, segment };
    const known = behindDamage(core, segment, from);
    if (known >= 0) return { next: { ...within, position: known, expected: -1 }, bytes: 0 };
    const span = { from, to: from + STEP_BYTES, end, expected, chunkBytes: STEP_BYTES };
    const reached = await core.context.pool.using(segment.logPath, (file) =>
      checkStretch(core, segment, { file, ...span }),
    );
    return { next: { ...within, ...reached }, bytes: reached.position - from };
  });
}

export interface ScrubberOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tasks: TaskOwner;
  readonly stats: IntegrityStats;
  readonly settings: () => ScrubSettings;
  readonly logs: () => Iterable<ScrubbedLog>;
}

/** Walks all logs, pass after pass, until closed. */
export class Scrubber {
  readonly #options: ScrubberOptions;
  #todo: ScrubbedLog[] = [];
  #place: ScrubPlace | null = null;
  #passing = false;
  #cancelTimer: CancelTimer = () => {};
  #closed = false;

  constructor(options: ScrubberOptions) {
    this.#options = options;
    this.#after(FIRST_PASS_AFTER_MS);
  }

  /** It is deleted: the pass, which may take days, does not keep it. */
  forget(log: ScrubbedLog): void {
    this.#todo = this.#todo.filter((one, index) => index === 0 || one !== log);
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer();
  }

  #after(delayMs: number): void {
    if (this.#closed) return;
    const { clock, tasks } = this.#options;
    this.#cancelTimer = clock.setTimer(delayMs, () => {
      tasks.start('scrub', async () => this.#after(await this.#step()));
    });
  }

  /** Does one step; answers how long to wait before the next. Never rejects. */
  async #step(): Promise<number> {
    const { settings, stats, logger } = this.#options;
    const { bytesPerSecond, intervalMs } = settings();
    if (bytesPerSecond <= 0) return IDLE_MS;
    if (!this.#passing) {
      this.#passing = true;
      this.#todo = [...this.#options.logs()];
    }
    const log = this.#todo[0];
    if (log === undefined) {
      this.#passing = false;
      stats.scrubPasses++;
      return intervalMs;
    }
    let bytes = 0;
    try {
      const step = await log.scrub(this.#place);
      this.#place = step.next;
      bytes = step.bytes;
    } catch (error) {
      // Deleted meanwhile, or the disk refuses: the next pass looks again.
      const { message } = error as Error;
      logger.warn({ log: log.directory, error: message }, `the scrub leaves out ${log.directory}`);
      this.#place = null;
    }
    stats.scrubbedBytes += bytes;
    if (this.#place === null) this.#todo.shift();
    return (bytes * 1000) / bytesPerSecond;
  }
}
