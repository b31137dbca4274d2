// One batch on its way: records of one partition, from the first append to the answer.

import { BatchBuilder, type Codec, type NewRecord, type ProducerState } from '../record/index.ts';

/** Where a record landed. `offset` is -1 when the broker did not say (acks 0, a duplicate it no longer knows). */
export interface Landed {
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since the epoch: the broker's time under `LogAppendTime`, else the record's. */
  readonly timestamp: number;
}

/** Called once per record. */
export type OnLanded = (error: Error | null, landed: Landed | null) => void;

interface Waiting {
  readonly done: OnLanded | null;
  readonly timestamp: number;
}

export class SendBatch {
  readonly partition: number;
  readonly openedMs: number;
  /** Bytes counted against the buffer limit. */
  byteLength = 0;
  /** Full or due: nothing more is added. */
  sealed = false;
  /** Producer identity and first sequence, once given; kept over retries so that the broker knows a duplicate. */
  producer: ProducerState | null = null;
  #builder: BatchBuilder;
  #bytes: Buffer | null = null;
  readonly #waiting: Waiting[] = [];

  /** `capacity`: bytes it will probably hold, so that the buffer need not grow. */
  constructor(
    partition: number,
    openedMs: number,
    settings: { readonly codec: Codec; readonly level?: number; readonly capacity: number },
  ) {
    this.partition = partition;
    this.openedMs = openedMs;
    this.#builder = new BatchBuilder(settings);
  }

  get count(): number {
    return this.#waiting.length;
  }

  /** Whether the record still fits; a first record always does. */
  fits(record: NewRecord, bytesMax: number): boolean {
    if (this.sealed) return false;
    return this.count === 0 || this.#builder.byteLength + this.#builder.sizeOf(record) <= bytesMax;
  }

  append(record: NewRecord, done: OnLanded | null): void {
    this.#builder.append(record);
    this.byteLength = this.#builder.byteLength;
    this.#waiting.push({ done, timestamp: record.timestamp });
  }

  /** The finished bytes, built once. Throws KafkaError `UNSUPPORTED_COMPRESSION_TYPE`. */
  bytes(): Buffer {
    this.#bytes ??= this.#builder.build(this.producer ?? undefined);
    return this.#bytes;
  }

  /** The broker has it: offsets follow each other from `baseOffset`. */
  landed(baseOffset: number, logAppendTimeMs: number): void {
    this.#waiting.forEach(({ done, timestamp }, index) => {
      if (done === null) return;
      done(null, {
        partition: this.partition,
        offset: baseOffset < 0 ? -1 : baseOffset + index,
        timestamp: logAppendTimeMs >= 0 ? logAppendTimeMs : timestamp,
      });
    });
  }

  failed(error: Error): void {
    for (const { done } of this.#waiting) done?.(error, null);
  }
}
