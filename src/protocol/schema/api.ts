import type { Fields, Infer, Input } from './field.ts';
import type { Message, VersionRange } from './message.ts';

/** An API of the protocol: a request and the response to it, in the same version. */
export interface Api<Request extends Fields = Fields, Response extends Fields = Fields> {
  /** Number in the request header. */
  readonly key: number;
  /** Kafka's name, for example `OffsetCommit`. */
  readonly name: string;
  /** All that we can encode. What a broker announces is the business of its handlers. */
  readonly versions: VersionRange;
  /** First flexible version, for both messages. */
  readonly flexible: number;
  readonly request: Message<Request>;
  readonly response: Message<Response>;
}

/** A decoded request, every field set. */
export type RequestOf<A> = A extends Api<infer Request, Fields> ? Infer<Request> : never;
/** A request to send; fields with fallbacks may be left out. */
export type RequestInput<A> = A extends Api<infer Request, Fields> ? Input<Request> : never;
/** A decoded response, every field set. */
export type ResponseOf<A> = A extends Api<Fields, infer Response> ? Infer<Response> : never;
/** A response to send; fields with fallbacks may be left out, records may still be on disk. */
export type ResponseInput<A> = A extends Api<Fields, infer Response> ? Input<Response> : never;

/** Pairs a request with its response. */
export function api<const Request extends Fields, const Response extends Fields>(
  key: number,
  name: string,
  request: Message<Request>,
  response: Message<Response>,
): Api<Request, Response> {
  return { key, name, versions: request.versions, flexible: request.flexible, request, response };
}
