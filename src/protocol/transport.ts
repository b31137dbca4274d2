// The port between clients and brokers: a typed request out, a typed response back. Over TCP it
// encodes frames; in process it hands the same objects to the broker.

import type { Api, RequestInput, ResponseOf } from './schema/api.ts';
import type { Fields } from './schema/field.ts';
import type { VersionRange } from './schema/message.ts';

export interface SendOptions {
  /** Exactly this version; without it the newest that both sides have. */
  readonly version?: number;
  /** Gives up waiting; the request may still be carried out. */
  readonly signal?: AbortSignal;
  /** Gives up waiting after so many milliseconds. */
  readonly timeoutMs?: number;
  /** Where the response may be put. Its byte fields are parts of that then, and whose they are gives it back. */
  readonly memory?: ResponseMemory;
}

/** Memory for responses; see {@link SendOptions.memory}. */
export interface ResponseMemory {
  /** Exactly so many bytes; null: make some. */
  take(bytes: number): Buffer | null;
}

/** A way to one broker. */
export interface Transport {
  /**
   * Sends a request and resolves with its response, every field set. Record batches in it may be
   * slices of a larger buffer. A Produce request with acks 0 resolves, once it is handed over, with
   * an empty response. Rejects with a `TidemarkError` when the broker cannot be reached, has no
   * version in common with us, or does not answer in time; error codes inside responses are the
   * caller's to judge.
   */
  send<Request extends Fields, Response extends Fields>(
    api: Api<Request, Response>,
    request: RequestInput<Api<Request, Response>>,
    options?: SendOptions,
  ): Promise<ResponseOf<Api<Request, Response>>>;

  /**
   * The versions of an API that both sides have, or null. Resolves after connecting, if that is
   * needed.
   */
  versions(api: Api): Promise<VersionRange | null>;

  /** Ends the connection; what is under way rejects. Closing again does nothing. */
  close(): Promise<void>;
}
