// The timeline of all groups, written to `__tidemark_events`. Groups never wait for it: what they decided is told to
// it, it keeps a bounded queue, and one append at a time is under way. What cannot be written is counted and forgotten.

import type { CancelTimer, Clock, Logger } from '../../base/ports.ts';
import type { EventLog, EventRecord, GroupObserver, TopicView } from '../ports.ts';
import { type EntryKind, SCHEMA_VERSION, type TimelineEntry } from './entry.ts';
import { Explainer } from './explainer.ts';
import type { GroupFact } from './facts.ts';
import { RateLimit } from './rate-limit.ts';

export interface TimelineOptions {
  /** `__tidemark_events`. */
  readonly log: EventLog;
  readonly topics: TopicView;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Read at each use. */
  enabled(): boolean;
}

/** What has become of the entries. All grow. */
export interface TimelineCounts {
  written: number;
  /** Could not be written, or came faster than the disk takes them. */
  lost: number;
  /** Summed up instead, see rate-limit.ts. */
  summed: number;
}

/** Entries come together for so long before they are written. */
const LINGER_MS = 50;
const QUEUE_MAX = 2000;
const BATCH_MAX = 200;
const BATCH_BYTES_MAX = 256 * 1024;
/** Put into words at once; then others have their turn. */
const EXPLAINED_MAX = 50;
/** After a failed write, so long nothing is tried; doubled each time. */
const PAUSE_MIN_MS = 1000;
const PAUSE_MAX_MS = 60_000;
/** How often rebalances that take long and sums that are due are looked for, while there are any. */
const LOOK_MS = 5000;
const WAITING_MS = 10_000;
/** Longest that a stopping broker waits for the last entries. */
const CLOSE_MS = 2000;

/** Something that happened, to be put into words when the groups have been served. */
interface Happened {
  readonly nowMs: number;
  tell(): readonly TimelineEntry[];
}

interface Queued {
  readonly group: string | null;
  readonly record: EventRecord;
}

export class Timeline implements GroupObserver {
  readonly counts: TimelineCounts = { written: 0, lost: 0, summed: 0 };
  readonly #options: TimelineOptions;
  readonly #explainer: Explainer;
  readonly #limit = new RateLimit();
  #happened: Happened[] = [];
  #queue: Queued[] = [];
  #writing: Promise<void> | null = null;
  #cancelFlush: CancelTimer | null = null;
  #cancelLook: CancelTimer | null = null;
  #pauseMs = 0;
  #closed = false;

  constructor(options: TimelineOptions) {
    this.#options = options;
    this.#explainer = new Explainer(options.topics);
  }

  /** What a decision about groups came to. */
  decided(facts: readonly GroupFact[], nowMs: number): void {
    if (facts.length === 0) return;
    this.#note({ nowMs, tell: () => this.#explainer.decided(facts, nowMs) });
  }

  /** Somebody speaks for a member that the group does not know. */
  refused(groupId: string, memberId: string): void {
    const nowMs = this.#options.clock.now();
    this.#note({ nowMs, tell: () => this.#explainer.heard(groupId, memberId, nowMs) });
  }

  /** Something happened to the broker as a whole. Kept once there is a topic to keep it in. */
  broker(event: Extract<EntryKind, `broker-${string}`>, what: string, cause?: string): void {
    const nowMs = this.#options.clock.now();
    const time = new Date(nowMs).toISOString();
    const base = { schemaVersion: SCHEMA_VERSION, time, event, group: null, what } as const;
    this.#note({ nowMs, tell: () => [cause === undefined ? base : { ...base, cause }] });
  }

  /** Writes what there is, for a short while, and stops. */
  async close(): Promise<void> {
    const { clock } = this.#options;
    const nowMs = clock.now();
    this.#note({ nowMs, tell: () => this.#limit.sums(nowMs, 'all') });
    this.#closed = true;
    this.#cancelLook?.();
    this.#cancelFlush?.();
    let cancel: CancelTimer | undefined;
    const late = new Promise<void>((resolve) => {
      cancel = clock.setTimer(CLOSE_MS, resolve);
    });
    await Promise.race([this.#drain().then(() => this.#drain()), late]);
    cancel?.();
  }

  #note(happened: Happened): void {
    if (this.#closed || !this.#options.enabled()) return;
    if (this.#happened.length + this.#queue.length >= QUEUE_MAX) this.counts.lost++;
    else this.#happened.push(happened);
    this.#flushSoon(LINGER_MS);
  }

  /** Puts what has happened into words, `max` of it. */
  #explain(max: number): void {
    for (const { nowMs, tell } of this.#happened.splice(0, max)) {
      try {
        for (const entry of tell()) this.#keep(entry, nowMs);
      } catch (error) {
        this.counts.lost++;
        this.#options.logger.error({ error }, 'timeline: an entry could not be made');
      }
    }
    if (this.#explainer.anyRebalance || this.#limit.anySum) this.#lookLater();
  }

  #keep(entry: TimelineEntry, nowMs: number): void {
    if (entry.event !== 'flapping' && !this.#limit.admit(entry, nowMs)) this.counts.summed++;
    else if (this.#queue.length >= QUEUE_MAX) this.counts.lost++;
    else this.#queue.push({ group: entry.group, record: recordOf(entry, nowMs) });
  }

  #lookLater(): void {
    if (this.#closed) return;
    this.#cancelLook ??= this.#options.clock.setTimer(LOOK_MS, () => {
      this.#cancelLook = null;
      const nowMs = this.#options.clock.now();
      this.#note({ nowMs, tell: () => this.#explainer.waiting(nowMs, WAITING_MS) });
      this.#note({ nowMs, tell: () => this.#limit.sums(nowMs, 'due') });
    });
  }

  #flushSoon(delayMs: number): void {
    if (this.#closed || this.#writing !== null) return;
    this.#cancelFlush ??= this.#options.clock.setTimer(delayMs, () => {
      this.#cancelFlush = null;
      void this.#drain();
    });
  }

  /** Single flight: writes until the queue is empty or a write fails. Never rejects. */
  #drain(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
      if (this.#happened.length > 0 || this.#hasWork()) {
        this.#flushSoon(Math.max(LINGER_MS, this.#pauseMs));
      }
    });
    return this.#writing;
  }

  /** A broker without groups needs no topic: its own entries wait for the first of a group. */
  #hasWork(): boolean {
    const any = this.#queue.length > 0;
    if (!any || this.#options.log.exists()) return any;
    return this.#queue.some(({ group }) => group !== null);
  }

  async #write(): Promise<void> {
    const { log, logger } = this.#options;
    this.#explain(this.#closed ? QUEUE_MAX : EXPLAINED_MAX);
    while (this.#hasWork()) {
      const batch = this.#take();
      try {
        if (!log.exists()) await log.create();
        const records = batch.map(({ record }) => record);
        await log.append(records);
        this.counts.written += batch.length;
        this.#pauseMs = 0;
      } catch (error) {
        this.counts.lost += batch.length;
        this.#pauseMs = Math.min(Math.max(PAUSE_MIN_MS, this.#pauseMs * 2), PAUSE_MAX_MS);
        const { lost } = this.counts;
        logger.warn({ error, lost }, 'timeline: entries of groups could not be kept');
        return;
      }
    }
  }

  #take(): Queued[] {
    let bytes = 0;
    let count = 0;
    for (const { record } of this.#queue) {
      bytes += (record.key?.length ?? 0) + record.value.length;
      if (count > 0 && (count >= BATCH_MAX || bytes > BATCH_BYTES_MAX)) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }
}

function recordOf(entry: TimelineEntry, timestampMs: number): EventRecord {
  const key = entry.group === null ? null : Buffer.from(entry.group);
  return { key, value: Buffer.from(JSON.stringify(entry)), timestampMs };
}
