import { TidemarkError } from '../../base/errors.ts';

/**
 * What went wrong with bytes or values at the wire:
 * - `malformed_message`: the bytes are not a message of that schema (cut short, wrong lengths, null
 *   where forbidden)
 * - `unsupported_message_version`: the schema has no such version
 * - `unencodable_value`: our own value does not fit the schema or the version
 * - `frame_too_large`: a length prefix above the limit, or negative
 */
export type ProtocolErrorCode =
  | 'malformed_message'
  | 'unsupported_message_version'
  | 'unencodable_value'
  | 'frame_too_large';

/**
 * Any failure to read or write the Kafka protocol. Bytes from the network never raise anything
 * else.
 */
export class ProtocolError extends TidemarkError<ProtocolErrorCode> {}
