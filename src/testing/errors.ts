// Failures of the test broker itself.

import { TidemarkError } from '../base/errors.ts';

export type TestBrokerErrorCode =
  /** What was waited for did not come. */
  | 'wait_timed_out'
  /** No API of Kafka's protocol has this name. */
  | 'unknown_api'
  /** Only an embedded broker can do it, not a cluster given with `against`. */
  | 'not_embedded'
  | 'broker_closed'
  | 'invalid_option';

/** A call of the test broker that cannot be carried out. */
export class TestBrokerError extends TidemarkError<TestBrokerErrorCode> {}
