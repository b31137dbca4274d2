// One partition of an import: what of the archive is there already, and how the rest is written.

import {
  batchBytes,
  type Codec,
  codecOf,
  iterateBatches,
  type StoredRecord,
} from '../../src/record/index.ts';
import { BatchPacker, type PackedBatch, recordsOf } from '../batches/packer.ts';
import { ArchiveError } from './errors.ts';
import type { ImportChunk } from './import-source.ts';
import { FILLER_KEY, OffsetKeeper } from './offset-keeper.ts';

/** Tells where an imported record was, `topic/partition/offset`, when its offset could not be kept. */
export const ORIGIN_HEADER = 'tidemark.archive.origin';

/** Hears of a batch, and where it has to land (null: anywhere). */
export type EmitBatch = (batch: PackedBatch, baseOffset: number | null) => Promise<void>;

/** Writes one partition. */
export interface ImportLane {
  take(chunk: ImportChunk): Promise<void>;
  /** What was taken and not yet emitted. */
  flush(): Promise<void>;
}

/** Text does not say how its records were compressed. */
const TEXT_CODEC: Codec = 'none';

/** Records that lay in one batch, those of a damaged one all or none; or all of a text's. */
interface RecordsOfBatch {
  readonly records: readonly StoredRecord[];
  readonly codec: Codec;
}

async function* batchesIn(chunk: ImportChunk): AsyncGenerator<RecordsOfBatch, void, undefined> {
  const { from, to } = chunk;
  if (chunk.records !== null) {
    yield { records: chunk.records, codec: TEXT_CODEC };
    return;
  }
  for (const header of iterateBatches(chunk.bytes)) {
    const all = await recordsOf(batchBytes(header));
    const records = all.filter(({ offset }) => offset >= from && offset < to);
    yield { records, codec: codecOf(header.codecId) ?? TEXT_CODEC };
  }
}

/** Offsets stay. */
export class KeepingLane implements ImportLane {
  readonly keeper: OffsetKeeper;
  /** The last record that an earlier run left, to be compared. */
  #left: StoredRecord | null;
  /** Of the first record; null before it came. */
  firstOffset: number | null = null;

  constructor(
    end: number,
    options: {
      readonly left: StoredRecord | null;
      readonly fillGaps: boolean;
      readonly emit: EmitBatch;
      readonly bytesMax: number;
    },
  ) {
    const { left, fillGaps, emit, bytesMax } = options;
    this.#left = left?.key?.equals(FILLER_KEY) === true ? null : left;
    this.keeper = new OffsetKeeper(end, {
      emit,
      bytesMax,
      mayFill: (from, to) => {
        // What is before the first record is taken away again.
        if (fillGaps || this.firstOffset === null || to <= this.firstOffset) return;
        throw new ArchiveError('offsets_impossible', gapText(`offsets ${from} to ${to - 1}`));
      },
    });
  }

  async take(chunk: ImportChunk): Promise<void> {
    await this.#compare(chunk);
    if (chunk.records !== null) {
      for (const record of chunk.records) {
        this.firstOffset ??= record.offset;
        await this.keeper.record(record, TEXT_CODEC);
      }
      return;
    }
    const { from, to } = chunk;
    for (const header of iterateBatches(chunk.bytes)) {
      const bytes = batchBytes(header);
      if (this.firstOffset === null) {
        for (const record of await recordsOf(bytes)) {
          if (record.offset >= from && record.offset < to) this.firstOffset ??= record.offset;
        }
      }
      await this.keeper.batch(bytes, { from, to }, chunk.lease);
    }
  }

  flush(): Promise<void> {
    return this.keeper.flush();
  }

  async #compare(chunk: ImportChunk): Promise<void> {
    const left = this.#left;
    if (left === null || left.offset >= chunk.to) return;
    for await (const { records } of batchesIn(chunk)) {
      const record = records.find(({ offset }) => offset === left.offset);
      if (record === undefined) continue;
      if (!same(record, left)) break;
      this.#left = null;
      return;
    }
    const { topic, partition, where } = chunk;
    const text =
      `${topic}/${partition}: the record at offset ${left.offset} of the topic is another than in ${where}, ` +
      'so this is no import of that file';
    throw new ArchiveError('topic_not_empty', text);
  }
}

function same(a: StoredRecord, b: StoredRecord): boolean {
  const bytes = (x: Buffer | null, y: Buffer | null): boolean =>
    x === null || y === null ? x === y : x.equals(y);
  return bytes(a.key, b.key) && bytes(a.value, b.value) && a.headers.length === b.headers.length;
}

/** What can be done about gaps. */
export function gapText(gap: string): string {
  return (
    `${gap} have no record, and a broker numbers records one after the other, so the offsets behind cannot be kept ` +
    'as they are: fill the gaps with --fill-gaps (records without a value that readers see and compaction removes), ' +
    'keep old offsets in a header with --offsets header, or let them go with --offsets new'
  );
}

/** Offsets come as they come; the first `skip` records are there already. */
export class AppendingLane implements ImportLane {
  readonly #packer: BatchPacker;
  #skip: number;

  constructor(skip: number, emit: EmitBatch, bytesMax: number) {
    this.#skip = skip;
    this.#packer = new BatchPacker((batch) => emit(batch, null), bytesMax);
  }

  async take(chunk: ImportChunk): Promise<void> {
    const { from, to } = chunk;
    if (chunk.records === null && this.#skip === 0) {
      for (const header of iterateBatches(chunk.bytes)) {
        await this.#packer.batch(batchBytes(header), { from, to }, chunk.lease);
      }
      return;
    }
    for await (const { records, codec } of batchesIn(chunk)) {
      for (const record of records) {
        if (this.#skip > 0) this.#skip -= 1;
        else await this.#packer.record(record, codec);
      }
    }
  }

  flush(): Promise<void> {
    return this.#packer.flush();
  }
}

/** Offsets come as they come, old ones stand in a header; `done`: the highest that is there already. */
export class HeaderLane implements ImportLane {
  readonly #packer: BatchPacker;
  readonly #done: number;

  constructor(done: number, emit: EmitBatch, bytesMax: number) {
    this.#done = done;
    this.#packer = new BatchPacker((batch) => emit(batch, null), bytesMax);
  }

  async take(chunk: ImportChunk): Promise<void> {
    const { topic, partition } = chunk;
    for await (const { records, codec } of batchesIn(chunk)) {
      for (const record of records) {
        if (record.offset <= this.#done) continue;
        const origin = Buffer.from(`${topic}/${partition}/${record.offset}`);
        const headers = [
          ...record.headers.filter((one) => one.key !== ORIGIN_HEADER),
          { key: ORIGIN_HEADER, value: origin },
        ];
        await this.#packer.record({ ...record, headers }, codec);
      }
    }
  }

  flush(): Promise<void> {
    return this.#packer.flush();
  }
}
