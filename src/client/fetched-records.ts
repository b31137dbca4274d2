// From the bytes of a fetch answer to records: checks each batch, leaves out control batches and aborted transactions.

import {
  type BatchHeader,
  batchBytes,
  codecOf,
  computeBatchCrc,
  isCodecReady,
  iterateBatches,
  prepareCodec,
  RecordError,
  readRecords,
  type StoredRecord,
} from '../record/index.ts';
import type { Isolation } from './list-offsets.ts';

/** Records of one partition from one answer. */
export interface FetchedRecords {
  readonly topic: string;
  readonly partition: number;
  /** Where the fetch began. */
  readonly fetchOffset: number;
  /** Where the next one begins; may be past the last record, over batches that hold none for us. */
  readonly nextOffset: number;
  /** End of what may be read: the last stable offset under `read_committed`, else the high watermark. */
  readonly endOffset: number;
  readonly logStartOffset: number;
  readonly records: readonly StoredRecord[];
}

interface Answer {
  readonly topic: string;
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

/** Type of the control record that ends an aborted transaction (ControlRecordType of kafka-clients). */
const ABORT = 0;

/** Decodes one partition's answer. Throws `RecordError` for damage and KafkaError for a missing codec. */
export async function decodeFetched(answer: Answer, isolation: Isolation): Promise<FetchedRecords> {
  const committed = isolation === 'read_committed';
  const aborted = new AbortedProducers(committed ? (answer.abortedTransactions ?? []) : []);
  const records: StoredRecord[] = [];
  let nextOffset = answer.fetchOffset;
  for (const header of iterateBatches(answer.records ?? Buffer.alloc(0))) {
    if (header.nextOffset <= answer.fetchOffset) continue;
    const bytes = batchBytes(header);
    checkCrc(header, bytes, answer);
    await prepareFor(header);
    aborted.reach(header.lastOffset);
    if (header.isControl) aborted.marker(header, bytes);
    else if (!(header.isTransactional && aborted.has(header.producerId))) {
      for (const record of readRecords(bytes)) {
        if (record.offset >= answer.fetchOffset) records.push(record);
      }
    }
    nextOffset = header.nextOffset;
  }
  return {
    topic: answer.topic,
    partition: answer.partitionIndex,
    fetchOffset: answer.fetchOffset,
    nextOffset,
    endOffset:
      committed && answer.lastStableOffset >= 0 ? answer.lastStableOffset : answer.highWatermark,
    logStartOffset: answer.logStartOffset,
    records,
  };
}

function checkCrc(header: BatchHeader, bytes: Buffer, answer: Answer): void {
  if (header.crc === computeBatchCrc(bytes)) return;
  const { baseOffset } = header;
  const message = `${answer.topic}-${answer.partitionIndex}: the checksum of a batch is wrong`;
  throw new RecordError('corrupt_batch', message, {
    offset: baseOffset,
    position: header.position,
  });
}

async function prepareFor(header: BatchHeader): Promise<void> {
  const codec = codecOf(header.codecId);
  if (codec !== null && !isCodecReady(codec)) await prepareCodec(codec);
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
