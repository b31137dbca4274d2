// From a request to its handler. The table of handlers is the only source of what is announced, so
// ApiVersions cannot promise what is not there.

import { ErrorCode, KafkaError } from '../base/kafka-errors.ts';
import type { Logger } from '../base/ports.ts';
import { dropAnswer } from './dropped-answer.ts';
import type { Handler, RequestContext } from './handler.ts';
import type { RequestInterceptor } from './interceptor.ts';
import type { BrokerMetrics } from './metrics.ts';

/** One line of the ApiVersions answer. */
export interface AnnouncedApi {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

export class Router {
  readonly #handlers: (Handler | undefined)[] = [];
  readonly #metrics: BrokerMetrics;
  readonly #logger: Logger;
  readonly #intercept: RequestInterceptor | undefined;

  constructor(metrics: BrokerMetrics, logger: Logger, intercept?: RequestInterceptor) {
    this.#metrics = metrics;
    this.#logger = logger;
    this.#intercept = intercept;
  }

  /** Adds handlers, each for an API that has none yet. */
  register(handlers: readonly Handler[]): void {
    for (const handler of handlers) this.#handlers[handler.api.key] = handler;
  }

  /** Whether somebody else sees requests too, and may keep them. */
  get intercepted(): boolean {
    return this.#intercept !== undefined;
  }

  handler(apiKey: number): Handler | undefined {
    return this.#handlers[apiKey];
  }

  /** What is served, by ascending key. */
  announced(): AnnouncedApi[] {
    const apis: AnnouncedApi[] = [];
    for (const handler of this.#handlers) {
      if (handler === undefined) continue;
      const { api, versions, announcedFrom } = handler;
      apis.push({ apiKey: api.key, minVersion: announcedFrom, maxVersion: versions[1] });
    }
    return apis;
  }

  /**
   * Runs a request. `answered` gets the response, `null` when there is none to send, or `undefined`
   * when the failure cannot be told in this API's response and the connection is to be closed; perhaps
   * within this call. `context.whenAnswered` is called then. Never throws.
   */
  dispatch(
    handler: Handler,
    request: unknown,
    context: RequestContext,
    answered: (response: object | null | undefined) => void,
  ): void {
    this.#metrics.countRequest(handler.api.name);
    const told = (response: object | null | undefined): void => {
      try {
        answered(response);
        context.whenAnswered?.();
      } catch (error) {
        // A fault of ours ends this connection, never the process.
        this.#logger.error({ api: handler.api.name, error }, 'an answer failed unexpectedly');
        context.session.disconnect('a fault of the broker');
      }
    };
    const failed = (cause: unknown): void => {
      told(this.#refusal(handler, request, context, cause));
    };
    const intercept = this.#intercept;
    let answer: Promise<object | null> | object | null;
    try {
      if (intercept === undefined) answer = handler.handle(request, context);
      else answer = intercepted(intercept, handler, request, context);
    } catch (cause) {
      failed(cause);
      return;
    }
    if (answer instanceof Promise) answer.then(told, failed);
    else told(answer);
  }

  /** How a request is answered whose handler has failed. */
  #refusal(
    handler: Handler,
    request: unknown,
    context: RequestContext,
    cause: unknown,
  ): object | undefined {
    const { name } = handler.api;
    this.#metrics.countFailure(name);
    const known = cause instanceof KafkaError;
    if (!known) this.#logger.error({ api: name, error: cause }, 'a request failed unexpectedly');
    const error = known
      ? cause
      : new KafkaError('UNKNOWN_SERVER_ERROR', 'the broker failed; its log says why', { cause });
    try {
      return handler.refuse(request, error, context) ?? undefined;
    } catch (failure) {
      this.#logger.error({ api: name, error: failure }, 'a failure could not be answered');
      return undefined;
    }
  }

  /**
   * Kafka's answer to an ApiVersions request of a version that it does not know (KIP-511); always
   * in version 0.
   */
  unknownApiVersions(apiVersionsKey: number): object {
    const known = this.announced().filter((api) => api.apiKey === apiVersionsKey);
    return { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys: known };
  }
}

/** What the handler answers and the interceptor does not pass on lets go of what it holds, whenever it comes. */
async function intercepted(
  intercept: RequestInterceptor,
  handler: Handler,
  request: unknown,
  context: RequestContext,
): Promise<object | null> {
  let made: object | null = null;
  let passedOn: object | null | undefined;
  const proceed = async (other = request): Promise<object | null> => {
    made = await handler.handle(other, context);
    if (passedOn !== undefined) dropAnswer(handler.api, made);
    return made;
  };
  try {
    passedOn = await intercept({ handler, request, context, proceed });
    return passedOn;
  } finally {
    passedOn ??= null;
    if (made !== passedOn) dropAnswer(handler.api, made);
  }
}
