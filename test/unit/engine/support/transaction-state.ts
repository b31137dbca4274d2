// What Apache Kafka's transaction coordinator leaves in its log.

import {
  encodeVersioned,
  TransactionLogKey,
  TransactionLogValue,
} from '../../../../src/protocol/index.ts';
import { buildBatch } from '../../../../src/record/index.ts';
import { type Disk, writeTopicId } from '../../../../src/storage/index.ts';
import { writeFile } from '../../inspect/directory.ts';

const DIRECTORY = '__transaction_state-0';
const states = { Empty: 0, Ongoing: 1, PrepareCommit: 2, PrepareAbort: 3 } as const;

interface Decision {
  /** Transactional id. */
  readonly id: string;
  readonly state: keyof typeof states;
  readonly producerId: number;
  /** Default 0. */
  readonly epoch?: number;
  /** By topic. */
  readonly partitions: Readonly<Record<string, readonly number[]>>;
}

/** Writes the records, one after the other, into a partition of `__transaction_state`. */
export async function transactionState(
  disk: Disk,
  decisions: readonly Decision[],
  version = 1,
): Promise<void> {
  await disk.makeDirectory(DIRECTORY);
  await writeTopicId(disk, DIRECTORY, 'S'.repeat(21).concat('A'));
  const batches = decisions.map((decision, baseOffset) => {
    const { id, state, producerId, epoch = 0, partitions } = decision;
    const key = encodeVersioned(TransactionLogKey, 0, { transactionalId: id });
    const value = encodeVersioned(TransactionLogValue, version, {
      producerId,
      producerEpoch: epoch,
      transactionTimeoutMs: 60_000,
      transactionStatus: states[state],
      transactionPartitions: Object.entries(partitions).map(([topic, partitionIds]) => ({
        topic,
        partitionIds: [...partitionIds],
      })),
      transactionLastUpdateTimestampMs: 1,
      transactionStartTimestampMs: 1,
    });
    return buildBatch([{ timestamp: 1, key, value }], { baseOffset, partitionLeaderEpoch: 0 });
  });
  await writeFile(disk, `${DIRECTORY}/${'0'.repeat(20)}.log`, Buffer.concat(batches));
}
