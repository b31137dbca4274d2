// One fetch over a set of targets: reads what is there, and when that is less than the fetcher
// wants, waits until enough has been committed, the time is up, or the fetcher is gone. It is woken
// by commits and never polls; commits of one turn of the event loop wake it once. A fetch that waits is one object:
// where one record at a time is consumed, this is done for each of them.

import type { Clock } from '../../base/ports.ts';
import type { Session } from '../handler.ts';
import type { Deadlines, Waiter } from './deadlines.ts';
import type { FetchSet } from './fetch-set.ts';
import { type PartitionLookup, type ReadLimits, TargetReader } from './read-targets.ts';

export interface FetchWait {
  readonly minBytes: number;
  readonly maxWaitMs: number;
  readonly fetcher: Pick<Session, 'onGone'>;
}

export interface FetchRun extends FetchWait {
  readonly set: FetchSet;
  readonly lookup: PartitionLookup;
  readonly limits: ReadLimits;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
}

/**
 * Runs a fetch; answers within this call where nothing has to be waited for. The reader's results are by reference:
 * whoever gets them releases them. What is answered may be less than `minBytes` once the time is up.
 */
export function runFetch(run: FetchRun): Promise<TargetReader> | TargetReader {
  const reader = new TargetReader(run.set, run.lookup, run.limits);
  let reading: Promise<void> | undefined;
  try {
    reading = reader.readReady();
  } catch (error) {
    reader.release();
    throw error;
  }
  if (reading === undefined && isEnough(run, reader)) return reader;
  return new Promise((resolve, reject) => {
    const waiting = new WaitingFetch(run, reader, resolve, reject);
    if (reading === undefined) waiting.begin();
    else waiting.beginAfter(reading);
  });
}

function isEnough({ set, minBytes, maxWaitMs }: FetchRun, reader: TargetReader): boolean {
  const enough = reader.urgent || reader.bytes >= minBytes || set.targets.size === 0;
  return enough || maxWaitMs <= 0;
}

class WaitingFetch implements Waiter {
  untilMs = 0;
  row: Waiter['row'] = null;
  before: Waiter | null = null;
  after: Waiter | null = null;
  readonly #run: FetchRun;
  readonly #reader: TargetReader;
  readonly #answered: (reader: TargetReader) => void;
  readonly #refused: (error: unknown) => void;
  #forgetGone: (() => void) | null = null;
  /** It is looked at again at the end of this turn, or something is being read. */
  #busy = true;
  /** The time is up or the fetcher gone, */
  #over = false;
  /** or a target has become ready since it was looked at. */
  #rung = false;

  constructor(
    run: FetchRun,
    reader: TargetReader,
    answered: (reader: TargetReader) => void,
    refused: (error: unknown) => void,
  ) {
    this.#run = run;
    this.#reader = reader;
    this.#answered = answered;
    this.#refused = refused;
  }

  /** What was there has been read. */
  begin(): void {
    if (isEnough(this.#run, this.#reader)) {
      this.#answered(this.#reader);
      return;
    }
    const { set, deadlines, maxWaitMs, fetcher } = this.#run;
    this.#forgetGone = fetcher.onGone(() => this.timeUp());
    if (!this.#over) {
      deadlines.add(this, maxWaitMs);
      set.whenReady(this.#ring);
    }
    this.#goOn();
  }

  timeUp(): void {
    this.#over = true;
    if (!this.#busy) this.#end();
  }

  beginAfter(reading: Promise<void>): void {
    reading.then(() => this.begin()).catch((error: unknown) => this.#failed(error));
  }

  #goOnAfter(reading: Promise<void>): void {
    reading.then(() => this.#goOn()).catch((error: unknown) => this.#failed(error));
  }

  #failed(error: unknown): void {
    this.#leave();
    this.#reader.release();
    this.#refused(error);
  }

  readonly #ring = (): void => {
    this.#rung = true;
    if (!this.#busy) this.#lookLater();
  };

  #lookLater(): void {
    this.#busy = true;
    this.#run.clock.defer(this.#look);
  }

  readonly #look = (): void => {
    this.#rung = false;
    try {
      // What came in the last turn before the time was up is for the next request.
      const reading = this.#over ? undefined : this.#reader.readReady();
      if (reading === undefined) this.#goOn();
      else this.#goOnAfter(reading);
    } catch (error) {
      this.#failed(error);
    }
  };

  /**
   * Makes every target wake the set when it changes. Between reading and watching nothing wakes us, so what came then
   * is looked for here. Those with nothing to read leave `ready`: a commit then costs a look at its own partition.
   */
  #goOn(): void {
    this.#busy = false;
    if (this.#over || isEnough(this.#run, this.#reader)) {
      this.#end();
      return;
    }
    const { ready } = this.#run.set;
    for (const target of ready.all()) {
      target.watch();
      if (this.#reader.isOutdated(target)) this.#rung = true;
      else if (this.#reader.isSettled(target)) ready.delete(target);
    }
    if (this.#rung) this.#lookLater();
  }

  #end(): void {
    this.#leave();
    this.#answered(this.#reader);
  }

  #leave(): void {
    const { set, deadlines } = this.#run;
    deadlines.remove(this);
    this.#forgetGone?.();
    set.stopWaiting(this.#ring);
  }
}
