// A batch on its way to the disk, and who is told how far it has come: by callbacks, since a promise and its reactions
// for each batch cost as much as writing it; promises are made only for who asks for one.

import { tellEach } from '../../base/tell.ts';
import type { AppendTicket, Told } from '../contract.ts';
import type { Segment } from '../segment/segment.ts';

const States = { pending: 0, written: 1, committed: 2, failed: 3 } as const;
type State = (typeof States)[keyof typeof States];

export interface PlacedBatch {
  readonly segment: Segment;
  readonly position: number;
  readonly parts: readonly Buffer[];
  readonly bytes: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** Set when the parts are on loan: called when nothing reads them any more. */
  readonly released: (() => void) | undefined;
}

/** Hears of a listener that threw; the others are told all the same. */
export type OnFault = (error: unknown) => void;

/** The log's side of an {@link AppendTicket}. */
export class Ticket implements AppendTicket {
  readonly segment: Segment;
  readonly position: number;
  readonly parts: readonly Buffer[];
  readonly bytes: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly #released: (() => void) | undefined;
  readonly #onFault: OnFault;
  #state: State = States.pending;
  #error: Error | null = null;
  #onWritten: Told[] | null = null;
  #onCommitted: Told[] | null = null;

  constructor(batch: PlacedBatch, onFault: OnFault) {
    this.segment = batch.segment;
    this.position = batch.position;
    this.parts = batch.parts;
    this.bytes = batch.bytes;
    this.baseOffset = batch.baseOffset;
    this.lastOffset = batch.lastOffset;
    this.#released = batch.released;
    this.#onFault = onFault;
  }

  /** Whether the parts are somebody else's again once the batch is committed. */
  get onLoan(): boolean {
    return this.#released !== undefined;
  }

  get written(): Promise<void> {
    return promised((told) => this.whenWritten(told));
  }

  get committed(): Promise<void> {
    return promised((told) => this.whenCommitted(told));
  }

  whenWritten(told: Told): void {
    if (this.#state === States.pending) this.#onWritten = also(this.#onWritten, told);
    else told(this.#error);
  }

  whenCommitted(told: Told): void {
    if (this.#state < States.committed) this.#onCommitted = also(this.#onCommitted, told);
    else told(this.#error);
  }

  markWritten(): void {
    if (this.#state !== States.pending) return;
    this.#state = States.written;
    this.#tell(this.#onWritten, null);
  }

  markCommitted(): void {
    if (this.#state === States.failed || this.#state === States.committed) return;
    const unwritten = this.#unwritten();
    this.#state = States.committed;
    this.#tell(unwritten, null);
    this.#tell(this.#onCommitted, null);
    try {
      this.#released?.();
    } catch (error) {
      this.#onFault(error);
    }
  }

  /** Refuses whoever still waits; a batch that was written stays written, and one committed stays committed. */
  fail(error: Error): void {
    if (this.#state === States.committed || this.#state === States.failed) return;
    const unwritten = this.#unwritten();
    this.#state = States.failed;
    this.#error = error;
    this.#tell(unwritten, error);
    this.#tell(this.#onCommitted, error);
  }

  /** Who has not been told yet whether it was written. */
  #unwritten(): readonly Told[] | null {
    return this.#state === States.pending ? this.#onWritten : null;
  }

  #tell(waiting: readonly Told[] | null, failure: Error | null): void {
    if (waiting !== null) tellEach(waiting, failure, this.#onFault);
  }
}

function also(waiting: Told[] | null, told: Told): Told[] {
  if (waiting === null) return [told];
  waiting.push(told);
  return waiting;
}

function promised(ask: (told: Told) => void): Promise<void> {
  const promise = new Promise<void>((resolve, reject) => {
    ask((failure) => {
      if (failure === null) resolve();
      else reject(failure);
    });
  });
  // A refused write stays a refused write even where nobody listens for it.
  promise.catch(() => {});
  return promise;
}
