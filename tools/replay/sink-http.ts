// To an HTTP endpoint: one POST for each record, with the record as JSON and an `Idempotency-Key` that names job and
// source. Records of one source partition go one after the other, partitions beside each other. What was sent and not
// yet checkpointed is sent again after an interruption: the key lets the receiver tell.

import { sleep } from '../../src/base/pause.ts';
import type { Clock } from '../../src/base/ports.ts';
import { ReplayError } from './errors.ts';
import { recordDocument } from './record-json.ts';
import { type Sink, sourceOf } from './sink.ts';
import { type PlacedRecord, placeOf, type ReplayedRecord } from './types.ts';

/** Records on their way to one endpoint. */
const WAITING_MAX = 256;
const ATTEMPTS = 6;
const BACKOFF_MS = 200;
const TIMEOUT_MS = 30_000;
/** What is on its way when the job is interrupted gets so long to be answered. */
const GRACE_MS = 2_000;
/** Characters of a refusal that are shown. */
const WORDS_MAX = 200;

/** Waits and what the far side may answer: too busy, or broken for the moment. */
const TRY_AGAIN = new Set([408, 425, 429, 500, 502, 503, 504]);

export interface HttpSinkOptions {
  readonly job: string;
  readonly url: string;
  readonly clock: Clock;
  /** Ends waits and repetitions. */
  readonly signal: AbortSignal;
  /** For one answer (default: 30 s). */
  readonly timeoutMs?: number;
  /** Hears that a record has to be sent again, and why. */
  onRetry?(what: string): void;
}

/** Throws ReplayError `invalid_replay` when the URL is not one of HTTP. */
export function openHttpSink(options: HttpSinkOptions): Sink {
  requireHttpUrl(options.url);
  return new HttpSink(options);
}

/** Throws ReplayError `invalid_replay`. */
export function requireHttpUrl(url: string): void {
  const { protocol } = URL.canParse(url) ? new URL(url) : { protocol: '' };
  if (protocol === 'http:' || protocol === 'https:') return;
  throw new ReplayError('invalid_replay', `'${url}' is not an http:// or https:// address`);
}

class HttpSink implements Sink {
  readonly #options: HttpSinkOptions;
  readonly #chains = new Map<string, Promise<void>>();
  #waiting = 0;
  #room: (() => void) | null = null;
  #failure: ReplayError | null = null;
  readonly #giveUp = new AbortController();
  confirmed = 0;

  constructor(options: HttpSinkOptions) {
    this.#options = options;
    const { signal, clock } = options;
    const end = (): void => this.#giveUp.abort();
    signal.addEventListener('abort', () => clock.setTimer(GRACE_MS, end), { once: true });
  }

  has(): boolean {
    return false;
  }

  async write(source: PlacedRecord, record: ReplayedRecord): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const place = placeOf(source.topic, source.partition);
    const before = this.#chains.get(place) ?? Promise.resolve();
    this.#waiting += 1;
    this.#chains.set(
      place,
      before.then(() => this.#post(source, record)),
    );
    if (this.#waiting < WAITING_MAX) return;
    await new Promise<void>((resolve) => {
      this.#room = resolve;
    });
  }

  async flush(): Promise<void> {
    await Promise.all(this.#chains.values());
    this.#chains.clear();
    if (this.#failure !== null) throw this.#failure;
  }

  positions(): Readonly<Record<string, number>> {
    return {};
  }

  async close(): Promise<void> {
    await Promise.all(this.#chains.values());
  }

  /** Never throws: the first failure is kept, and ends all that comes after it. */
  async #post(source: PlacedRecord, record: ReplayedRecord): Promise<void> {
    try {
      if (this.#failure === null) {
        await this.#deliver(source, record);
        this.confirmed += 1;
      }
    } catch (cause) {
      const text = `${this.#options.url} did not take ${sourceOf(source)}: ${this.#reason(cause)}`;
      this.#failure ??= new ReplayError('target_refused', text, { cause });
    } finally {
      this.#waiting -= 1;
      this.#room?.();
      this.#room = null;
    }
  }

  async #deliver(source: PlacedRecord, record: ReplayedRecord): Promise<void> {
    const { url, job, clock, signal, timeoutMs = TIMEOUT_MS, onRetry } = this.#options;
    const request = {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': `${job}/${sourceOf(source)}`,
      },
      body: JSON.stringify(recordDocument(source, record)),
    };
    for (let attempt = 1; ; attempt++) {
      const last = attempt === ATTEMPTS || signal.aborted;
      let why: string;
      try {
        const either = AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#giveUp.signal]);
        const answer = await fetch(url, { ...request, redirect: 'manual', signal: either });
        // Also where it is of no interest: the connection is free only once the body is read.
        const words = (await answer.text()).slice(0, WORDS_MAX).replaceAll(/\s+/g, ' ').trim();
        if (answer.ok) return;
        const elsewhere = answer.headers.get('location');
        // Followed, it would be asked for with GET, and answer as if it had taken the record.
        if (elsewhere !== null && answer.status >= 300 && answer.status < 400) {
          const text = `it answered ${answer.status}, a redirection to ${elsewhere}: name that address`;
          throw new ReplayError('target_refused', text);
        }
        why = `it answered ${answer.status}${words === '' ? '' : ` ${words}`}`;
        if (last || !TRY_AGAIN.has(answer.status)) throw new ReplayError('target_refused', why);
      } catch (error) {
        if (last || error instanceof ReplayError) throw error;
        why = this.#reason(error);
      }
      onRetry?.(`${sourceOf(source)}: ${why} (attempt ${attempt} of ${ATTEMPTS})`);
      await sleep(clock, BACKOFF_MS * 2 ** (attempt - 1));
    }
  }

  /** In words; `fetch` has what matters in the cause. */
  #reason(error: unknown): string {
    if (!(error instanceof Error)) return String(error);
    const { timeoutMs = TIMEOUT_MS } = this.#options;
    if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
    if (error.name === 'AbortError') return 'the job was interrupted';
    const { cause } = error;
    return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
  }
}
