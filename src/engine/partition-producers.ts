// The producers of one partition over its life: rebuilt from the log, asked before and told after
// each append.

import { KafkaError } from '../base/kafka-errors.ts';
import type { BatchHeader } from '../record/index.ts';
import type { PartitionLog } from '../storage/index.ts';
import type { ProducerInfo, TransactionOwner } from './contract.ts';
import { applyHeader, type RecoveryContext, recoverProducers } from './producer-recovery.ts';
import { encodeProducerSnapshot } from './producer-snapshot.ts';
import type { ProducerBatch, ProducerStates, UnfinishedTransaction } from './producer-state.ts';

/** Transactions that one line of the log tells of. */
const TOLD_MAX = 10;

interface Recovering extends RecoveryContext {
  /** See Partition. */
  isCommitPrepared(owner: TransactionOwner): Promise<boolean>;
}

export class PartitionProducers {
  /** Null while it is not known: then nothing may be appended, nor a snapshot be written. */
  #states: ProducerStates | null = null;
  /** Null until it was known once. */
  #unfinished: readonly UnfinishedTransaction[] | null = null;

  /**
   * Reads the state from the log. Throws what the log throws, and `isCommitPrepared`; the state is then unknown.
   */
  async recover(log: PartitionLog, context: Recovering): Promise<void> {
    this.#states = null;
    const states = await recoverProducers(log, context);
    const prepared: UnfinishedTransaction[] = [];
    const unfinished: UnfinishedTransaction[] = [];
    for (const one of states.unfinished()) {
      if (one.lastOffset < log.startOffset) continue;
      const kind = (await context.isCommitPrepared(one)) ? prepared : unfinished;
      kind.push(one);
    }
    const tell = (transactions: readonly UnfinishedTransaction[], text: string): void => {
      if (transactions.length === 0) return;
      const fields = { partition: log.directory, count: transactions.length };
      const first = transactions.slice(0, TOLD_MAX).map(shown);
      context.logger.info({ ...fields, transactions: first }, text);
    };
    tell(prepared, 'transactions that Kafka had decided to commit count as committed');
    tell(unfinished, 'transactions that Kafka had not ended count as aborted');
    this.#unfinished = unfinished;
    this.#states = states;
  }

  /**
   * Transactions that Kafka had neither ended nor decided to commit when the log was taken over from it. Nobody can
   * commit them here, and none is begun. The list never changes; a new one takes its place. Throws KafkaError
   * `KAFKA_STORAGE_ERROR` while it was never known.
   */
  get unfinished(): readonly UnfinishedTransaction[] {
    if (this.#unfinished !== null) return this.#unfinished;
    throw new KafkaError('KAFKA_STORAGE_ERROR', 'what was not committed cannot be told now');
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

const shown = ({ producerId, firstOffset }: UnfinishedTransaction) => ({ producerId, firstOffset });
