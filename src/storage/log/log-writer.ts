// Writes appended batches to their segment files, in order: one write at a time, each taking all that waits.

import { asError } from '../../base/errors.ts';
import { sleep } from '../../base/pause.ts';
import { DiskError, isOutOfFiles } from '../disk/disk.ts';
import type { Segment } from '../segment/segment.ts';
import { createSegment } from '../segment/segment-files.ts';
import type { LogCore } from './log-core.ts';
import type { LogSync } from './log-sync.ts';
import type { Ticket } from './ticket.ts';

/** One write takes at most so many bytes, so that the first waiters are not kept long, */
const WRITE_BYTES_MAX = 8 * 1024 * 1024;
/** or the event loop, */
const WRITE_NOW_BYTES_MAX = 1024 * 1024;
/** and so many pieces: Linux takes 1,024 in one call. */
const WRITE_PARTS_MAX = 1024;

/** Without a free descriptor what waits is tried again after so long. */
const NO_FILES_PAUSE_MS = 100;

/** Consecutive batches that are written in one call. */
interface Stretch {
  readonly count: number;
  readonly position: number;
  readonly parts: readonly Buffer[];
  readonly bytes: number;
}

export interface LogWriterOptions {
  readonly core: LogCore;
  readonly sync: LogSync;
  readonly onFailure: (cause: Error) => void;
}

export class LogWriter {
  readonly #core: LogCore;
  readonly #sync: LogSync;
  readonly #onFailure: (cause: Error) => void;
  #queue: Ticket[] = [];
  #running = false;
  /** Why the loop waits for a free descriptor; null when it does not. */
  #starved: Error | null = null;
  readonly #idleWaiters: (() => void)[] = [];
  readonly #fileWaiters: (() => void)[] = [];

  constructor(options: LogWriterOptions) {
    this.#core = options.core;
    this.#sync = options.sync;
    this.#onFailure = options.onFailure;
  }

  push(ticket: Ticket): void {
    // An array of one takes a fraction of the room of one that was empty and grows.
    if (this.#queue.length === 0) this.#queue = [ticket];
    else this.#queue.push(ticket);
    this.#core.context.pending.total += ticket.bytes;
    this.#wake();
  }

  /** Starts the loop, which also makes the file of a fresh active segment. */
  #wake(): void {
    if (this.#running || this.#core.failure !== null) return;
    this.#running = true;
    const { turnEnd } = this.#core.context;
    if (turnEnd === null) void this.#run();
    else turnEnd.add(this.#atTurnEnd);
  }

  /**
   * Makes the file of a segment to which nothing is to be written yet; resolves without one when the log fails. Rejects
   * with DiskError when there is no room or no free descriptor, which takes nothing from a log that nobody writes to;
   * what else goes wrong fails the log.
   */
  async makeFile(segment: Segment): Promise<void> {
    const core = this.#core;
    // The loop makes it when it comes there, and may never end while others append.
    while (this.#running && !segment.created) {
      if (this.#starved !== null) throw this.#starved;
      await this.#fileMade();
    }
    if (segment.created || core.failure !== null) return;
    this.#running = true;
    try {
      await this.#prepare(segment);
    } catch (error) {
      const noRoom = error instanceof DiskError && error.code === 'disk_full';
      if (noRoom || isOutOfFiles(error)) throw error;
      this.#onFailure(asError(error));
    } finally {
      // Who came meanwhile has not begun, and waits for what comes now.
      if (this.#queue.length > 0) void this.#run();
      else this.#stop();
    }
  }

  /** Waits until the loop has made a file, or has ended. */
  #fileMade(): Promise<void> {
    return new Promise((resolve) => {
      this.#fileWaiters.push(resolve);
    });
  }

  /** Waits until nothing is queued and no write is under way. */
  idle(): Promise<void> {
    if (!this.#running) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
    });
  }

  failAll(failure: Error): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const ticket of queue) {
      this.#core.context.pending.total -= ticket.bytes;
      ticket.fail(failure);
    }
  }

  readonly #atTurnEnd = (): void => {
    if (this.#writeNow()) this.#stop();
    else void this.#run();
  };

  /** Writes all that waits within this turn; false when the rest has to wait for the disk. */
  #writeNow(): boolean {
    const core = this.#core;
    try {
      for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
        const { segment, position } = first;
        if (!segment.created || core.epochs.dirty) return false;
        const file = this.#sync.files.pinOpen(segment)?.file;
        const stretch = this.#gather(segment, WRITE_NOW_BYTES_MAX);
        if (file?.writeNow?.(stretch.parts, position) !== true) return false;
        this.#wrote(segment, stretch);
      }
      return core.active.created;
    } catch (error) {
      this.#onFailure(asError(error));
      return true;
    }
  }

  async #run(): Promise<void> {
    // Appends of the same turn go out together.
    await Promise.resolve();
    try {
      while (this.#core.failure === null) {
        const first = this.#queue[0];
        const { active } = this.#core;
        if (first === undefined && active.created) break;
        const step = first === undefined ? this.#prepare(active) : this.#writeFrom(first.segment);
        await step.then(this.#fed, this.#starve);
      }
    } catch (error) {
      this.#onFailure(asError(error));
    }
    this.#stop();
  }

  #stop(): void {
    this.#running = false;
    this.#sync.letGo();
    resolveAll(this.#fileWaiters);
    resolveAll(this.#idleWaiters);
  }

  readonly #fed = (): void => {
    this.#starved = null;
  };

  /** Waits where no file could be opened, which may pass: nothing of what is queued is on the disk. Throws the rest. */
  readonly #starve = async (error: unknown): Promise<void> => {
    const { state, name, context } = this.#core;
    // Who closes the log does not wait.
    if (!isOutOfFiles(error) || state !== 'open') throw error;
    const { message } = asError(error);
    const text = `${name} takes writes again when a descriptor is free: ${message}`;
    if (this.#starved === null) context.logger.warn({ log: name, error: message }, text);
    this.#starved = asError(error);
    resolveAll(this.#fileWaiters);
    await sleep(context.clock, NO_FILES_PAUSE_MS);
  };

  /**
   * Makes the segment's file, and the leader epoch durable: before the first batch that carries it. Where there is no
   * free descriptor, those of files go that nobody uses.
   */
  async #prepare(segment: Segment): Promise<void> {
    for (;;) {
      try {
        return await this.#makeReady(segment);
      } catch (error) {
        if (!isOutOfFiles(error) || !(await this.#core.context.pool.spareOne())) throw error;
      }
    }
  }

  async #makeReady(segment: Segment): Promise<void> {
    const { context, name, epochs } = this.#core;
    if (epochs.dirty) await epochs.save(context.disk, name);
    if (segment.created) return;
    // Nothing in it needs a sync yet: where nobody writes to it, none would let it go.
    (await createSegment(context.disk, context.pool, segment)).release();
    resolveAll(this.#fileWaiters);
  }

  async #writeFrom(segment: Segment): Promise<void> {
    if (!segment.created || this.#core.epochs.dirty) await this.#prepare(segment);
    let stretch: Stretch;
    segment.writeBegins();
    try {
      const pinned = await this.#sync.files.pin(segment);
      stretch = this.#gather(segment, WRITE_BYTES_MAX);
      await pinned.file.write(stretch.parts, stretch.position);
    } finally {
      segment.writeEnds();
    }
    this.#wrote(segment, stretch);
  }

  #wrote(segment: Segment, { count, position, bytes }: Stretch): void {
    segment.wrote(position, position + bytes, this.#core.context.clock.now());
    // The log may have failed meanwhile: its queue is gone then.
    if (this.#core.failure !== null) return;
    this.#core.written((this.#queue[count - 1] as Ticket).lastOffset + 1);
    const tickets = this.#take(count);
    for (const ticket of tickets) ticket.markWritten();
    this.#sync.onWritten(tickets);
  }

  /** The first `count` of the queue. */
  #take(count: number): Ticket[] {
    const queue = this.#queue;
    if (count < queue.length) return queue.splice(0, count);
    this.#queue = [];
    return queue;
  }

  /** What one write takes of the queue, which is not empty. */
  #gather(segment: Segment, bytesMax: number): Stretch {
    const first = this.#queue[0] as Ticket;
    const { position } = first;
    if (this.#queue.length === 1) {
      return { count: 1, position, parts: first.parts, bytes: first.bytes };
    }
    const parts: Buffer[] = [];
    let bytes = 0;
    let count = 0;
    for (const ticket of this.#queue) {
      if (ticket.segment !== segment) break;
      const full = parts.length + ticket.parts.length > WRITE_PARTS_MAX;
      if (count > 0 && (full || bytes + ticket.bytes > bytesMax)) break;
      for (const part of ticket.parts) parts.push(part);
      bytes += ticket.bytes;
      count++;
    }
    return { count, position, parts, bytes };
  }
}

function resolveAll(waiters: (() => void)[]): void {
  if (waiters.length === 0) return;
  for (const resolve of waiters.splice(0)) resolve();
}
