// How late the event loop runs, for `/metrics`: of a broker on one event loop it says first that a core is too small.
// Where the system tells how long a thread could have run while others had the processors (Linux), the delay is also
// given without that: what is left is the broker's own doing, such as a long turn or a write that was made to wait.

import { closeSync, openSync, readSync } from 'node:fs';
import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';

/** How often the loop is looked at. Each look wakes the process: at 5 ms that was a tenth of what a consumer costs. */
const RESOLUTION_MS = 20;

/** Seconds. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** How late looks were since the delay was last read. */
export interface LoopDelay extends Quantiles {
  /** Without the time in which the loop could run and had no processor; null where that is not known. */
  readonly own: Quantiles | null;
}

/** Watches this thread's event loop from its making until {@link EventLoopDelay.stop}. */
export class EventLoopDelay {
  readonly #late = createHistogram();
  readonly #own = createHistogram();
  readonly #waits = new CoreWaits();
  readonly #timer: NodeJS.Timeout;
  #lookedMs = performance.now();
  #waitedMs = this.#waits.totalMs();

  constructor() {
    this.#timer = setInterval(() => this.#look(), RESOLUTION_MS).unref();
  }

  /** What was seen since the last call; it begins anew. */
  take(): LoopDelay {
    const own = this.#waits.known ? taken(this.#own) : null;
    return { ...taken(this.#late), own };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#waits.close();
  }

  #look(): void {
    const nowMs = performance.now();
    const waitedMs = this.#waits.totalMs();
    const lateMs = nowMs - this.#lookedMs - RESOLUTION_MS;
    record(this.#late, lateMs);
    record(this.#own, lateMs - (waitedMs - this.#waitedMs));
    this.#lookedMs = nowMs;
    this.#waitedMs = waitedMs;
  }
}

/** Histograms begin at 1. */
function record(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms * 1e6)));
}

function taken(histogram: RecordableHistogram): Quantiles {
  const seconds = (nanoseconds: number): number => (nanoseconds > 1 ? nanoseconds / 1e9 : 0);
  const seen = histogram.count > 0;
  const quantiles = {
    p50: seen ? seconds(histogram.percentile(50)) : 0,
    p99: seen ? seconds(histogram.percentile(99)) : 0,
    max: seen ? seconds(histogram.max) : 0,
  };
  histogram.reset();
  return quantiles;
}

/** Nanoseconds that a thread could have run and did not, by its schedstat line; null where the line does not tell. */
export function waitedNanoseconds(schedstat: string): number | null {
  const [, waited = ''] = schedstat.trim().split(/\s+/);
  return /^\d+$/.test(waited) ? Number(waited) : null;
}

/** How long this thread could have run while others had the processors, by Linux. */
class CoreWaits {
  #file = -1;
  readonly #text = Buffer.alloc(64);
  #totalMs = 0;

  constructor() {
    try {
      this.#file = openSync('/proc/thread-self/schedstat', 'r');
      this.totalMs();
    } catch {
      // Not Linux, or a kernel that does not count it.
    }
  }

  get known(): boolean {
    return this.#file >= 0;
  }

  /** From the first line on that does not tell, it is not known. */
  totalMs(): number {
    if (this.#file < 0) return this.#totalMs;
    const length = readSync(this.#file, this.#text, 0, this.#text.length, 0);
    const waited = waitedNanoseconds(this.#text.toString('latin1', 0, length));
    if (waited === null) this.close();
    else this.#totalMs = waited / 1e6;
    return this.#totalMs;
  }

  close(): void {
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
  }
}
