// A look at requests on their way to the handlers, for brokers under test: fault injection and journals. A broker that
// serves has none, and pays one comparison for it.

import type { Handler, RequestContext } from './handler.ts';

/** A request that has been decoded and not yet handled. */
export interface InterceptedRequest {
  readonly handler: Handler;
  readonly request: unknown;
  readonly context: RequestContext;
  /** Hands the request on to its handler, or another one in its place; may be called once or not at all. */
  proceed(request?: unknown): Promise<object | null>;
}

/**
 * Answers in place of the handler: with a response, or with `null` when there is none to send. A KafkaError thrown
 * is answered as if the handler had thrown it.
 */
export type RequestInterceptor = (call: InterceptedRequest) => Promise<object | null>;
