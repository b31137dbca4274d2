// Transactions that Apache Kafka had decided to commit, and had not written a marker for everywhere when its directory
// was taken over. It answers EndTxn once the decision (PrepareCommit) is in `__transaction_state`, and writes markers
// that are missing after a restart: what is acknowledged so is committed here, too.
//
// Its log of them is read where a log has a transaction without an end, at each start anew: nobody here writes to it,
// and if Kafka has run in between, it tells what became of them. The last record of a transactional id counts. Its
// value, of which v1 has compact lengths and tagged fields (org.apache.kafka.coordinator.transaction.TransactionLog):
//   0         2             10               12             16      17
//   | version | producer id | producer epoch | timeout (ms) | state | topics: name, partitions | times
// A commit by the second protocol of transactions (KIP-890) has raised the epoch by one over that of its records.

import { TidemarkError } from '../base/errors.ts';
import { readInt64 } from '../base/int64.ts';
import type { Logger } from '../base/ports.ts';
import { BatchHeader, prepareCodecOf, readRecords } from '../record/index.ts';
import type { Partition, TransactionOwner } from './contract.ts';
import { FieldReader } from './kafka-fields.ts';
import { partitionDirectory } from './topic-names.ts';

export const TRANSACTIONS_TOPIC = '__transaction_state';

const EPOCH_AT = 10;
const STATE_AT = 16;
const TOPICS_AT = 17;
/** `TransactionState.PREPARE_COMMIT`. */
const PREPARE_COMMIT = 2;

interface PreparedCommit extends TransactionOwner {
  /** Directories of the partitions that take part. */
  readonly partitions: ReadonlySet<string>;
}

export class PreparedCommits {
  readonly #source: () => readonly Partition[];
  readonly #logger: Logger;
  #found: Promise<readonly PreparedCommit[]> | null = null;

  /** `source` answers the open partitions of {@link TRANSACTIONS_TOPIC}. */
  constructor(source: () => readonly Partition[], logger: Logger) {
    this.#source = source;
    this.#logger = logger;
  }

  /**
   * Whether Kafka had decided to commit the transaction that the producer has open in a partition. Rejects with what
   * reading a partition throws; it is then read again for the next who asks.
   */
  async has(topic: string, index: number, owner: TransactionOwner): Promise<boolean> {
    // No transaction is in this log, which has to be open before all others.
    if (topic === TRANSACTIONS_TOPIC) return false;
    this.#found ??= this.#read().catch((error: unknown) => {
      this.#found = null;
      throw error;
    });
    const directory = partitionDirectory(topic, index);
    return (await this.#found).some(
      ({ producerId, producerEpoch, partitions }) =>
        producerId === owner.producerId &&
        producerEpoch >= owner.producerEpoch &&
        partitions.has(directory),
    );
  }

  async #read(): Promise<readonly PreparedCommit[]> {
    const found = new Map<string, PreparedCommit>();
    for (const partition of this.#source()) {
      for await (const batch of partition.batches(partition.startOffset)) {
        await prepareCodecOf(new BatchHeader(batch).codecId);
        for (const { key, value } of readRecords(batch)) {
          const id = key?.toString('latin1') ?? '';
          const prepared = value === null ? null : this.#decode(value);
          if (prepared === null) found.delete(id);
          else found.set(id, prepared);
        }
      }
    }
    return [...found.values()];
  }

  /** Null for what is in another state, or cannot be read. */
  #decode(value: Buffer): PreparedCommit | null {
    try {
      if (value.readInt8(STATE_AT) !== PREPARE_COMMIT) return null;
      return {
        producerId: readInt64(value, 2),
        producerEpoch: value.readInt16BE(EPOCH_AT),
        partitions: partitionsOf(value),
      };
    } catch (error) {
      if (!(error instanceof TidemarkError || error instanceof RangeError)) throw error;
      this.#logger.error({ err: error }, `a record of ${TRANSACTIONS_TOPIC} cannot be read`);
      return null;
    }
  }
}

function partitionsOf(value: Buffer): Set<string> {
  const directories = new Set<string>();
  const fields = new FieldReader(value, TOPICS_AT);
  const flexible = value.readInt16BE(0) > 0;
  const count = (): number => (flexible ? fields.varint() - 1 : fields.int32());
  for (let topics = count(); topics > 0; topics--) {
    const topic = flexible ? (fields.text() ?? '') : fields.plainText();
    for (let left = count(); left > 0; left--) {
      directories.add(partitionDirectory(topic, fields.int32()));
    }
    if (flexible) fields.skipTags();
  }
  return directories;
}
