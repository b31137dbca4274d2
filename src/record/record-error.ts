// What this folder throws about bytes it cannot read. The broker's produce path answers with
// Kafka's own codes (KafkaError) instead; see validate.ts.

import { TidemarkError } from '../base/errors.ts';

/**
 * - `truncated_batch`: the bytes end before the batch does
 * - `corrupt_batch`: the header contradicts itself or the checksum
 * - `unsupported_magic`: a message format other than v2
 * - `corrupt_record`: a record inside the batch, or the compressed block, cannot be read
 * - `expanded_too_large`: a compressed block that would grow beyond the cap it was given
 * - `unsafe_integer`: a 64-bit field beyond the safe integers
 */
export type RecordErrorCode =
  | 'truncated_batch'
  | 'corrupt_batch'
  | 'unsupported_magic'
  | 'corrupt_record'
  | 'expanded_too_large'
  | 'unsafe_integer';

/** Where in the log and in the bytes the damage is; -1 where that is unknown. */
export interface RecordErrorPlace {
  readonly offset: number;
  readonly position: number;
}

/**
 * Record bytes that cannot be read. `offset` is the batch's or record's, `position` a byte index.
 */
export class RecordError extends TidemarkError<RecordErrorCode> {
  readonly offset: number;
  readonly position: number;
  readonly #what: string;

  constructor(
    code: RecordErrorCode,
    message: string,
    place: RecordErrorPlace,
    options?: ErrorOptions,
  ) {
    super(code, `${message} (offset ${place.offset}, byte ${place.position})`, options);
    this.offset = place.offset;
    this.position = place.position;
    this.#what = message;
  }

  /** The same, said of a partition: whoever reads bytes does not know whose they are. */
  in(partition: string): RecordError {
    return new RecordError(this.code, `${partition}: ${this.#what}`, this, { cause: this });
  }
}
