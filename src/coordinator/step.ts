// One decision of a state machine, as data: what to write, whom to answer, which timers to set.

/** Names a request that waits for its answer `T`. State machines keep tickets; only the runtime redeems them. */
export interface Ticket<T> {
  readonly id: number;
  /** Never set: carries the type. */
  readonly answer?: (value: T) => void;
}

export interface Reply {
  readonly ticketId: number;
  readonly response: unknown;
}

export type TimerChange<E> =
  | {
      readonly kind: 'set';
      readonly key: string;
      readonly delayMs: number;
      readonly event: E;
      /** A timer of this key that runs already is replaced, or kept. */
      readonly running: 'replace' | 'keep';
    }
  | { readonly kind: 'cancel'; readonly key: string };

/**
 * Collects the outcome of handling one command or event. When it holds records, its replies are sent and its
 * `committed` events come back to the machine only after they are committed.
 */
export class Step<R, E> {
  /** Wall-clock time of the decision, milliseconds since the epoch. */
  readonly nowMs: number;
  readonly records: R[] = [];
  readonly replies: Reply[] = [];
  readonly timers: TimerChange<E>[] = [];
  readonly committed: E[] = [];
  /** Set when the records need not become durable all at once: many of them are then spread over batches. */
  divisible = false;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  append(record: R): void {
    this.records.push(record);
  }

  reply<T>(ticket: Ticket<T>, response: T): void {
    this.replies.push({ ticketId: ticket.id, response });
  }

  /** Hands `event` back to the machine once this step's records are committed. */
  whenCommitted(event: E): void {
    this.committed.push(event);
  }

  schedule(key: string, delayMs: number, event: E): void {
    this.timers.push({ kind: 'set', key, delayMs, event, running: 'replace' });
  }

  /** Sets a timer unless one of this key runs already. */
  scheduleIfAbsent(key: string, delayMs: number, event: E): void {
    this.timers.push({ kind: 'set', key, delayMs, event, running: 'keep' });
  }

  cancel(key: string): void {
    this.timers.push({ kind: 'cancel', key });
  }
}
