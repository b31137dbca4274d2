// What a request handler is, and what it is given.

import type { KafkaError } from '../base/kafka-errors.ts';
import type { MemoryLease } from '../base/memory-pool.ts';
import type { RequestContext as CoordinatorContext } from '../coordinator/index.ts';
import type { Api, RequestOf, ResponseInput, VersionRange } from '../protocol/index.ts';

/** The connection, or the in-process caller, that a request came from. Lives as long as it does. */
export interface Session {
  /** Unique within the process. */
  readonly id: number;
  /** Address of the peer, as Kafka shows client hosts: `/10.0.0.1`. */
  readonly clientHost: string;
  /** What the peer is told as the broker's address; null in process. */
  readonly endpoint: { readonly host: string; readonly port: number } | null;
  /** Whether records may be answered as regions of files; else they have to be loaded. */
  readonly sendsRegions: boolean;
  /** Name and version of the client's library (KIP-511); empty until it says so. */
  clientSoftwareName: string;
  clientSoftwareVersion: string;
  /**
   * Calls back once when the peer is gone or wants to go; returns the function that forgets the
   * callback.
   */
  onGone(callback: () => void): () => void;
  /** Closes the connection without an answer to what is in flight. */
  disconnect(reason: string): void;
}

/** One request's surroundings. */
export interface RequestContext {
  readonly version: number;
  readonly clientId: string | null;
  readonly session: Session;
  /**
   * Set where the request's bytes are used again: what a handler keeps of them beyond its answer it
   * holds here, and drops.
   */
  readonly lease?: MemoryLease | undefined;
  /** Set by a handler that is to be told when its answer, or the failure, has gone to where it counts. */
  whenAnswered?: (() => void) | undefined;
}

/** The same, as the coordinators take it. */
export function coordinatorContext(context: RequestContext): CoordinatorContext {
  const { clientId, session, version } = context;
  const { clientHost, id: connectionId } = session;
  return { clientId: clientId ?? '', clientHost, apiVersion: version, connectionId };
}

/** Serves one API. `null` means that there is no answer (Produce with acks=0). */
export interface Handler {
  readonly api: Api;
  /** What is announced and accepted, inclusive; within the versions of the API's schema. */
  readonly versions: VersionRange;
  /**
   * Lowest version that is announced although it is refused (Produce: KAFKA-18659); else the lowest
   * served.
   */
  readonly announcedFrom: number;
  /**
   * Whether requests of this kind may be at work while earlier ones of the same connection and kind
   * still are.
   */
  readonly overlaps: boolean;
  /** Whether it keeps nothing of a request's bytes but what it holds by the lease. */
  readonly leases: boolean;
  handle(request: unknown, context: RequestContext): Promise<object | null> | object | null;
  /**
   * The answer to a request as a whole when `handle` failed; without it the connection is closed.
   */
  refuse(request: unknown, error: KafkaError, context: RequestContext): object | null;
}

export function servesVersion({ versions }: Handler, version: number): boolean {
  return version >= versions[0] && version <= versions[1];
}

/** A handler as it is written: typed by its API. */
export interface HandlerSpec<A extends Api> {
  readonly versions?: VersionRange;
  readonly announcedFrom?: number;
  readonly overlaps?: boolean;
  readonly leases?: boolean;
  handle(
    request: RequestOf<A>,
    context: RequestContext,
  ): Promise<ResponseInput<A> | null> | ResponseInput<A>;
  /** Default: `errorCode` and, where there is one, `errorMessage` at the top of the response. */
  refuse?(request: RequestOf<A>, error: KafkaError, context: RequestContext): ResponseInput<A>;
}

function refuseAtTop(api: Api): Handler['refuse'] {
  const { fields } = api.response;
  if (!('errorCode' in fields)) return () => null;
  const told = 'errorMessage' in fields;
  return (_request, error, context) => {
    // A version without a top-level code would make the failure look like an empty success.
    const field = fields['errorCode'];
    if (field === undefined || context.version < field.since || context.version > field.until) {
      return null;
    }
    const answer: Record<string, unknown> = { errorCode: error.errorCode };
    if (told) answer['errorMessage'] = error.message;
    return api.response.complete(answer as never);
  };
}

/**
 * Binds a handler to its API. The types hold within the handler; the router sees all handlers
 * alike.
 */
export function handler<A extends Api>(api: A, spec: HandlerSpec<A>): Handler {
  const versions = spec.versions ?? api.versions;
  return {
    api: api as unknown as Api,
    versions,
    announcedFrom: spec.announcedFrom ?? versions[0],
    overlaps: spec.overlaps ?? false,
    leases: spec.leases ?? false,
    handle: (request, context) => spec.handle(request as RequestOf<A>, context),
    refuse:
      spec.refuse === undefined
        ? refuseAtTop(api as unknown as Api)
        : (request, error, context) =>
            spec.refuse?.(request as RequestOf<A>, error, context) as object,
  };
}
