// Into a topic, batches as they are: for a copy that is neither filtered nor changed. Nothing is added to the records,
// so what an earlier run wrote is told by its producer id: the broker numbers a producer's records in each partition,
// the copies of a partition are in the source's order, and so the last number says how many of them are there.

import { asError } from '../../src/base/errors.ts';
import type { MemoryLease } from '../../src/base/memory-pool.ts';
import {
  type BatchSender,
  type Cluster,
  Fetcher,
  listOffsets,
  type OnBatchLanded,
  openBatchSender,
  SpecialTime,
} from '../../src/client/index.ts';
import { addSequence, BatchHeader } from '../../src/record/index.ts';
import { unlessAborted } from '../batches/given-up.ts';
import { batchBytesMax } from '../batches/limit.ts';
import { BatchPacker, type OffsetRange, recordsOf } from '../batches/packer.ts';
import { type ReplayError, refusal } from './errors.ts';
import type { JobRecord } from './types.ts';

/** Who writes a copy, and how many records of each partition it had written at the last checkpoint. */
export type CopyWriter = NonNullable<JobRecord['writer']>;

/** What became of a batch. */
export interface Passed {
  readonly read: number;
  /** Were there already. */
  readonly skipped: number;
  /** Of the batch, compressed or not. */
  readonly bytes: number;
}

const SEQUENCES = 2 ** 31;

export interface BatchSinkOptions {
  readonly topic: string;
  /** Of an earlier run; null for a new job. */
  readonly writer: CopyWriter | null;
  /** By partition: what the earlier run wrote since the last checkpoint lies at or after it. */
  readonly resumeFrom: Readonly<Record<string, number>>;
  /** Aborted: what is not acknowledged by then is given up, and counts as refused. */
  readonly givenUp?: AbortSignal | undefined;
}

/** Opens the sink, and looks for what an earlier run wrote. Throws KafkaError. */
export async function openBatchSink(
  cluster: Cluster,
  { topic, writer, resumeFrom, givenUp }: BatchSinkOptions,
): Promise<BatchSink> {
  const info = await cluster.topic(topic, { create: false });
  const partitions = info.partitions.map((one) => one.partition);
  const found = await listOffsets(cluster, topic, { partitions, timestamp: SpecialTime.latest });
  const ends = new Map([...found].map(([partition, { offset }]) => [partition, offset]));
  const sequences = new Map<number, number>();
  const there = new Map<number, number>();
  for (const partition of partitions) sequences.set(partition, writer?.sequences[partition] ?? 0);
  if (writer !== null) {
    const last = await lastSequences(cluster, topic, { writer, resumeFrom, ends });
    for (const [partition, next] of last) {
      const before = sequences.get(partition) ?? 0;
      there.set(partition, (next - before + SEQUENCES) % SEQUENCES);
      sequences.set(partition, next);
    }
  }
  const sender = await openBatchSender(cluster, {
    topic,
    sequences: new Map(sequences),
    ...(writer !== null && { identity: writer }),
  });
  const bytesMax = await batchBytesMax(cluster, topic);
  const known = { topic, resumeFrom, givenUp, ends, sequences, there, bytesMax };
  return new BatchSink(sender, known);
}

/** By partition: the sequence after the last record of this writer. */
async function lastSequences(
  cluster: Cluster,
  topic: string,
  known: {
    readonly writer: CopyWriter;
    readonly resumeFrom: Readonly<Record<string, number>>;
    readonly ends: ReadonlyMap<number, number>;
  },
): Promise<Map<number, number>> {
  const last = new Map<number, number>();
  const fetcher = new Fetcher(cluster, { isolation: 'read_uncommitted', maxWaitMs: 10 });
  for (const [partition, end] of known.ends) {
    const from = known.resumeFrom[partition] ?? 0;
    if (from < end) fetcher.set({ topic, partition }, from);
  }
  if (fetcher.size === 0) return last;
  for await (const { partition, batches, nextOffset } of fetcher.read()) {
    for (const { bytes } of batches) {
      const header = new BatchHeader(bytes);
      if (header.producerId !== known.writer.producerId) continue;
      last.set(partition, addSequence(header.lastSequence, 1));
    }
    if (nextOffset >= (known.ends.get(partition) ?? 0)) fetcher.remove({ topic, partition });
    if (fetcher.size === 0) break;
  }
  return last;
}

/** Writes batches. */
export class BatchSink {
  readonly #sender: BatchSender;
  readonly #topic: string;
  readonly #resumeFrom: Readonly<Record<string, number>>;
  readonly #givenUp: AbortSignal | undefined;
  readonly #positions: Map<number, number>;
  /** By partition: records given to the sender, by this job's runs together. */
  readonly #sequences: Map<number, number>;
  /** By partition: records of the source that come first and are there already. */
  readonly #there: Map<number, number>;
  readonly #bytesMax: number;
  readonly #packers = new Map<number, BatchPacker>();
  #failure: ReplayError | null = null;
  /** Records of this run that the target has confirmed. */
  confirmed = 0;

  constructor(
    sender: BatchSender,
    found: {
      readonly topic: string;
      readonly resumeFrom: Readonly<Record<string, number>>;
      readonly givenUp: AbortSignal | undefined;
      readonly ends: Map<number, number>;
      readonly sequences: Map<number, number>;
      readonly there: Map<number, number>;
      readonly bytesMax: number;
    },
  ) {
    this.#sender = sender;
    this.#topic = found.topic;
    this.#resumeFrom = found.resumeFrom;
    this.#givenUp = found.givenUp;
    this.#positions = found.ends;
    this.#sequences = found.sequences;
    this.#there = found.there;
    this.#bytesMax = found.bytesMax;
  }

  /**
   * Takes the records of a batch that lie in the range; the lease as in {@link BatchPacker.batch}. Throws ReplayError
   * `target_refused`, RecordError.
   */
  async takeBatch(
    partition: number,
    bytes: Buffer,
    range: OffsetRange,
    lease: MemoryLease | null = null,
  ): Promise<Passed> {
    if (this.#failure !== null) throw this.#failure;
    const { read, from } = await this.#missing(partition, bytes, range);
    const skipped = from === null ? read : read - (await countFrom(bytes, { from, to: range.to }));
    if (from !== null) await this.#packer(partition).batch(bytes, { from, to: range.to }, lease);
    // Only now: of a damaged batch nothing was read.
    const there = this.#there.get(partition) ?? 0;
    if (there > 0) this.#there.set(partition, Math.max(0, there - read));
    return { read, skipped, bytes: bytes.length };
  }

  async flush(): Promise<void> {
    for (const packer of this.#packers.values()) await packer.flush();
    await this.#answered(this.#sender.flush(), 'the last records');
    if (this.#failure !== null) throw this.#failure;
  }

  positions(): Readonly<Record<string, number>> {
    const positions = Object.fromEntries(this.#positions);
    for (const partition of this.#behind()) positions[partition] = this.#resumeFrom[partition] ?? 0;
    return positions;
  }

  /** Who writes, and how much it has. */
  writer(): CopyWriter {
    const { producerId, producerEpoch } = this.#sender.identity;
    const sequences = Object.fromEntries(this.#sequences);
    for (const partition of this.#behind()) {
      const left = this.#there.get(partition) ?? 0;
      sequences[partition] = ((sequences[partition] ?? 0) - left + SEQUENCES) % SEQUENCES;
    }
    return { producerId, producerEpoch, sequences };
  }

  /** Partitions whose records that are there already were not all read yet: whoever goes on has to find them again. */
  *#behind(): Generator<number, void, undefined> {
    for (const [partition, left] of this.#there) if (left > 0) yield partition;
  }

  async close(): Promise<void> {
    await this.#answered(this.#sender.flush(), 'the last records');
  }

  /** Waits for the sender, unless that is given up; then this throws. */
  async #answered(waiting: Promise<void>, what: string): Promise<void> {
    await unlessAborted(waiting, this.#givenUp).catch((error: unknown) => {
      this.#failure ??= refusal(this.#topic, what, asError(error), this.#givenUp);
      throw this.#failure;
    });
  }

  /** How many records the batch has in the range, and from which offset on they are missing; null: none is. */
  async #missing(
    partition: number,
    bytes: Buffer,
    range: OffsetRange,
  ): Promise<{ read: number; from: number | null }> {
    const read = await countFrom(bytes, range);
    const there = this.#there.get(partition) ?? 0;
    if (there === 0) return { read, from: range.from };
    if (there >= read) return { read, from: null };
    let left = there;
    for (const { offset } of await recordsOf(bytes)) {
      if (offset < range.from) continue;
      if (left === 0) return { read, from: offset };
      left -= 1;
    }
    return { read, from: null };
  }

  #packer(partition: number): BatchPacker {
    let packer = this.#packers.get(partition);
    if (packer !== undefined) return packer;
    packer = new BatchPacker(async ({ bytes, count, lastOffset, release }) => {
      const next = addSequence(this.#sequences.get(partition) ?? 0, count);
      this.#sequences.set(partition, next);
      const what = `records up to offset ${lastOffset} of partition ${partition}`;
      const done: OnBatchLanded = (error, baseOffset) => {
        if (error === null) {
          this.confirmed += count;
          if (baseOffset >= 0) this.#positions.set(partition, baseOffset + count);
          return;
        }
        this.#failure ??= refusal(this.#topic, what, error, this.#givenUp);
      };
      await this.#answered(this.#sender.send(partition, bytes, done, release), what);
    }, this.#bytesMax);
    this.#packers.set(partition, packer);
    return packer;
  }
}

/** Records of a batch in a range; its header tells for most. */
async function countFrom(bytes: Buffer, { from, to }: OffsetRange): Promise<number> {
  const header = new BatchHeader(bytes);
  if (header.baseOffset >= from && header.lastOffset < to) return header.recordCount;
  let count = 0;
  for (const { offset } of await recordsOf(bytes)) if (offset >= from && offset < to) count += 1;
  return count;
}
