// What a failure looks like on the wire.

import { isTidemarkError } from '../base/errors.ts';
import { ErrorCode, KafkaError } from '../base/kafka-errors.ts';

/**
 * Kafka's code for whatever was thrown: its own for a KafkaError, UNKNOWN_SERVER_ERROR for all
 * else.
 */
export function errorCodeOf(error: unknown): number {
  return error instanceof KafkaError ? error.errorCode : ErrorCode.UNKNOWN_SERVER_ERROR;
}

/** The text that goes to the client: nothing of our insides unless it was written for clients. */
export function errorMessageOf(error: unknown): string {
  if (error instanceof KafkaError) return error.message;
  if (isTidemarkError(error)) return `the broker failed: ${error.code}`;
  return 'the broker failed unexpectedly; its log says why';
}
