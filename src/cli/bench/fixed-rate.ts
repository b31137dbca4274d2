// Records at a fixed rate: when each is due, what came back and when, and what never did.

import { Latencies } from './latencies.ts';

export interface RatePlan {
  readonly partitions: number;
  readonly perSecond: number;
  readonly seconds: number;
}

/** Times are those of `performance.now()`. Record `index` goes to partition `index % partitions`. */
export class FixedRate {
  readonly #plan: RatePlan;
  readonly #beganMs: number;
  /** From when a record was due until it was read. */
  readonly latencies = new Latencies();
  readonly total: number;
  /** How many of each partition were read. */
  readonly #readOf: number[];
  #read = 0;
  #lastMs: number;

  constructor(plan: RatePlan, beganMs: number) {
    this.#plan = plan;
    this.#beganMs = beganMs;
    this.#lastMs = beganMs;
    this.total = plan.perSecond * plan.seconds;
    this.#readOf = Array.from({ length: plan.partitions }, () => 0);
  }

  get read(): number {
    return this.#read;
  }

  dueMs(index: number): number {
    return this.#beganMs + (index / this.#plan.perSecond) * 1000;
  }

  /** A record that was due at `dueMs` came back. */
  arrived(partition: number, dueMs: number, nowMs: number): void {
    this.latencies.add(nowMs - dueMs);
    this.#readOf[partition] = (this.#readOf[partition] ?? 0) + 1;
    this.#read += 1;
    this.#lastMs = nowMs;
  }

  /**
   * Nobody waits any longer: what was not read counts with the time that it has waited, else the slowest of all would
   * be missing from the percentiles. A partition is read in order, so it is the last ones. Answers how many.
   */
  giveUp(nowMs: number): number {
    let missing = 0;
    const { partitions } = this.#plan;
    for (const [partition, read] of this.#readOf.entries()) {
      for (let index = partition + read * partitions; index < this.total; index += partitions) {
        this.latencies.add(nowMs - this.dueMs(index));
        missing += 1;
      }
    }
    return missing;
  }

  /**
   * Records a second that came through: from when the first could have been there, at the least latency of all, until
   * the last was. A cluster that is far away reaches the rate too; one that falls behind does not.
   */
  perSecond(): number {
    if (this.#read === 0) return 0;
    const tookMs = this.#lastMs - this.#beganMs - this.latencies.quantile(0);
    return this.#read / (Math.max(tookMs, 0) / 1000 + 1 / this.#plan.perSecond);
  }
}
