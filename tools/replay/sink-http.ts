// To an HTTP endpoint: one POST for each record, with the record as JSON and an `Idempotency-Key` that names job and
// source. Records of one source partition go one after the other, partitions beside each other. What was sent and not
// yet checkpointed is sent again after an interruption: the key lets the receiver tell.

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

/** Waits and what the far side may answer: too busy, or broken for the moment. */
const TRY_AGAIN = new Set([408, 425, 429, 500, 502, 503, 504]);

export interface HttpSinkOptions {
  readonly job: string;
  readonly url: string;
  readonly clock: Clock;
}

/** Throws ReplayError `invalid_replay` when the URL is not one of HTTP. */
export function openHttpSink(options: HttpSinkOptions): Sink {
  const { protocol } = URL.canParse(options.url) ? new URL(options.url) : { protocol: '' };
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new ReplayError(
      'invalid_replay',
      `'${options.url}' is not an http:// or https:// address`,
    );
  }
  return new HttpSink(options);
}

class HttpSink implements Sink {
  readonly #options: HttpSinkOptions;
  readonly #chains = new Map<string, Promise<void>>();
  #waiting = 0;
  #room: (() => void) | null = null;
  #failure: ReplayError | null = null;

  constructor(options: HttpSinkOptions) {
    this.#options = options;
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
      if (this.#failure === null) await this.#deliver(source, record);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const text = `${this.#options.url} refused ${sourceOf(source)}: ${why}`;
      this.#failure ??= new ReplayError('target_refused', text, { cause });
    } finally {
      this.#waiting -= 1;
      this.#room?.();
      this.#room = null;
    }
  }

  async #deliver(source: PlacedRecord, record: ReplayedRecord): Promise<void> {
    const { url, job, clock } = this.#options;
    const request = {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': `${job}/${sourceOf(source)}`,
      },
      body: JSON.stringify(recordDocument(source, record)),
    };
    for (let attempt = 1; ; attempt++) {
      const last = attempt === ATTEMPTS;
      try {
        const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
        // The body is of no interest, but the connection is free only once it is read.
        await answer.arrayBuffer();
        if (answer.ok) return;
        if (last || !TRY_AGAIN.has(answer.status)) {
          throw new ReplayError('target_refused', `it answered ${answer.status}`);
        }
      } catch (error) {
        if (last || error instanceof ReplayError) throw error;
      }
      const waitMs = BACKOFF_MS * 2 ** (attempt - 1);
      await new Promise<void>((resolve) => clock.setTimer(waitMs, resolve));
    }
  }
}
