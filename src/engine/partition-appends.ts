// How batches come into one partition: checked, in order, looked into where the topic asks for it, placed in its log,
// and answered when they are as safe as the producer wants.

import {
  type Codec,
  LOOK_NOW_BYTES_MAX,
  type LookOutcome,
  lookInside,
  prepareCodec,
  type RecordLook,
} from '../record/index.ts';
import type { AppendTicket, PartitionLog, Told } from '../storage/index.ts';
import type { CommitWaiters } from './commit-waiters.ts';
import type { AppendAnswer, AppendRequest, AppendResult } from './contract.ts';
import {
  admitClient,
  checkLeaderEpoch,
  diskNearlyFull,
  duplicateResult,
} from './partition-checks.ts';
import type { PartitionProducers } from './partition-producers.ts';
import {
  checkedBatch,
  codecsMissing,
  finishedBatch,
  lookWanted,
  type PreparedBatch,
  partsOf,
  setTimeFromRecords,
  trustedBatch,
} from './prepare-append.ts';
import type { PartitionContext, TopicShared } from './topic-shared.ts';
import { TurnQueue } from './turn-queue.ts';

/** The partition that is written to. */
export interface Appendable {
  readonly highWatermark: number;
  /** Throws KafkaError while nothing may be appended. */
  writable(): PartitionLog;
}

export interface PartitionAppendsParts {
  readonly partition: Appendable;
  readonly shared: TopicShared;
  readonly context: PartitionContext;
  readonly producers: PartitionProducers;
  /** Who waits for a batch that is in flight. */
  readonly waiters: CommitWaiters;
}

export class PartitionAppends {
  readonly #partition: Appendable;
  readonly #shared: TopicShared;
  readonly #context: PartitionContext;
  readonly #producers: PartitionProducers;
  readonly #waiters: CommitWaiters;
  readonly #turns = new TurnQueue();

  constructor(parts: PartitionAppendsParts) {
    this.#partition = parts.partition;
    this.#shared = parts.shared;
    this.#context = parts.context;
    this.#producers = parts.producers;
    this.#waiters = parts.waiters;
  }

  appendFor(answer: AppendAnswer, request: AppendRequest): void {
    const parts = partsOf(request.records);
    const missing = codecsMissing(parts, this.#shared.settings.rules);
    if (missing.length > 0 || !this.#turns.idle) this.#appendInTurn(missing, request, answer);
    else this.#appendNow(parts, request, answer);
  }

  #appendNow(parts: readonly Buffer[], request: AppendRequest, answer: AppendAnswer): void {
    const look = this.#append(request, parts, answer, null);
    if (look !== null) this.#lookInTurn(look, request, answer);
  }

  /** Its turn begins before that of all who come meanwhile. */
  #lookInTurn(look: RecordLook, request: AppendRequest, answer: AppendAnswer): void {
    this.#turns.run(() => this.#appendAfter(look, request, answer));
  }

  /** Apart from the usual case, which needs no functions. */
  #appendInTurn(missing: readonly Codec[], request: AppendRequest, answer: AppendAnswer): void {
    this.#turns.run(async () => {
      try {
        for (const codec of missing) await prepareCodec(codec);
      } catch (error) {
        this.#refuse(error, answer);
        return;
      }
      const look = this.#append(request, partsOf(request.records), answer, null);
      if (look !== null) await this.#appendAfter(look, request, answer);
    });
  }

  async #appendAfter(
    look: RecordLook,
    request: AppendRequest,
    answer: AppendAnswer,
  ): Promise<void> {
    try {
      const outcome = await this.#context.recordWorker.look(look);
      this.#append(request, partsOf(request.records), answer, outcome);
    } catch (error) {
      this.#refuse(error, answer);
    }
  }

  #refuse(error: unknown, answer: AppendAnswer): void {
    this.#context.metrics.appendsRefused += 1;
    answer.refused(error);
  }

  /** Answers what has to be looked at in another thread before; else the append is under way, or refused. */
  #append(
    request: AppendRequest,
    parts: readonly Buffer[],
    answer: AppendAnswer,
    outcome: LookOutcome | null,
  ): RecordLook | null {
    let stored: Stored | RecordLook;
    try {
      stored = this.#store(request, parts, outcome);
    } catch (error) {
      this.#refuse(error, answer);
      return null;
    }
    if ('batch' in stored) return stored;
    const { ticket, result } = stored;
    if (ticket === null) request.released?.();
    if (request.acks === 0) answer.appended(result);
    else this.#tellWhenSafe(request, stored, answer);
    return null;
  }

  #tellWhenSafe(request: AppendRequest, { ticket, result }: Stored, answer: AppendAnswer): void {
    const told = (failure: Error | null): void => {
      if (failure === null) answer.appended(result);
      else answer.refused(failure);
    };
    if (ticket === null) this.#waitUntilCommitted(result.lastOffset, told);
    else if (request.acks === 1) ticket.whenWritten(told);
    else ticket.whenCommitted(told);
  }

  /**
   * Everything up to giving out offsets happens in one turn of the event loop, so appends cannot
   * mix.
   */
  #store(
    request: AppendRequest,
    parts: readonly Buffer[],
    outcome: LookOutcome | null,
  ): Stored | RecordLook {
    const log = this.#partition.writable();
    const { topic } = this.#shared;
    const { rules } = this.#shared.settings;
    checkLeaderEpoch(request.currentLeaderEpoch ?? -1, log.leaderEpoch);
    if (request.origin === 'client') admitClient(topic, rules, request.acks);
    const seen =
      request.origin === 'client' ? checkedBatch(request, parts, rules) : trustedBatch(parts);
    const duplicate = this.#producers.check(seen.header);
    if (duplicate !== null) {
      this.#context.metrics.batchesDuplicate += 1;
      return { ticket: null, result: duplicateResult(duplicate, log.startOffset) };
    }
    const { origin, released } = request;
    if (origin === 'internal') return this.#place(seen, log, released);
    if (!this.#context.space.admits(seen.byteLength)) throw diskNearlyFull();
    const nowMs = this.#nowMs();
    if (outcome === null) setTimeFromRecords(seen, rules);
    const look = outcome === null ? lookWanted(seen, rules, nowMs) : null;
    const found = look === null ? outcome : lookInside(look, LOOK_NOW_BYTES_MAX);
    if (look !== null && found === null) return look;
    return this.#place(finishedBatch(seen, rules, nowMs, found), log, released);
  }

  #place(batch: PreparedBatch, log: PartitionLog, released: AppendRequest['released']): Stored {
    const { header, byteLength, parts } = batch;
    const { metrics } = this.#context;
    const { maxTimestamp, recordCount, lastOffsetDelta } = header;
    const offsetCount = lastOffsetDelta + 1;
    const ticket = log.append({ parts, byteLength, offsetCount, maxTimestamp, released });
    // The log has written the offsets into the header by now.
    this.#producers.appended(header, this.#nowMs());
    metrics.batchesAppended += 1;
    metrics.recordsAppended += recordCount;
    metrics.bytesAppended += byteLength;
    const result = {
      baseOffset: ticket.baseOffset,
      lastOffset: ticket.lastOffset,
      logAppendTimeMs: batch.logAppendTimeMs,
      logStartOffset: log.startOffset,
    };
    return { ticket, result };
  }

  /** For the batch that a duplicate repeats, which may still be in flight. */
  #waitUntilCommitted(offset: number, told: Told): void {
    if (this.#partition.highWatermark > offset) told(null);
    else this.#waiters.wait(offset, told);
  }

  #nowMs(): number {
    return this.#context.clock.now();
  }
}

/** An append that has its offsets; `ticket` null: it repeats an earlier batch. */
interface Stored {
  readonly ticket: AppendTicket | null;
  readonly result: AppendResult;
}
