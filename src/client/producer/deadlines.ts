// Gives up what was not acknowledged within the delivery timeout. One timer that ticks while there is anything: one for
// each record that is awaited would cost as much as the record.

import type { CancelTimer, Clock } from '../../base/ports.ts';
import { type OnFault, tell } from '../../base/tell.ts';
import { ClientError } from '../errors.ts';
import type { ProducerBatch } from './batch.ts';
import type { PartitionQueue } from './partition-queue.ts';
import type { TopicQueue } from './topic-queue.ts';

export interface DeadlineEvents {
  readonly topics: ReadonlyMap<string, TopicQueue>;
  giveUp(queue: PartitionQueue, batch: ProducerBatch, error: Error): void;
  /** A deadline passed, and what was due was given up. */
  passed(): void;
  /** Nothing was awaited for a moment. */
  idle(): void;
  readonly onFault: OnFault;
}

/** How long a timer may be left that nobody needs, since it keeps the process alive. */
const TICK_MS = 100;

export class Deadlines {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #events: DeadlineEvents;
  #cancel: CancelTimer | null = null;
  /** Whether any record has no end yet. */
  #any = false;
  /** None is due before. */
  #dueMs = 0;

  constructor(clock: Clock, timeoutMs: number, events: DeadlineEvents) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#events = events;
  }

  /** A record was taken. */
  arm(): void {
    this.#any = true;
    if (this.#cancel !== null) return;
    this.#dueMs = this.#clock.monotonic() + this.#timeoutMs;
    this.#tickAfter(this.#timeoutMs);
  }

  /** There are none; the timer ends by itself. */
  disarm(): void {
    this.#any = false;
  }

  /** Holds no timer any more. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #tickAfter(delayMs: number): void {
    this.#cancel = this.#clock.setTimer(Math.min(delayMs, TICK_MS), () => {
      this.#cancel = null;
      if (!this.#any) {
        this.#events.idle();
        return;
      }
      const nowMs = this.#clock.monotonic();
      if (nowMs < this.#dueMs) this.#tickAfter(this.#dueMs - nowMs);
      else this.#expire(nowMs);
    });
  }

  #expire(nowMs: number): void {
    const bornMs = nowMs - this.#timeoutMs;
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const topic of this.#events.topics.values()) {
      oldestMs = Math.min(oldestMs, this.#expireBatches(topic, bornMs));
      oldestMs = Math.min(oldestMs, this.#expireWaiting(topic, bornMs));
    }
    // Giving up the last of all has disarmed us already; a callback may have armed us anew, for what it gave.
    if (oldestMs < Number.POSITIVE_INFINITY) {
      this.stop();
      this.#dueMs = oldestMs + this.#timeoutMs;
      this.#tickAfter(Math.max(1, oldestMs - bornMs));
    }
    this.#events.passed();
  }

  /** Returns when the oldest that is left was given. */
  #expireBatches(topic: TopicQueue, bornMs: number): number {
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const queue of topic.partitions) {
      for (const batch of [...queue.batches]) {
        if (batch.settled) continue;
        if (batch.openedMs > bornMs) oldestMs = Math.min(oldestMs, batch.openedMs);
        else {
          const cause = batch.lastError ?? topic.lastError;
          this.#events.giveUp(queue, batch, this.#tooOld(topic, batch.underWay, cause));
        }
      }
    }
    return oldestMs;
  }

  #expireWaiting(topic: TopicQueue, bornMs: number): number {
    for (;;) {
      const [first] = topic.waiting;
      if (first === undefined) return Number.POSITIVE_INFINITY;
      if ('record' in first && first.sinceMs > bornMs) return first.sinceMs;
      topic.waiting.shift();
      if ('record' in first) {
        const error = this.#tooOld(topic, false, topic.lastError);
        tell(first.failed, error, this.#events.onFault);
      } else first.reached();
    }
  }

  #tooOld(topic: TopicQueue, underWay: boolean, cause: Error | null): ClientError {
    const fate = underWay ? 'no answer came, so they may be in the log' : 'they are given up';
    const why = cause === null ? '' : `; the last failure: ${cause.message}`;
    const what = `records for topic '${topic.name}' were not acknowledged within ${this.#timeoutMs} ms`;
    const options = cause === null ? {} : { cause };
    return new ClientError('delivery_timed_out', `${what}: ${fate}${why}`, options);
  }
}
