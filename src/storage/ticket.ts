// A batch on its way to the disk, and what its sender waits for. Promises are made only when somebody asks for them.

import type { AppendTicket } from './contract.ts';
import type { Segment } from './segment.ts';

const States = { pending: 0, written: 1, committed: 2, failed: 3 } as const;
type State = (typeof States)[keyof typeof States];

interface Waiter {
  readonly promise: Promise<void>;
  resolve: () => void;
  reject: (error: Error) => void;
}

function waiter(): Waiter {
  let resolve: () => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<void>((onDone, onError) => {
    resolve = onDone;
    reject = onError;
  });
  return { promise, resolve, reject };
}

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

/** The log's side of an {@link AppendTicket}. */
export class Ticket implements AppendTicket {
  readonly segment: Segment;
  readonly position: number;
  readonly parts: readonly Buffer[];
  readonly bytes: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly #released: (() => void) | undefined;
  #state: State = States.pending;
  #error: Error | null = null;
  #written: Waiter | null = null;
  #committed: Waiter | null = null;

  constructor(batch: PlacedBatch) {
    this.segment = batch.segment;
    this.position = batch.position;
    this.parts = batch.parts;
    this.bytes = batch.bytes;
    this.baseOffset = batch.baseOffset;
    this.lastOffset = batch.lastOffset;
    this.#released = batch.released;
  }

  /** Whether the parts are somebody else's again once the batch is committed. */
  get onLoan(): boolean {
    return this.#released !== undefined;
  }

  get written(): Promise<void> {
    if (this.#written === null) {
      this.#written = waiter();
      // A refused write stays a refused write even where nobody listens for it.
      this.#written.promise.catch(() => {});
      if (this.#state === States.written || this.#state === States.committed)
        this.#written.resolve();
      else if (this.#error !== null) this.#written.reject(this.#error);
    }
    return this.#written.promise;
  }

  get committed(): Promise<void> {
    if (this.#committed === null) {
      this.#committed = waiter();
      this.#committed.promise.catch(() => {});
      if (this.#state === States.committed) this.#committed.resolve();
      else if (this.#error !== null) this.#committed.reject(this.#error);
    }
    return this.#committed.promise;
  }

  markWritten(): void {
    if (this.#state !== States.pending) return;
    this.#state = States.written;
    this.#written?.resolve();
  }

  markCommitted(): void {
    if (this.#state === States.failed || this.#state === States.committed) return;
    this.#state = States.committed;
    this.#written?.resolve();
    this.#committed?.resolve();
    this.#released?.();
  }

  /** Refuses whoever still waits; a batch that was written stays written, and one committed stays committed. */
  fail(error: Error): void {
    if (this.#state === States.committed || this.#state === States.failed) return;
    if (this.#state === States.pending) this.#written?.reject(error);
    this.#state = States.failed;
    this.#error = error;
    this.#committed?.reject(error);
  }
}
