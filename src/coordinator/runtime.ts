// The loop every coordinator runs in: decide, persist, apply, reply. One shard for each partition of the log.
//
// A command is decided in one go against the state in memory. Its records are applied at once, in order, and appended;
// its replies are parked until they are committed. Steps of one turn of the event loop share a batch, and so do those
// that come while a batch is on its way: it goes alone, so that the log has no hole where one was refused and the next
// was not. When an append fails nobody knows what is on disk, so the shard forgets everything and loads its state from
// the log again, as Kafka's coordinator does when it loses and regains a partition; whoever waited is told to find the
// coordinator anew.
// Commands that write nothing, heartbeats above all, never wait for the log.

import { KafkaError, type KafkaErrorName } from '../base/kafka-errors.ts';
import { nextTurn } from '../base/pause.ts';
import type { Clock, Logger } from '../base/ports.ts';
import type { CommandLog, LogEntry, LogRecord } from './ports.ts';
import type { Reply, Step, Ticket } from './step.ts';
import { TimerQueue } from './timers.ts';

/** A plain state machine: no I/O, no clock, no randomness but what it is handed. */
export interface StateMachine<R, E, S extends Step<R, E>> {
  newStep(nowMs: number): S;
  /** Takes one record of its own step into the state. */
  apply(record: R): void;
  /** Takes one entry of the log into the state. Unknown entries are left alone. */
  replay(entry: LogEntry): void;
  /** The log is read: sets timers. */
  loaded(step: S): void;
  /** A timer fired, or records are committed. */
  handle(event: E, step: S): void;
  encode(record: R, nowMs: number): LogRecord;
}

export interface ShardOptions<R, E, S extends Step<R, E>, M extends StateMachine<R, E, S>> {
  readonly partition: number;
  readonly log: CommandLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newMachine: () => M;
  /** Sees every decision that was made, after its timers are set. Must not throw. */
  readonly observe?: (step: S) => void;
}

/** Records on their way to the log, and who waits for them. */
interface Write<E> {
  readonly records: readonly LogRecord[];
  readonly bytes: number;
  readonly replies: Reply[];
  readonly committed: readonly E[];
  readonly scope: string | null;
}

interface Waiting {
  resolve(response: unknown): void;
  reject(error: KafkaError): void;
}

/** Batches stay far below the default `max.message.bytes`, whatever number of commits comes at once. */
const batchBytesMax = 256 * 1024;
/** Entries of the log that a load takes before others get their turn of the event loop: half a millisecond. */
const loadedPerTurn = 200;
const reloadDelayMinMs = 100;
const reloadDelayMaxMs = 30_000;

/** How a command is run. */
export interface CallOptions {
  /**
   * Ties commands together, say by group: an answer without records waits for the scope's records in flight, so that
   * nobody is told what a crash could still undo. Null: answered at once.
   */
  readonly scope: string | null;
}

/** One partition's state machine and its loop. */
export class Shard<R, E, S extends Step<R, E>, M extends StateMachine<R, E, S>> {
  readonly #options: ShardOptions<R, E, S, M>;
  readonly #timers: TimerQueue<E>;
  #machine: M;
  #state: 'loading' | 'active' | 'failed' | 'closed' = 'loading';
  /** Raised whenever the state is thrown away: what belongs to an earlier life is then ignored. */
  #life = 0;
  #reloadDelayMs = reloadDelayMinMs;
  #ticketId = 0;
  readonly #waiting = new Map<number, Waiting>();
  #gathered: Write<E>[] = [];
  #inFlight: readonly Write<E>[] = [];
  /** The last append, maybe of a former life: the log stands still only when it is answered. */
  #appending: Promise<void> = Promise.resolve();
  readonly #lastWrite = new Map<string, Write<E>>();

  constructor(options: ShardOptions<R, E, S, M>) {
    this.#options = options;
    this.#machine = options.newMachine();
    this.#timers = new TimerQueue(options.clock, (event) => this.#handle(event));
  }

  get state(): 'loading' | 'active' | 'failed' | 'closed' {
    return this.#state;
  }

  /** Reads the log into a fresh machine. Never rejects: a failed load is tried again, with growing pauses. */
  async load(): Promise<void> {
    if (this.#state === 'closed') return;
    const { log, partition, clock, logger, newMachine } = this.#options;
    const life = ++this.#life;
    this.#state = 'loading';
    const machine = newMachine();
    try {
      await this.#appending;
      if (life !== this.#life) return;
      let entries = 0;
      for await (const entry of log.read(partition)) {
        if (life !== this.#life) return;
        machine.replay(entry);
        if (++entries % loadedPerTurn === 0) await nextTurn(clock);
      }
      if (life !== this.#life) return;
      this.#begin(machine);
    } catch (error) {
      if (life !== this.#life) return;
      this.#forget('NOT_COORDINATOR', 'the coordinator could not read its log');
      this.#state = 'failed';
      const delayMs = this.#reloadDelayMs;
      logger.error({ partition, error, retryMs: delayMs }, 'coordinator: loading failed');
      this.#retryLoad(this.#life);
    }
  }

  #begin(machine: M): void {
    const step = machine.newStep(this.#options.clock.now());
    machine.loaded(step);
    this.#machine = machine;
    this.#state = 'active';
    this.#finish(step, null);
  }

  /**
   * Runs one command. `decide` answers through the ticket, in this step or a later one. Rejects with KafkaError:
   * COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, or what `decide` throws, which it may
   * do only before it changed anything.
   */
  call<T>(
    decide: (machine: M, step: S, ticket: Ticket<T>) => void,
    options: CallOptions = { scope: null },
  ): Promise<T> {
    if (this.#state === 'loading') return Promise.reject(loading());
    if (this.#state !== 'active') return Promise.reject(notCoordinator());
    return new Promise<T>((resolve, reject) => {
      const ticket: Ticket<T> = { id: ++this.#ticketId };
      this.#waiting.set(ticket.id, { resolve: resolve as (response: unknown) => void, reject });
      this.#run((step) => decide(this.#machine, step, ticket), ticket.id, options.scope);
    });
  }

  /** Looks at the state. Throws as {@link call} rejects. */
  view<T>(look: (machine: M) => T): T {
    if (this.#state === 'loading') throw loading();
    if (this.#state !== 'active') throw notCoordinator();
    return look(this.#machine);
  }

  /** Stops: whoever waits gets NOT_COORDINATOR. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#forget('NOT_COORDINATOR', 'this broker is shutting down');
    this.#state = 'closed';
  }

  #handle(event: E): void {
    if (this.#state === 'active') {
      this.#run((step) => this.#machine.handle(event, step), null, null);
    }
  }

  #run(decide: (step: S) => void, ticketId: number | null, scope: string | null): void {
    const step = this.#machine.newStep(this.#options.clock.now());
    try {
      decide(step);
      this.#finish(step, scope);
    } catch (error) {
      const waiting = ticketId === null ? undefined : this.#waiting.get(ticketId);
      if (error instanceof KafkaError && waiting !== undefined) {
        this.#waiting.delete(ticketId as number);
        waiting.reject(error);
        return;
      }
      // A broken invariant: the state in memory cannot be trusted any more, the log can.
      this.#options.logger.error(
        { partition: this.#options.partition, error },
        'coordinator: a decision failed; the state is loaded again',
      );
      this.#reload('UNKNOWN_SERVER_ERROR', 'the coordinator met an error of its own');
    }
  }

  #finish(step: S, scope: string | null): void {
    for (const change of step.timers) {
      if (change.kind === 'cancel') this.#timers.cancel(change.key);
      else if (change.running === 'replace' || !this.#timers.has(change.key)) {
        this.#timers.schedule(change.key, change.delayMs, change.event);
      }
    }
    this.#options.observe?.(step);
    if (step.records.length === 0) {
      const last = scope === null ? undefined : this.#lastWrite.get(scope);
      if (last === undefined) this.#send(step.replies);
      else last.replies.push(...step.replies);
      for (const event of step.committed) this.#handle(event);
      return;
    }
    const records = step.records.map((record) => this.#machine.encode(record, step.nowMs));
    for (const record of step.records) this.#machine.apply(record);
    const { replies, committed } = step;
    const pieces = step.divisible ? divide(records) : [records];
    const last = pieces.length - 1;
    pieces.forEach((piece, index) => {
      const parked = index === last ? { replies, committed } : { replies: [], committed: [] };
      this.#gather({ records: piece, bytes: bytesOf(piece), ...parked, scope });
    });
  }

  #gather(write: Write<E>): void {
    if (write.scope !== null) this.#lastWrite.set(write.scope, write);
    if (this.#gathered.push(write) > 1 || this.#inFlight.length > 0) return;
    const life = this.#life;
    this.#options.clock.defer(() => {
      if (life === this.#life && this.#inFlight.length === 0) this.#flush();
    });
  }

  /** Appends what has been gathered, up to the size of a batch. */
  #flush(): void {
    const gathered = this.#gathered;
    let bytes = 0;
    let count = 0;
    for (const write of gathered) {
      bytes += write.bytes;
      if (count > 0 && bytes > batchBytesMax) break;
      count++;
    }
    if (count === 0) return;
    this.#gathered = gathered.slice(count);
    this.#append(gathered.slice(0, count));
  }

  #append(writes: readonly Write<E>[]): void {
    const life = this.#life;
    const { log, partition } = this.#options;
    this.#inFlight = writes;
    const append = async (): Promise<void> =>
      log.append(
        partition,
        writes.flatMap(({ records }) => records),
      );
    const failed = (error: unknown): void => {
      if (life !== this.#life) return;
      this.#options.logger.error(
        { partition, error },
        'coordinator: an append failed; the state is loaded again from the log',
      );
      this.#reload(failureName(error), 'the coordinator could not write its log');
    };
    this.#appending = append().then(() => {
      if (life === this.#life) this.#commit();
    }, failed);
  }

  #commit(): void {
    this.#reloadDelayMs = reloadDelayMinMs;
    const life = this.#life;
    const writes = this.#inFlight;
    this.#inFlight = [];
    // What goes on at once is in the log before what the events below bring about.
    this.#flush();
    for (const write of writes) {
      if (life !== this.#life) return;
      if (write.scope !== null && this.#lastWrite.get(write.scope) === write) {
        this.#lastWrite.delete(write.scope);
      }
      this.#send(write.replies);
      for (const event of write.committed) this.#handle(event);
    }
  }

  #send(replies: readonly Reply[]): void {
    for (const { ticketId, response } of replies) {
      const waiting = this.#waiting.get(ticketId);
      this.#waiting.delete(ticketId);
      waiting?.resolve(response);
    }
  }

  #reload(name: KafkaErrorName, message: string): void {
    this.#forget(name, message);
    this.#state = 'loading';
    // With a pause, so that a log that refuses every write does not keep the broker busy reading it.
    this.#retryLoad(this.#life);
  }

  #retryLoad(life: number): void {
    const delayMs = this.#reloadDelayMs;
    this.#reloadDelayMs = Math.min(delayMs * 2, reloadDelayMaxMs);
    this.#options.clock.setTimer(delayMs, () => {
      if (life === this.#life) void this.load();
    });
  }

  #forget(name: KafkaErrorName, message: string): void {
    this.#life++;
    this.#timers.clear();
    this.#gathered = [];
    this.#inFlight = [];
    this.#lastWrite.clear();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of waiting) one.reject(new KafkaError(name, message));
  }
}

/** About what the records take in a batch. */
function bytesOf(records: readonly LogRecord[]): number {
  let bytes = 0;
  for (const { key, value } of records) bytes += key.length + (value?.length ?? 0) + 32;
  return bytes;
}

/** Pieces that each fit a batch, unless a single record does not. */
function divide(records: readonly LogRecord[]): LogRecord[][] {
  const pieces: LogRecord[][] = [];
  let piece: LogRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const more = bytesOf([record]);
    if (piece.length > 0 && bytes + more > batchBytesMax) {
      pieces.push(piece);
      piece = [];
      bytes = 0;
    }
    piece.push(record);
    bytes += more;
  }
  pieces.push(piece);
  return pieces;
}

function loading(): KafkaError {
  return new KafkaError('COORDINATOR_LOAD_IN_PROGRESS', 'the coordinator is reading its log');
}

function notCoordinator(): KafkaError {
  return new KafkaError('NOT_COORDINATOR', 'the coordinator of this partition is not running');
}

/** What clients hear for a failed append (`appendGroupMetadataErrorToResponseError` in Kafka's coordinator). */
function failureName(error: unknown): KafkaErrorName {
  if (!(error instanceof KafkaError)) return 'COORDINATOR_NOT_AVAILABLE';
  if (error.code === 'NOT_LEADER_OR_FOLLOWER' || error.code === 'KAFKA_STORAGE_ERROR') {
    return 'NOT_COORDINATOR';
  }
  if (error.code === 'MESSAGE_TOO_LARGE' || error.code === 'RECORD_LIST_TOO_LARGE') {
    return 'UNKNOWN_SERVER_ERROR';
  }
  return 'COORDINATOR_NOT_AVAILABLE';
}
