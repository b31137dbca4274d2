// What a partition remembers of its idempotent producers (KIP-98, KIP-360; Kafka's
// ProducerStateManager): epoch and the last five batches of each, so that a batch sent again is
// recognised and a gap is refused. Pure.

import { assert } from '../base/errors.ts';
import { KafkaError } from '../base/kafka-errors.ts';
import type { ProducerInfo, TransactionOwner } from './contract.ts';

/** Batches remembered per producer: clients have at most five requests in flight. */
export const BATCHES_REMEMBERED = 5;

const SEQUENCE_MAX = 0x7fff_ffff;

/** A batch in the log, as far as its producer is concerned. */
export interface ProducerBatch {
  readonly baseSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** Largest timestamp of the batch in milliseconds. */
  readonly timestampMs: number;
}

/**
 * One producer. `batches` is oldest first; empty right after a transaction marker of a new epoch.
 */
export interface ProducerEntry {
  readonly producerId: number;
  epoch: number;
  batches: ProducerBatch[];
  coordinatorEpoch: number;
  /** First offset of the transaction that is open, -1 for none. */
  transactionStartOffset: number;
  /** When the broker last stored something of it, by the broker's clock: what expiry goes by. */
  lastSeenMs: number;
}

/** A transaction that has no end in the log. */
export interface UnfinishedTransaction extends TransactionOwner {
  readonly firstOffset: number;
  /** Of its newest batch. */
  readonly lastOffset: number;
}

/** What the header of a batch says of its producer. */
export interface ProducerClaim {
  readonly producerId: number;
  readonly epoch: number;
  readonly baseSequence: number;
  readonly lastSequence: number;
}

/** All producers of one partition. */
export class ProducerStates {
  readonly #entries = new Map<number, ProducerEntry>();

  get size(): number {
    return this.#entries.size;
  }

  entries(): IterableIterator<ProducerEntry> {
    return this.#entries.values();
  }

  /**
   * Whether a batch may be appended: null when it is new and in sequence; the stored batch when it
   * is one of the last five, sent again. A producer without state may begin at any sequence.
   * Throws KafkaError `INVALID_PRODUCER_EPOCH` for an epoch that a newer one has replaced, and
   * `OUT_OF_ORDER_SEQUENCE_NUMBER` for a gap, an overlap, or a new epoch that does not begin at 0.
   */
  check(claim: ProducerClaim): ProducerBatch | null {
    const entry = this.#entries.get(claim.producerId);
    if (entry === undefined) return null;
    if (claim.epoch < entry.epoch) throw staleEpoch(claim, entry);
    if (claim.epoch > entry.epoch) {
      if (claim.baseSequence !== 0) throw newEpochNotAtZero(claim, entry);
      return null;
    }
    const known = findDuplicate(entry, claim);
    if (known !== null) return known;
    const expected = nextSequence(entry.batches.at(-1)?.lastSequence ?? -1);
    if (claim.baseSequence !== expected) throw outOfOrder(claim, expected);
    return null;
  }

  /** Remembers a batch that was given its offsets, or that was found in the log. */
  apply(producerId: number, epoch: number, batch: ProducerBatch, seenMs: number): void {
    assert(producerId >= 0, 'only batches with a producer id have producer state');
    const entry = this.#entries.get(producerId);
    if (entry === undefined) {
      this.#entries.set(producerId, {
        producerId,
        epoch,
        batches: [batch],
        coordinatorEpoch: -1,
        transactionStartOffset: -1,
        lastSeenMs: seenMs,
      });
      return;
    }
    if (epoch !== entry.epoch) {
      entry.epoch = epoch;
      entry.batches = [];
    }
    entry.batches.push(batch);
    if (entry.batches.length > BATCHES_REMEMBERED) entry.batches.shift();
    entry.lastSeenMs = seenMs;
  }

  /** A batch of the producer, which was applied before, is part of a transaction. */
  inTransaction(producerId: number, baseOffset: number): void {
    const entry = this.#entries.get(producerId);
    if (entry !== undefined && entry.transactionStartOffset < 0) {
      entry.transactionStartOffset = baseOffset;
    }
  }

  /** The producer's transaction was committed or aborted. */
  endTransaction(producerId: number): void {
    const entry = this.#entries.get(producerId);
    if (entry !== undefined) entry.transactionStartOffset = -1;
  }

  unfinished(): UnfinishedTransaction[] {
    const found: UnfinishedTransaction[] = [];
    for (const { producerId, epoch, transactionStartOffset, batches } of this.entries()) {
      if (transactionStartOffset < 0) continue;
      const lastOffset = batches.at(-1)?.lastOffset ?? -1;
      const offsets = { firstOffset: transactionStartOffset, lastOffset };
      found.push({ producerId, producerEpoch: epoch, ...offsets });
    }
    return found;
  }

  /** Puts an entry back that was read from a snapshot. */
  restore(entry: ProducerEntry): void {
    this.#entries.set(entry.producerId, entry);
  }

  /** Forgets producers idle for `expirationMs`, but none in a transaction. Answers how many. */
  expire(nowMs: number, expirationMs: number): number {
    let count = 0;
    for (const entry of this.#entries.values()) {
      if (entry.transactionStartOffset >= 0 || nowMs - entry.lastSeenMs < expirationMs) continue;
      this.#entries.delete(entry.producerId);
      count += 1;
    }
    return count;
  }

  /** The end of each producer's newest batch, as [producer id, offset]; those without one are left out. */
  lastOffsets(): [number, number][] {
    const ends: [number, number][] = [];
    for (const { producerId, batches } of this.#entries.values()) {
      const last = batches.at(-1);
      if (last !== undefined) ends.push([producerId, last.lastOffset]);
    }
    return ends;
  }

  clear(): void {
    this.#entries.clear();
  }

  /** As DescribeProducers shows them. */
  infos(): readonly ProducerInfo[] {
    return Array.from(this.#entries.values(), (entry) => {
      const last = entry.batches.at(-1);
      return {
        producerId: entry.producerId,
        producerEpoch: entry.epoch,
        lastSequence: last?.lastSequence ?? -1,
        lastTimestampMs: last?.timestampMs ?? -1,
        coordinatorEpoch: entry.coordinatorEpoch,
        currentTransactionStartOffset: entry.transactionStartOffset,
      };
    });
  }
}

function findDuplicate(entry: ProducerEntry, claim: ProducerClaim): ProducerBatch | null {
  const { batches } = entry;
  for (let index = batches.length - 1; index >= 0; index -= 1) {
    const batch = batches[index];
    if (
      batch !== undefined &&
      batch.baseSequence === claim.baseSequence &&
      batch.lastSequence === claim.lastSequence
    ) {
      return batch;
    }
  }
  return null;
}

/** Sequences go from 0 to 2³¹−1 and then from 0 again; after "none" (-1) comes 0. */
function nextSequence(last: number): number {
  return last === SEQUENCE_MAX ? 0 : last + 1;
}

function staleEpoch(claim: ProducerClaim, entry: ProducerEntry): KafkaError {
  return new KafkaError(
    'INVALID_PRODUCER_EPOCH',
    `producer ${claim.producerId} writes with epoch ${claim.epoch}, but ${entry.epoch} is in use`,
  );
}

function newEpochNotAtZero(claim: ProducerClaim, entry: ProducerEntry): KafkaError {
  return new KafkaError(
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    `producer ${claim.producerId} begins epoch ${claim.epoch} (after ${entry.epoch}) ` +
      `with sequence ${claim.baseSequence} instead of 0`,
  );
}

function outOfOrder(claim: ProducerClaim, expected: number): KafkaError {
  return new KafkaError(
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    `producer ${claim.producerId}, epoch ${claim.epoch}: sequence ${claim.baseSequence} came ` +
      `where ${expected} was due`,
  );
}
