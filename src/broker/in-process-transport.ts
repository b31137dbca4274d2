// A client's Transport without a socket: requests go to the handlers as objects, responses come
// back as objects.

import { TidemarkError } from '../base/errors.ts';
import { isBufferList, type Payload } from '../base/payload.ts';
import type { Clock } from '../base/ports.ts';
import {
  type Api,
  Fetch,
  type FetchResponse,
  type Fields,
  type RequestInput,
  type ResponseOf,
  type SendOptions,
  type Transport,
  type VersionRange,
} from '../protocol/index.ts';
import type { Handler, RequestContext, Session } from './handler.ts';
import type { Router } from './router.ts';

/** Why a request got no answer. */
export type InProcessErrorCode =
  | 'transport_closed'
  | 'unsupported_api'
  | 'timed_out'
  | 'aborted'
  | 'request_failed';

/** A request that the broker in this process did not answer. */
export class InProcessError extends TidemarkError<InProcessErrorCode> {}

export interface InProcessOptions {
  readonly id: number;
  readonly router: Router;
  readonly clock: Clock;
  /** Told when the transport closes. */
  onClosed(): void;
}

/** Clients count on one buffer for each partition; in process the records may be several. */
function joinRecords(response: FetchResponse): FetchResponse {
  for (const topic of response.responses) {
    for (const partition of topic.partitions) {
      const records = partition.records as Payload | null;
      if (records !== null && isBufferList(records)) partition.records = Buffer.concat(records);
    }
  }
  return response;
}

/** What one request sees of its caller. */
class InProcessSession implements Session {
  readonly id: number;
  readonly clientHost = '/in-process';
  readonly endpoint = null;
  readonly sendsRegions = false;
  clientSoftwareName = '';
  clientSoftwareVersion = '';
  readonly onGone: Session['onGone'];
  /**
   * Why the request is not answered (Produce with acks=0 that failed): there is no connection to
   * lose instead.
   */
  failure: string | null = null;

  constructor(id: number, onGone: Session['onGone']) {
    this.id = id;
    this.onGone = onGone;
  }

  disconnect(reason: string): void {
    this.failure = reason;
  }
}

export class InProcessTransport implements Transport {
  readonly #options: InProcessOptions;
  readonly #gone = new Set<() => void>();
  #closed = false;

  constructor(options: InProcessOptions) {
    this.#options = options;
  }

  versions(api: Api): Promise<VersionRange | null> {
    const handler = this.#options.router.handler(api.key);
    return Promise.resolve(handler === undefined ? null : shared(handler, api));
  }

  async send<Request extends Fields, Response extends Fields>(
    api: Api<Request, Response>,
    request: RequestInput<Api<Request, Response>>,
    options: SendOptions = {},
  ): Promise<ResponseOf<Api<Request, Response>>> {
    if (this.#closed) throw new InProcessError('transport_closed', 'the transport is closed');
    const { router } = this.#options;
    const handler = router.handler(api.key);
    const range = handler === undefined ? null : shared(handler, api as unknown as Api);
    const version = options.version ?? range?.[1];
    if (handler === undefined || range === null || version === undefined) {
      throw new InProcessError('unsupported_api', `this broker does not serve ${api.name}`);
    }
    if (version < range[0] || version > range[1]) {
      const text = `this broker does not serve ${api.name} in version ${version}`;
      throw new InProcessError('unsupported_api', text);
    }
    const session = new InProcessSession(this.#options.id, (callback) => this.#onGone(callback));
    const context: RequestContext = { version, clientId: 'in-process', session };
    const asked = api.request.complete(request);
    const answer = new Promise<object | null | undefined>((answered) => {
      router.dispatch(handler, asked, context, answered);
    });
    const response = await this.#bounded(answer, options);
    if (response === undefined || session.failure !== null) {
      const text = session.failure ?? `${api.name} could not be answered`;
      throw new InProcessError('request_failed', text);
    }
    const empty = response === null ? { responses: [] } : response;
    const complete = api.response.complete(empty as never);
    const fetched = api.key === Fetch.key && response !== null;
    return (fetched ? joinRecords(complete as never) : complete) as never;
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    for (const callback of this.#gone) callback();
    this.#gone.clear();
    this.#options.onClosed();
    return Promise.resolve();
  }

  #onGone(callback: () => void): () => void {
    if (this.#closed) callback();
    else this.#gone.add(callback);
    return () => this.#gone.delete(callback);
  }

  /**
   * The answer, or a rejection when the transport closes, the time is up, or the caller gives up.
   */
  #bounded<T>(answer: Promise<T>, { signal, timeoutMs }: SendOptions): Promise<T> {
    if (signal?.aborted === true) return Promise.reject(aborted(signal));
    return new Promise<T>((resolve, reject) => {
      const cancelTimer =
        timeoutMs === undefined
          ? undefined
          : this.#options.clock.setTimer(timeoutMs, () => {
              reject(new InProcessError('timed_out', `no answer within ${timeoutMs} ms`));
            });
      const onAbort = (): void => reject(aborted(signal));
      signal?.addEventListener('abort', onAbort, { once: true });
      const forgetGone = this.#onGone(() => {
        reject(new InProcessError('transport_closed', 'the transport was closed'));
      });
      answer.then(resolve, reject).finally(() => {
        cancelTimer?.();
        forgetGone();
        signal?.removeEventListener('abort', onAbort);
      });
    });
  }
}

function aborted(signal: AbortSignal | undefined): InProcessError {
  return new InProcessError('aborted', 'the caller gave up', { cause: signal?.reason });
}

/** Versions that the handler serves and the caller's schema has. */
function shared(handler: Handler, api: Api): VersionRange | null {
  const lowest = Math.max(handler.versions[0], api.versions[0]);
  const highest = Math.min(handler.versions[1], api.versions[1]);
  return lowest > highest ? null : [lowest, highest];
}
