// Decides which log is compacted when: every `log.cleaner.backoff.ms` the one that waits longest beyond its
// max.compaction.lag.ms, else the dirtiest, until none is due (Kafka's LogCleaner and LogCleanerManager).

import { TidemarkError, textOfError } from '../../base/errors.ts';
import type { CancelTimer, Clock, Logger } from '../../base/ports.ts';
import type { CleanerCheckpoint } from './cleaner-checkpoint.ts';
import { CompactionError } from './compaction-error.ts';
import type { CompactionJob, CompactionResult, CompactionRunner } from './job.ts';
import type { CompactionPlan } from './plan.ts';

/** What one pass may use. */
export type PassLimits = Pick<CompactionJob, 'mapBytesMax' | 'bytesPerSecondMax'>;

/** The `log.cleaner.*` configs; read anew for each round. */
export interface CleanerSettings {
  readonly enable: boolean;
  readonly threads: number;
  readonly backoffMs: number;
  /** Memory of all key maps together. */
  readonly dedupeBufferBytes: number;
  /** Of all passes together; null: no limit. */
  readonly bytesPerSecondMax: number | null;
}

/** A log as the cleaner sees it. */
export interface CleanableLog {
  readonly name: string;
  /** Whether it is open and its policy says so. */
  readonly compacts: boolean;
  /** Changes when the log was opened anew after a failure, and when damage was found. */
  readonly condition: string;
  /** Null when there is nothing worth doing. */
  plan(options: {
    readonly firstDirtyOffset: number;
    readonly nowMs: number;
    /** Whatever is dirty is worth it: an earlier pass had to stop in the middle. */
    readonly anyRatio: boolean;
  }): Promise<CompactionPlan | null>;
  /** Null when the log cannot be compacted now. */
  job(plan: CompactionPlan, limits: PassLimits): Promise<CompactionJob | null>;
  swap(job: CompactionJob, result: CompactionResult): Promise<boolean>;
  discard(): Promise<void>;
}

/** All but the last three only grow. */
export interface CleanerStats {
  readonly passes: number;
  readonly failures: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly recordsRemoved: number;
  /** Batches kept because their records do not parse. */
  readonly batchesUnreadable: number;
  /** Time that passes took. */
  readonly seconds: number;
  /** Of the last pass, read and written together; 0 before the first. */
  readonly bytesPerSecond: number;
  /** Of the dirtiest log that was due in the last round, 0 to 100. */
  readonly maxDirtyPercent: number;
  /** Logs set aside because a pass found damage. */
  readonly uncleanable: number;
}

type MutableStats = { -readonly [Name in keyof CleanerStats]: CleanerStats[Name] };

export interface CleanerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly runner: CompactionRunner;
  readonly settings: () => CleanerSettings;
  readonly checkpoint: CleanerCheckpoint;
  readonly logs: () => Iterable<CleanableLog>;
}

interface Target {
  readonly log: CleanableLog;
  readonly plan: CompactionPlan;
}

const MAP_BYTES_MAX = 2 ** 31;
const MAP_BYTES_MIN = 64 * 1024;

export class LogCleaner {
  readonly #options: CleanerOptions;
  readonly #stats: MutableStats = {
    passes: 0,
    failures: 0,
    bytesRead: 0,
    bytesWritten: 0,
    recordsRemoved: 0,
    batchesUnreadable: 0,
    seconds: 0,
    bytesPerSecond: 0,
    maxDirtyPercent: 0,
    uncleanable: 0,
  };
  /** Logs with a pass under way, by name: a new log of the same name waits for the old one's pass. */
  readonly #busy = new Set<string>();
  /** Logs whose last pass filled the map. */
  readonly #unfinished = new WeakSet<CleanableLog>();
  /** Logs with damage that nobody has noted yet, with their condition then: they stay until it changes. */
  readonly #damaged = new Map<CleanableLog, string>();
  /** Logs that failed in this round. */
  readonly #later = new Set<CleanableLog>();
  #picking: Promise<unknown> = Promise.resolve();
  #round: Promise<void> | null = null;
  #cancelTimer: CancelTimer = () => {};
  #closing = false;

  constructor(options: CleanerOptions) {
    this.#options = options;
    this.#schedule();
  }

  get stats(): CleanerStats {
    return this.#stats;
  }

  /** One round: cleans until nothing is due. Calls during a round share it. Never rejects. */
  run(): Promise<void> {
    if (this.#closing) return Promise.resolve();
    this.#round ??= this.#runRound().finally(() => {
      this.#round = null;
    });
    return this.#round;
  }

  /** The log was deleted. */
  forget(log: CleanableLog): void {
    this.#damaged.delete(log);
    this.#stats.uncleanable = this.#damaged.size;
  }

  /** Gives up passes that run and waits for their end. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#cancelTimer();
    await this.#options.runner.close();
    await this.#round;
  }

  #schedule(): void {
    const { clock, settings } = this.#options;
    this.#cancelTimer = clock.setTimer(settings().backoffMs, () => {
      void this.run().then(() => {
        if (!this.#closing) this.#schedule();
      });
    });
  }

  async #runRound(): Promise<void> {
    const { enable, threads } = this.#options.settings();
    if (!enable) return;
    this.#later.clear();
    this.#stats.maxDirtyPercent = 0;
    await Promise.all(Array.from({ length: threads }, () => this.#drain()));
  }

  async #drain(): Promise<void> {
    while (!this.#closing) {
      const picked = this.#picking.then(() => this.#pick());
      this.#picking = picked.catch(() => {});
      const target = await picked;
      if (target === null) return;
      try {
        await this.#clean(target);
      } catch (error) {
        await this.#failed(target.log, error);
      } finally {
        this.#busy.delete(target.log.name);
      }
    }
  }

  /** The log to clean next, marked as busy; null when none is due. */
  async #pick(): Promise<Target | null> {
    let best: Target | null = null;
    for (const log of this.#options.logs()) {
      if (!log.compacts || this.#busy.has(log.name)) continue;
      if (this.#later.has(log) || this.#isSetAside(log)) continue;
      const plan = await this.#plan(log);
      if (plan === null) continue;
      const percent = Math.round(plan.dirtyRatio * 100);
      this.#stats.maxDirtyPercent = Math.max(this.#stats.maxDirtyPercent, percent);
      if (best === null || isMoreUrgent(plan, best.plan)) best = { log, plan };
    }
    if (best !== null) this.#busy.add(best.log.name);
    return best;
  }

  #isSetAside(log: CleanableLog): boolean {
    const since = this.#damaged.get(log);
    if (since === undefined || since === log.condition) return since !== undefined;
    this.forget(log);
    return false;
  }

  async #plan(log: CleanableLog): Promise<CompactionPlan | null> {
    const { checkpoint, clock } = this.#options;
    try {
      return await log.plan({
        firstDirtyOffset: checkpoint.get(log.name),
        nowMs: clock.now(),
        anyRatio: this.#unfinished.has(log),
      });
    } catch (error) {
      await this.#failed(log, error);
      return null;
    }
  }

  async #clean({ log, plan }: Target): Promise<void> {
    const { checkpoint, clock, logger, runner } = this.#options;
    const job = await log.job(plan, this.#limits());
    if (job === null || this.#closing) {
      this.#later.add(log);
      return;
    }
    const begin = clock.monotonic();
    const result = await runner.run(job);
    const swapped = await log.swap(job, result);
    const seconds = (clock.monotonic() - begin) / 1000;
    this.#count(result, seconds);
    if (!swapped) {
      // Retention, a failure or a deletion came between; the next round sees what is there then.
      this.#later.add(log);
      return;
    }
    if (result.stats.mapFull) this.#unfinished.add(log);
    else this.#unfinished.delete(log);
    const { bytesRead, bytesWritten, recordsRemoved } = result.stats;
    logger.info(
      { log: log.name, cleanedTo: result.cleanedTo, bytesRead, bytesWritten, recordsRemoved },
      `${log.name} compacted up to ${result.cleanedTo} in ${seconds.toFixed(1)} s`,
    );
    await checkpoint.set(log.name, result.cleanedTo);
  }

  #limits(): PassLimits {
    const { bytesPerSecondMax, dedupeBufferBytes, threads } = this.#options.settings();
    const share = Math.floor(dedupeBufferBytes / Math.max(1, threads));
    return {
      mapBytesMax: Math.max(MAP_BYTES_MIN, Math.min(MAP_BYTES_MAX, share)),
      bytesPerSecondMax:
        bytesPerSecondMax === null ? null : bytesPerSecondMax / Math.max(1, threads),
    };
  }

  #count({ stats }: CompactionResult, seconds: number): void {
    const counted = this.#stats;
    counted.passes += 1;
    counted.bytesRead += stats.bytesRead;
    counted.bytesWritten += stats.bytesWritten;
    counted.recordsRemoved += stats.recordsRemoved;
    counted.batchesUnreadable += stats.batchesUnreadable;
    counted.seconds += seconds;
    if (seconds > 0) counted.bytesPerSecond = (stats.bytesRead + stats.bytesWritten) / seconds;
  }

  async #failed(log: CleanableLog, error: unknown): Promise<void> {
    const { logger } = this.#options;
    this.#later.add(log);
    // A pass that was given up, or whose log went away, has not failed.
    if (this.#closing || !log.compacts) return;
    this.#stats.failures += 1;
    const message = textOfError(error);
    const fields = {
      log: log.name,
      error: message,
      code: error instanceof TidemarkError ? error.code : 'unknown',
    };
    if (error instanceof CompactionError && error.code === 'damaged') {
      this.#damaged.set(log, log.condition);
      this.#stats.uncleanable = this.#damaged.size;
      logger.error(fields, `${log.name} is set aside by compaction: ${message}`);
    } else {
      logger.warn(fields, `a compaction of ${log.name} failed: ${message}`);
    }
    try {
      await log.discard();
    } catch (cause) {
      logger.warn({ log: log.name, error: String(cause) }, 'files of a failed compaction are left');
    }
  }
}

/** Those past their lag come first, then the dirtiest. */
function isMoreUrgent(plan: CompactionPlan, other: CompactionPlan): boolean {
  if (plan.reason !== other.reason) return plan.reason === 'max-lag';
  return plan.dirtyRatio > other.dirtyRatio;
}
