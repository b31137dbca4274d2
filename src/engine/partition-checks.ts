// What a partition decides before it touches its log.

import { KafkaError } from '../base/kafka-errors.ts';
import type { PartitionLog } from '../storage/index.ts';
import type { AppendResult, Topic } from './contract.ts';
import type { ProducerBatch } from './producer-state.ts';
import type { AppendRules } from './topic-settings.ts';

/**
 * `opening` also while it is brought back. `offline`: the log could not be opened at all.
 * `deleted`, `closed`: the partition's object answers nothing any more.
 */
export type PartitionState = 'opening' | 'open' | 'offline' | 'deleted' | 'closed';

/** Why a partition that is not open answers nothing. */
export function unavailable(name: string, state: PartitionState): KafkaError {
  switch (state) {
    case 'deleted':
      return new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `${name} was deleted`);
    case 'closed':
      return new KafkaError('NOT_LEADER_OR_FOLLOWER', 'the broker is stopping');
    default:
      return new KafkaError('KAFKA_STORAGE_ERROR', `${name} is offline, see the broker log`);
  }
}

/** `asked` -1: not checked. Throws `FENCED_LEADER_EPOCH` or `UNKNOWN_LEADER_EPOCH`. */
export function checkLeaderEpoch(asked: number, current: number): void {
  if (asked === -1 || asked === current) return;
  const name = asked < current ? 'FENCED_LEADER_EPOCH' : 'UNKNOWN_LEADER_EPOCH';
  throw new KafkaError(name, `leader epoch ${asked} was asked for, ${current} is in use`);
}

/** Throws `OFFSET_OUT_OF_RANGE` for an offset that the log does not hold nor would give next. */
export function checkReadable(
  offset: number,
  bounds: { startOffset: number; endOffset: number; online: boolean },
): void {
  if (offset >= bounds.startOffset && offset <= bounds.endOffset) return;
  // After a recovery that the disk refused, the log ends before what readers may have seen: nobody
  // is sent back for that.
  if (!bounds.online && offset > bounds.endOffset) {
    throw new KafkaError('KAFKA_STORAGE_ERROR', `offset ${offset} cannot be reached now`);
  }
  const range = `${bounds.startOffset} to ${bounds.endOffset}`;
  throw new KafkaError('OFFSET_OUT_OF_RANGE', `offset ${offset} is not in ${range}`);
}

export type EpochEnd = ReturnType<PartitionLog['endOffsetForEpoch']>;

/**
 * Where an epoch ended. Throws `KAFKA_STORAGE_ERROR` where that is only the end of such a log, or is unknown for that.
 */
export function endOfEpoch(log: PartitionLog, epoch: number, online: boolean): EpochEnd {
  const end = log.endOffsetForEpoch(epoch);
  if (online || (end.endOffset >= 0 && end.endOffset < log.endOffset)) return end;
  throw new KafkaError('KAFKA_STORAGE_ERROR', 'where that epoch ended cannot be told now');
}

/**
 * Whether a client may write to the topic at all. Throws `INVALID_TOPIC_EXCEPTION` for the broker's
 * own topics, and `NOT_ENOUGH_REPLICAS` when acks=all asks for more copies than there are.
 */
export function admitClient(topic: Topic, rules: AppendRules, acks: number): void {
  if (topic.internal) {
    const message = `${topic.name} is kept by the broker, clients do not write to it`;
    throw new KafkaError('INVALID_TOPIC_EXCEPTION', message);
  }
  const needed = rules.minInsyncReplicas;
  if (acks === -1 && needed > 1) {
    const message = `min.insync.replicas=${needed}, but this broker keeps one copy`;
    throw new KafkaError('NOT_ENOUGH_REPLICAS', message);
  }
}

export function diskNearlyFull(): KafkaError {
  return new KafkaError(
    'KAFKA_STORAGE_ERROR',
    'the disk is nearly full (tidemark.min.free.bytes): free some room, or shorten retention',
  );
}

/**
 * The answer to a batch that is stored already. As in Kafka (UnifiedLog.append) it tells the
 * batch's largest timestamp as its append time, whichever kind of time the topic keeps.
 */
export function duplicateResult(stored: ProducerBatch, logStartOffset: number): AppendResult {
  return {
    baseOffset: stored.baseOffset,
    lastOffset: stored.lastOffset,
    logAppendTimeMs: stored.timestampMs,
    logStartOffset,
  };
}
