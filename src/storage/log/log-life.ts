// What a log is fit for, from its opening to its end, and since when not: one state, which changes by these steps.
//   open ⇄ failed, either → closing → closed, any → deleted
// A failure is kept through whatever comes after it, until the log is opened anew.

import { assert } from '../../base/errors.ts';
import type { KafkaError } from '../../base/kafka-errors.ts';
import type { LogState } from '../contract.ts';
import type { SyncedPlace } from '../log-contents.ts';

type Phase =
  /** Appends are taken. */
  | { readonly phase: 'open'; readonly failure: null }
  /** Appends are refused until it is opened anew. */
  | { readonly phase: 'failed'; readonly failure: KafkaError }
  /** Appends are refused; what came before is being written and synced, unless it has failed. */
  | { readonly phase: 'closing'; readonly failure: KafkaError | null }
  | { readonly phase: 'closed'; readonly failure: KafkaError | null }
  /** Nothing of it is needed any more, and what goes wrong with it is nobody's concern. */
  | { readonly phase: 'deleted'; readonly failure: KafkaError };

type Life = Phase & { readonly believed: SyncedPlace | null };

const open: Life = { phase: 'open', failure: null, believed: null };

export class LogLife {
  #now: Life = open;

  /** As others see it: what is being closed, or is deleted, is closed for them. */
  get state(): LogState {
    const { phase } = this.#now;
    return phase === 'open' || phase === 'failed' ? phase : 'closed';
  }

  get deleted(): boolean {
    return this.#now.phase === 'deleted';
  }

  /** Why nothing is written or synced any more; null while it is. */
  get failure(): KafkaError | null {
    return this.#now.failure;
  }

  /** Behind this place the files alone may not be believed; null: they may. */
  get believed(): SyncedPlace | null {
    return this.#now.believed;
  }

  /** Nothing is written or synced any more. False when that was so before: the first failure stays. */
  failed(failure: KafkaError, believed: SyncedPlace | null): boolean {
    const { phase, failure: before, believed: known } = this.#now;
    const sooner = known === null || (believed !== null && believed.offset < known.offset);
    this.#now = {
      phase: phase === 'open' ? 'failed' : phase,
      failure: before ?? failure,
      believed: sooner ? believed : known,
    };
    return before === null;
  }

  /** Other files are shown of a failed log, which may be believed up to there. */
  shown(believed: SyncedPlace | null): void {
    this.#now = { ...this.#now, believed };
  }

  /** A failed log was opened anew. */
  reopened(): void {
    assert(this.#now.phase === 'failed', 'only a failed log is opened anew');
    this.#now = open;
  }

  /** It is being closed, unless it is deleted. True when what it holds is to be finished first: it was open. */
  closing(): boolean {
    const { phase, failure, believed } = this.#now;
    if (phase === 'deleted') return false;
    assert(phase === 'open' || phase === 'failed', 'a log is closed once');
    this.#now = { phase: 'closing', failure, believed };
    return phase === 'open';
  }

  closed(): void {
    const { phase, failure, believed } = this.#now;
    if (phase === 'deleted') return;
    assert(phase === 'closing', 'a log that is closed was being closed');
    this.#now = { phase: 'closed', failure, believed };
  }

  /** It is deleted. Answers why nothing is written any more: `failure`, unless it had failed before. */
  delete(failure: KafkaError): KafkaError {
    const { failure: before, believed } = this.#now;
    this.#now = { phase: 'deleted', failure: before ?? failure, believed };
    return before ?? failure;
  }
}
