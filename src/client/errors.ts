// What can go wrong between a client and its brokers. Refusals that have a Kafka code are KafkaError instead.

import { TidemarkError } from '../base/errors.ts';

/**
 * - `cannot_connect`: no broker of the list could be reached
 * - `connection_lost`: the connection ended while requests were under way; their outcome is unknown
 * - `request_timed_out`: no answer in time; the outcome is unknown
 * - `delivery_timed_out`: records were not acknowledged in time, retries and all; `cause` is the last failure
 * - `unsupported_api`: the broker has no version of the request that this client speaks
 * - `bad_response`: what came back is not the Kafka protocol
 * - `invalid_address`, `invalid_option`: what the client was given makes no sense
 * - `invalid_record`: a record cannot be written or read with the serde
 * - `log_truncated`: the log was cut below what was read already (an unclean change of leader)
 * - `closed`: the client was closed
 */
export type ClientErrorCode =
  | 'cannot_connect'
  | 'connection_lost'
  | 'request_timed_out'
  | 'delivery_timed_out'
  | 'unsupported_api'
  | 'bad_response'
  | 'invalid_address'
  | 'invalid_option'
  | 'invalid_record'
  | 'log_truncated'
  | 'closed';

const retriable: ReadonlySet<ClientErrorCode> = new Set([
  'cannot_connect',
  'connection_lost',
  'request_timed_out',
]);

/** A failure on the way to a broker. `retriable`: the same request may succeed later. */
export class ClientError extends TidemarkError<ClientErrorCode> {
  readonly retriable: boolean;

  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.retriable = retriable.has(code);
  }
}
