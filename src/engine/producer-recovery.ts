// Rebuilds the state of a partition's producers: the newest good snapshot, then the batches after
// it.

import type { Logger } from '../base/ports.ts';
import { BatchHeader } from '../record/index.ts';
import type { LogStore, PartitionLog } from '../storage/index.ts';
import {
  decodeProducerSnapshot,
  isKafkaSnapshot,
  ProducerSnapshotError,
} from './producer-snapshot.ts';
import { ProducerStates } from './producer-state.ts';

export interface RecoveryContext {
  readonly store: LogStore;
  readonly logger: Logger;
  readonly nowMs: number;
}

/** The producers as of the end of the log. Throws what the log throws when it cannot be read. */
export async function recoverProducers(
  log: PartitionLog,
  context: RecoveryContext,
): Promise<ProducerStates> {
  const { states, offset } = await newestSnapshot(log, context);
  const from = Math.max(offset, log.startOffset);
  // What the opening of the log has read is not read again.
  const scanned = log.takeScanned();
  const until = scanned?.from ?? log.endOffset;
  const header = new BatchHeader(Buffer.alloc(0));
  if (from < until) {
    for await (const batch of log.batches(from)) {
      if (header.at(batch, 0).baseOffset >= until) break;
      applyHeader(states, header, context.nowMs);
    }
  }
  for (const seen of scanned?.headers() ?? []) {
    if (seen.lastOffset >= from) applyHeader(states, seen, context.nowMs);
  }
  return states;
}

async function newestSnapshot(
  log: PartitionLog,
  context: RecoveryContext,
): Promise<{ states: ProducerStates; offset: number }> {
  let limit = log.endOffset;
  while (limit >= 0) {
    const snapshot = await context.store.loadSnapshot(log, limit);
    if (snapshot === null) break;
    try {
      return { states: decodeProducerSnapshot(snapshot.bytes), offset: snapshot.offset };
    } catch (error) {
      if (!(error instanceof ProducerSnapshotError)) throw error;
      const fields = { directory: log.directory, offset: snapshot.offset, err: error };
      if (isKafkaSnapshot(snapshot.bytes)) {
        context.logger.debug(
          fields,
          "a producer snapshot is Apache Kafka's; the log is read instead",
        );
      } else context.logger.warn(fields, 'a producer snapshot is unreadable, an older one is used');
      limit = snapshot.offset - 1;
    }
  }
  return { states: new ProducerStates(), offset: 0 };
}

/** Takes a stored batch into account. */
export function applyHeader(states: ProducerStates, header: BatchHeader, seenMs: number): void {
  if (!header.hasProducerId) return;
  if (header.isControl) states.endTransaction(header.producerId);
  if (header.isControl || header.baseSequence < 0) return;
  const batch = {
    baseSequence: header.baseSequence,
    lastSequence: header.lastSequence,
    baseOffset: header.baseOffset,
    lastOffset: header.lastOffset,
    timestampMs: header.maxTimestamp,
  };
  states.apply(header.producerId, header.producerEpoch, batch, seenMs);
  if (header.isTransactional) states.inTransaction(header.producerId, header.baseOffset);
}
