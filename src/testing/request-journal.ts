// What clients asked the test broker, in order, with how it went. Bounded: the oldest goes first.

import { textOfError } from '../base/errors.ts';
import type { InterceptedRequest } from '../broker/index.ts';

/** One request over TCP. */
export interface ReceivedRequest {
  /** Kafka's name, such as `Produce`. */
  readonly api: string;
  readonly version: number;
  readonly clientId: string | null;
  /** The decoded request, by the names of Kafka's message definitions. Bytes are copies. */
  readonly request: unknown;
  /** The broker's time when it came, milliseconds since the epoch. */
  readonly atMs: number;
  /** Null while it is at work. `no answer`: none was due, or a fault kept it back. */
  readonly outcome: 'answered' | 'no answer' | { readonly error: string } | null;
}

/** A request that is still being written down. */
type Entry = { -readonly [K in keyof ReceivedRequest]: ReceivedRequest[K] };

/** Requests that are remembered. */
const ENTRIES_MAX = 10_000;
/** Bytes of one field that are copied; the rest is cut off. */
const FIELD_BYTES_MAX = 64 * 1024;

export class RequestJournal {
  readonly #entries: Entry[] = [];
  readonly #listeners = new Set<() => void>();

  /** Oldest first. */
  get entries(): readonly ReceivedRequest[] {
    return this.#entries;
  }

  /** Hears of every request that comes and every one that is done; answers how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  clear(): void {
    this.#entries.length = 0;
  }

  /** Writes the request down, runs `handle`, writes down how it went. */
  async watch(
    { handler, request, context }: InterceptedRequest,
    atMs: number,
    handle: () => Promise<object | null>,
  ): Promise<object | null> {
    const entry: Entry = {
      api: handler.api.name,
      version: context.version,
      clientId: context.clientId,
      request: copyOf(request),
      atMs,
      outcome: null,
    };
    this.#entries.push(entry);
    if (this.#entries.length > ENTRIES_MAX) this.#entries.shift();
    this.#tell();
    try {
      const response = await handle();
      entry.outcome = response === null ? 'no answer' : 'answered';
      return response;
    } catch (error) {
      entry.outcome = { error: textOfError(error) };
      throw error;
    } finally {
      this.#tell();
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** A copy that stays as it is when the connection reads its next bytes. */
function copyOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.subarray(0, FIELD_BYTES_MAX));
  if (Array.isArray(value)) return value.map(copyOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, copyOf(field)]));
}

/** The last requests in a line each, for the message of a failed assertion. */
export function describeRequests(entries: readonly ReceivedRequest[], count = 20): string {
  if (entries.length === 0) return 'no request came';
  const lines = entries.slice(-count).map(({ api, version, clientId, outcome }) => {
    const how = typeof outcome === 'object' ? (outcome?.error ?? 'at work') : outcome;
    return `  ${api} v${version} from ${clientId ?? '(no client id)'}: ${how}`;
  });
  return `the last ${lines.length} of ${entries.length} requests:\n${lines.join('\n')}`;
}
