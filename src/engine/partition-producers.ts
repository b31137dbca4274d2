// The producers of one partition over its life: rebuilt from the log, asked before and told after
// each append.

import type { Logger } from '../base/ports.ts';
import type { BatchHeader } from '../record/index.ts';
import type { LogStore, PartitionLog } from '../storage/index.ts';
import type { ProducerInfo } from './contract.ts';
import { applyHeader, recoverProducers } from './producer-recovery.ts';
import { encodeProducerSnapshot } from './producer-snapshot.ts';
import type { ProducerBatch, ProducerStates, UnfinishedTransaction } from './producer-state.ts';

const none: readonly UnfinishedTransaction[] = [];

export class PartitionProducers {
  /** Null while it is not known: then nothing may be appended, nor a snapshot be written. */
  #states: ProducerStates | null = null;
  #unfinished = none;

  /** Reads the state from the log. Throws what the log throws; the state is then unknown. */
  async recover(
    log: PartitionLog,
    context: { readonly store: LogStore; readonly logger: Logger; readonly nowMs: number },
  ): Promise<void> {
    this.#states = null;
    this.#states = await recoverProducers(log, context);
    this.#unfinished = this.#states.unfinished();
  }

  /**
   * Transactions that Kafka had not ended when the log was taken over from it, of which something may lie from `from`
   * up to, not including, `below`. Nobody can commit them here, and none is begun.
   */
  unfinishedWithin(from: number, below: number): readonly UnfinishedTransaction[] {
    if (this.#unfinished.length === 0) return none;
    return this.#unfinished.filter((one) => one.lastOffset >= from && one.firstOffset < below);
  }

  /**
   * Null when the batch is new; the stored one when it repeats that. Throws as {@link
   * ProducerStates.check}.
   */
  check(header: BatchHeader): ProducerBatch | null {
    if (this.#states === null || !header.hasProducerId || header.baseSequence < 0) return null;
    return this.#states.check({
      producerId: header.producerId,
      epoch: header.producerEpoch,
      baseSequence: header.baseSequence,
      lastSequence: header.lastSequence,
    });
  }

  /** Takes a batch into account that has its offsets now. */
  appended(header: BatchHeader, nowMs: number): void {
    if (this.#states !== null) applyHeader(this.#states, header, nowMs);
  }

  /** The state as bytes, for the log to keep; null while it is unknown. */
  snapshot(): Buffer | null {
    return this.#states === null ? null : encodeProducerSnapshot(this.#states);
  }

  /** For compaction, which keeps these batches; null while the state is unknown. */
  lastOffsets(): readonly (readonly [producerId: number, lastOffset: number])[] | null {
    return this.#states?.lastOffsets() ?? null;
  }

  /** Forgets producers idle for `idleMs`, but none in a transaction. Answers how many are left. */
  expire(nowMs: number, idleMs: number): number {
    this.#states?.expire(nowMs, idleMs);
    return this.#states?.size ?? 0;
  }

  infos(): readonly ProducerInfo[] {
    return this.#states?.infos() ?? [];
  }
}
