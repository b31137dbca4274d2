// The durable side of one log: which batches are written and not yet durable, making them so (alone or through the
// journal), raising the high watermark.

import { asError } from '../../base/errors.ts';
import type { CancelTimer } from '../../base/ports.ts';
import type { CommitRound, CommitState, Committable } from '../commit/committer.ts';
import type { JournalEntry, JournalOwner } from '../commit/journal-entry.ts';
import type { SyncedPlace } from '../log-contents.ts';
import type { Tail } from '../reading/tail.ts';
import { DirtyFiles } from '../segment/dirty-files.ts';
import type { Segment } from '../segment/segment.ts';
import { FlushWaiters } from './flush-waiters.ts';
import type { LogCore } from './log-core.ts';
import { type PointSync, RecoveryPoint } from './recovery-point.ts';
import type { Ticket } from './ticket.ts';

/** A write or sync failed, and with it the log; behind `believed` its files may not be believed (null: they may). */
type OnFailure = (cause: Error, believed?: SyncedPlace | null) => void;

/** With the `os` policy: what was written since then is synced after so long. */
interface FlushTimer {
  readonly sinceMs: number;
  readonly afterMs: number;
  readonly cancel: CancelTimer;
}

export interface LogSyncOptions {
  readonly core: LogCore;
  readonly tail: Tail;
  readonly recovery: SyncedPlace | null;
  readonly onFailure: OnFailure;
}

export class LogSync implements Committable, JournalOwner, PointSync {
  readonly name: string;
  /** Owned by the committer. */
  commitState: CommitState = 'idle';
  readonly #core: LogCore;
  readonly #tail: Tail;
  readonly #onFailure: OnFailure;
  /** Written, not durable, in order (with the `os` policy: not kept). */
  #uncommitted: Ticket[] = [];
  #uncommittedBytes = 0;
  /** Written and not committed: what a commit will have covered. */
  #batches = 0;
  #offsets = 0;
  #bytes = 0;
  #lastFlushOffset: number;
  #flushTimer: FlushTimer | null = null;
  readonly #flushes = new FlushWaiters();
  readonly files: DirtyFiles;
  readonly recoveryPoint: RecoveryPoint;
  /** One sync after the other: of two at once, only one would be told of an error. */
  #syncLane: Promise<void> = Promise.resolve();
  #syncedPlace: SyncedPlace;

  constructor(options: LogSyncOptions) {
    this.#core = options.core;
    this.#tail = options.tail;
    this.files = new DirtyFiles(options.core.context.pool);
    this.#onFailure = options.onFailure;
    this.name = options.core.name;
    this.#lastFlushOffset = options.core.endOffset;
    this.#syncedPlace = this.#endPlace();
    this.recoveryPoint = new RecoveryPoint(options.core, this, options.recovery);
  }

  /** Everything before it is synced in the segment files, not only in the journal. */
  get syncedPlace(): SyncedPlace {
    return this.#syncedPlace;
  }

  /** Starts again from what a reopen has found, all of which is synced. */
  reset(recovery: SyncedPlace | null): void {
    this.#lastFlushOffset = this.#core.endOffset;
    this.#syncedPlace = this.#endPlace();
    this.#batches = 0;
    this.#offsets = 0;
    this.#bytes = 0;
    this.recoveryPoint.reset(recovery);
  }

  #endPlace(): SyncedPlace {
    const { active, endOffset } = this.#core;
    return { offset: endOffset, segment: active, position: active.size };
  }

  /** Takes batches whose bytes are in the file now, and the array that they are in. */
  onWritten(tickets: Ticket[]): void {
    const { config } = this.#core;
    const last = tickets[tickets.length - 1];
    if (last === undefined) return;
    for (const ticket of tickets) {
      this.#batches++;
      this.#offsets += ticket.lastOffset - ticket.baseOffset + 1;
      this.#bytes += ticket.bytes;
    }
    if (config.flushPolicy === 'sync') {
      // Added one by one: while a sync stalls, thousands of writes may come.
      if (this.#uncommitted.length > 0)
        for (const ticket of tickets) this.#uncommitted.push(ticket);
      else this.#uncommitted = tickets;
      for (const ticket of tickets) this.#uncommittedBytes += ticket.bytes;
      this.#core.context.committer.request(this);
      return;
    }
    this.#acknowledge(tickets, last);
    this.#scheduleFlush();
  }

  /** Committed: with `--flush os` a batch in the page cache is, as Kafka has it. */
  #acknowledge(tickets: readonly Ticket[], last: Ticket): void {
    for (const ticket of tickets) this.#core.context.pending.total -= ticket.bytes;
    this.#tail.add(tickets);
    try {
      this.#core.commit(last.lastOffset + 1, last.segment, last.position + last.bytes);
    } catch (error) {
      // They do not wait among the others any more.
      const cause = asError(error);
      this.#onFailure(cause);
      for (const ticket of tickets) ticket.fail(this.#core.failure ?? cause);
      throw error;
    }
    for (const ticket of tickets) ticket.markCommitted();
  }

  #scheduleFlush(): void {
    const { config, writtenEnd, context, segments } = this.#core;
    if (
      this.#flushes.any ||
      // Kafka, too, syncs what it has rolled.
      segments.at(-2)?.sealed === false ||
      context.pool.crowded ||
      writtenEnd - this.#lastFlushOffset >= config.flushMessages
    ) {
      context.committer.request(this);
    } else {
      this.#flushInTime();
    }
  }

  /** The configs of the log have changed: a lower flush.ms holds for what waits already. */
  configChanged(): void {
    const { config, state, writtenEnd, durableEnd } = this.#core;
    const waits = state === 'open' && writtenEnd > durableEnd;
    if (waits && config.flushPolicy === 'os') this.#flushInTime();
  }

  #flushInTime(): void {
    const { config, context } = this.#core;
    const { flushMs: afterMs } = config;
    const { clock, committer } = context;
    const before = this.#flushTimer;
    if (afterMs >= (before?.afterMs ?? Number.MAX_SAFE_INTEGER)) return;
    before?.cancel();
    const nowMs = clock.monotonic();
    const sinceMs = before?.sinceMs ?? nowMs;
    const cancel = clock.setTimer(Math.max(0, sinceMs + afterMs - nowMs), () => {
      this.#flushTimer = null;
      committer.request(this);
    });
    this.#flushTimer = { sinceMs, afterMs, cancel };
  }

  /** Resolves once everything below `offset` is durable. */
  flushTo(offset: number): Promise<void> {
    if (this.#core.durableEnd >= offset) return Promise.resolve();
    const { failure, context } = this.#core;
    if (failure !== null) return Promise.reject(failure);
    const done = this.#flushes.wait(offset);
    if (this.#core.writtenEnd > this.#core.durableEnd) context.committer.request(this);
    return done;
  }

  journalBytes(): number {
    return this.#core.config.flushPolicy === 'sync' && this.#uncommitted.length > 0
      ? this.#uncommittedBytes
      : Number.POSITIVE_INFINITY;
  }

  beginRound(): CommitRound | null {
    const { failure, writtenEnd, durableEnd } = this.#core;
    if (failure !== null || writtenEnd <= durableEnd) return null;
    return {
      endOffset: writtenEnd,
      batches: this.#batches,
      offsets: this.#offsets,
      bytes: this.#bytes,
    };
  }

  syncFiles(_round: CommitRound): Promise<void> {
    return this.#syncAll();
  }

  async syncDirty(): Promise<void> {
    try {
      await this.#syncAll();
    } catch (error) {
      this.commitFailed(asError(error));
      throw error;
    }
  }

  /** Syncs every file with unsynced bytes. */
  #syncAll(): Promise<void> {
    const done = this.#syncLane.then(async () => {
      if (this.#core.failure !== null) throw this.#core.failure;
      const { writtenEnd, active } = this.#core;
      const writing = this.#segmentBelow(writtenEnd) ?? active;
      const place = { offset: writtenEnd, segment: writing, position: writing.written };
      await this.files.sync().catch((error: unknown) => {
        const doubts = this.#core.config.flushPolicy === 'sync';
        this.#onFailure(asError(error), doubts ? this.#syncedPlace : null);
        throw error;
      });
      this.#syncedPlace = place;
    });
    this.#syncLane = done.catch((error: unknown) => {
      // Before anything else in the lane runs: a second sync must find the log failed.
      this.commitFailed(asError(error));
    });
    return done;
  }

  #segmentBelow(offset: number): Segment | undefined {
    const { segments } = this.#core;
    for (let index = segments.length - 1; index >= 0; index--) {
      const segment = segments[index] as Segment;
      if (segment.baseOffset < offset || index === 0) return segment;
    }
    return undefined;
  }

  journalEntries(round: CommitRound): JournalEntry[] {
    const { identity: key } = this.#core;
    const [only] = this.#uncommitted;
    if (only !== undefined && this.#uncommitted.length === 1 && only.lastOffset < round.endOffset) {
      const { segment, position, parts, bytes } = only;
      return [{ owner: this, key, segmentBase: segment.baseOffset, position, parts, bytes }];
    }
    const entries: JournalEntry[] = [];
    let parts: Buffer[] = [];
    let first: Ticket | null = null;
    let bytes = 0;
    const add = (): void => {
      if (first === null) return;
      const segmentBase = first.segment.baseOffset;
      const { position } = first;
      entries.push({ owner: this, key, segmentBase, position, parts, bytes });
    };
    for (const ticket of this.#uncommitted) {
      if (ticket.lastOffset >= round.endOffset) break;
      if (first === null || ticket.segment !== first.segment) {
        add();
        first = ticket;
        parts = [];
        bytes = 0;
      }
      for (const part of ticket.parts) parts.push(part);
      bytes += ticket.bytes;
    }
    add();
    return entries;
  }

  roundDone(round: CommitRound): void {
    const core = this.#core;
    if (core.failure !== null) return;
    this.#batches -= round.batches;
    this.#offsets -= round.offsets;
    this.#bytes -= round.bytes;
    core.durable(round.endOffset);
    this.#lastFlushOffset = core.durableEnd;
    let count = 0;
    while (count < this.#uncommitted.length) {
      const ticket = this.#uncommitted[count] as Ticket;
      if (ticket.lastOffset >= round.endOffset) break;
      this.#uncommittedBytes -= ticket.bytes;
      count++;
    }
    const all = this.#uncommitted;
    if (count === all.length) this.#uncommitted = [];
    const done = count === all.length ? all : all.splice(0, count);
    const last = done[count - 1];
    if (last !== undefined) this.#acknowledge(done, last);
    this.#resolveFlushes();
    core.context.marks.touch(this.recoveryPoint, round.bytes);
    this.recoveryPoint.sealRolled();
  }

  #resolveFlushes(): void {
    this.#flushes.durableTo(this.#core.durableEnd);
    if (this.#flushes.any && this.#core.writtenEnd > this.#core.durableEnd) {
      this.#core.context.committer.request(this);
    }
  }

  commitFailed(error: Error): void {
    this.#onFailure(error);
  }

  /** Refuses everything that waits; called by the log as it fails. */
  failAll(failure: Error): void {
    this.#flushTimer?.cancel();
    this.#flushTimer = null;
    const tickets = this.#uncommitted;
    this.#uncommitted = [];
    this.#core.context.pending.total -= this.#uncommittedBytes;
    this.#uncommittedBytes = 0;
    for (const ticket of tickets) ticket.fail(failure);
    this.#flushes.failAll(failure);
    // What these files hold above the mark is rewritten before it counts again; nothing relies on their errors.
    this.letGo();
  }

  /** Lets the files of a failed log go, each when no sync and no write is at work on its descriptor any more. */
  letGo(): void {
    if (this.#core.failure === null) return;
    void this.#syncLane.then(() => this.files.letGo());
  }

  /** Waits until no sync of this log is under way. */
  async settled(): Promise<void> {
    await this.#syncLane;
  }

  /** Stops timers and lets files go; nothing is being written, everything is synced or the log has failed. */
  dispose(): void {
    this.#flushTimer?.cancel();
    this.#flushTimer = null;
    this.files.letGo();
    this.#core.context.marks.forget(this.recoveryPoint);
  }
}
