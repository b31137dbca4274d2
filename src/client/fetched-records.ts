// From the bytes of a fetch answer to records: checks each batch, leaves out control batches and aborted transactions.
// Records are decoded when somebody looks at them, batch by batch.

import type { MemoryLease } from '../base/memory-pool.ts';
import { ZERO_UUID } from '../protocol/index.ts';
import {
  type BatchHeader,
  batchBytes,
  codecOf,
  computeBatchCrc,
  expandRecords,
  isCodecReady,
  iterateBatches,
  iterateRecords,
  prepareCodec,
  RecordError,
  type RecordsContext,
  readRecords,
  recordsContext,
  type StoredRecord,
} from '../record/index.ts';
import type { Isolation } from './list-offsets.ts';

/** A batch whose records may be seen. */
export interface ReadableBatch {
  /** The whole batch, a view into the answer. */
  readonly bytes: Buffer;
  readonly context: RecordsContext;
  readonly leaderEpoch: number;
  /** Offset after the batch's last. */
  readonly nextOffset: number;
}

/** What one partition's answer is about, besides its records. */
interface ChunkPlace {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  /** Where the fetch began. */
  readonly fetchOffset: number;
  /** Where the next one begins; may be past the last record, over batches that hold none for us. */
  readonly nextOffset: number;
  /** Leader epoch of the last batch, of whatever kind; -1 when there was none. */
  readonly lastEpoch: number;
  /** End of what may be read: the last stable offset under `read_committed`, else the high watermark. */
  readonly endOffset: number;
  readonly logStartOffset: number;
}

/** Records of one partition from one answer. */
export class FetchedRecords implements ChunkPlace {
  readonly topic: string;
  /** Of the topic as it was asked for; zero where it is not known. */
  readonly topicId: string;
  readonly partition: number;
  readonly fetchOffset: number;
  readonly nextOffset: number;
  readonly lastEpoch: number;
  readonly endOffset: number;
  readonly logStartOffset: number;
  readonly batches: readonly ReadableBatch[];
  /** Bytes that it keeps in memory. */
  readonly sizeBytes: number;
  /**
   * Whose the memory is that the batches lie in, when the Fetcher was given a pool: to be dropped once by who takes
   * this, after the last look at them. Null: the garbage collector's.
   */
  readonly lease: MemoryLease | null;
  #records: readonly StoredRecord[] | null = null;

  constructor(
    place: ChunkPlace,
    batches: readonly ReadableBatch[],
    { sizeBytes, lease }: { readonly sizeBytes: number; readonly lease: MemoryLease | null },
  ) {
    this.topic = place.topic;
    this.topicId = place.topicId;
    this.partition = place.partition;
    this.fetchOffset = place.fetchOffset;
    this.nextOffset = place.nextOffset;
    this.lastEpoch = place.lastEpoch;
    this.endOffset = place.endOffset;
    this.logStartOffset = place.logStartOffset;
    this.batches = batches;
    this.sizeBytes = sizeBytes;
    this.lease = lease;
  }

  /** All records, decoded on first use. Throws {@link RecordError} with the partition. */
  get records(): readonly StoredRecord[] {
    try {
      this.#records ??= this.batches.flatMap(({ bytes, context }) => {
        const records = [...iterateRecords(expandRecords(bytes), context)];
        return records.filter(({ offset }) => offset >= this.fetchOffset);
      });
    } catch (error) {
      throw error instanceof RecordError ? error.in(`${this.topic}-${this.partition}`) : error;
    }
    return this.#records;
  }
}

interface Answer {
  readonly topic: string;
  readonly topicId?: string;
  readonly partitionIndex: number;
  readonly fetchOffset: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly abortedTransactions:
    | readonly { readonly producerId: number; readonly firstOffset: number }[]
    | null;
  readonly records: Buffer | null;
}

export interface DecodeOptions {
  readonly isolation: Isolation;
  /** Whether each batch's checksum is compared (Kafka's `check.crcs`). */
  readonly checkCrcs: boolean;
  /** Of the memory that the answer lies in. */
  readonly lease: MemoryLease | null;
}

/** Type of the control record that ends an aborted transaction (ControlRecordType of kafka-clients). */
const ABORT = 0;
const NO_BYTES = Buffer.alloc(0);

/** Loads codecs that the batches need and that are not at hand. Throws KafkaError `UNSUPPORTED_COMPRESSION_TYPE`. */
export async function prepareFor(records: Buffer | null): Promise<void> {
  for (const header of iterateBatches(records ?? NO_BYTES)) {
    const codec = codecOf(header.codecId);
    if (codec !== null && !isCodecReady(codec)) await prepareCodec(codec);
  }
}

/**
 * One partition's answer; see {@link prepareFor}. Throws `RecordError` for damage in the first batch; before damage
 * further on it ends, so that the next answer begins with it.
 */
export function decodeFetched(answer: Answer, options: DecodeOptions): FetchedRecords {
  const { topic, topicId = ZERO_UUID, partitionIndex: partition } = answer;
  const { fetchOffset, logStartOffset } = answer;
  const committed = options.isolation === 'read_committed';
  const aborted = new AbortedProducers(committed ? (answer.abortedTransactions ?? []) : []);
  const batches: ReadableBatch[] = [];
  let nextOffset = fetchOffset;
  let lastEpoch = -1;
  try {
    for (const header of iterateBatches(answer.records ?? NO_BYTES)) {
      if (header.nextOffset <= fetchOffset) continue;
      const bytes = batchBytes(header);
      if (options.checkCrcs) checkCrc(header, bytes, answer);
      aborted.reach(header.lastOffset);
      if (header.isControl) aborted.marker(header, bytes);
      else if (!(header.isTransactional && aborted.has(header.producerId))) {
        batches.push(readable(header, bytes));
      }
      nextOffset = header.nextOffset;
      lastEpoch = header.partitionLeaderEpoch;
    }
  } catch (error) {
    if (!(error instanceof RecordError) || nextOffset === fetchOffset) throw error;
  }
  const endOffset =
    committed && answer.lastStableOffset >= 0 ? answer.lastStableOffset : answer.highWatermark;
  const offsets = { fetchOffset, nextOffset, endOffset, logStartOffset };
  const place = { topic, topicId, partition, lastEpoch, ...offsets };
  const { lease } = options;
  return new FetchedRecords(place, batches, { sizeBytes: answer.records?.length ?? 0, lease });
}

function readable(header: BatchHeader, bytes: Buffer): ReadableBatch {
  const { partitionLeaderEpoch: leaderEpoch, nextOffset } = header;
  return { bytes, context: recordsContext(header), leaderEpoch, nextOffset };
}

function checkCrc(header: BatchHeader, bytes: Buffer, answer: Answer): void {
  if (header.crc === computeBatchCrc(bytes)) return;
  const { baseOffset, nextOffset } = header;
  const message =
    `${answer.topic}-${answer.partitionIndex}: the checksum of a batch is wrong; ` +
    `what follows begins at offset ${nextOffset}`;
  throw new RecordError('corrupt_batch', message, {
    offset: baseOffset,
    position: header.position,
  });
}

/** Which producers are inside an aborted transaction at the batch being read. */
class AbortedProducers {
  readonly #coming: { readonly producerId: number; readonly firstOffset: number }[];
  readonly #inside = new Set<number>();

  constructor(aborted: readonly { readonly producerId: number; readonly firstOffset: number }[]) {
    this.#coming = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** Moves on to a batch: transactions that begin up to its last offset have begun. */
  reach(lastOffset: number): void {
    for (let next = this.#coming[0]; next !== undefined; next = this.#coming[0]) {
      if (next.firstOffset > lastOffset) return;
      this.#inside.add(next.producerId);
      this.#coming.shift();
    }
  }

  has(producerId: number): boolean {
    return this.#inside.has(producerId);
  }

  /** An abort marker ends its producer's transaction. */
  marker(header: BatchHeader, bytes: Buffer): void {
    for (const { key } of readRecords(bytes)) {
      if (key !== null && key.length >= 4 && key.readInt16BE(2) === ABORT) {
        this.#inside.delete(header.producerId);
      }
    }
  }
}
