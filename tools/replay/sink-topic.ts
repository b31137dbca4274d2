// Into a topic. Copies carry the job and the place of their original in headers; after an interruption the end of the
// target is read back, and what is there is not written again.
//
// Why that is exact: the copies of one source partition in one target partition are in source order (one producer, in
// order, idempotent), so they are a prefix of what the job would write there, and the highest source offset among them
// says where to go on.

import { partitionForKey } from '../../src/base/murmur2.ts';
import {
  type Cluster,
  LogReader,
  listOffsets,
  Producer,
  SpecialTime,
} from '../../src/client/index.ts';
import type { RecordHeader } from '../../src/record/index.ts';
import { readingOfRange } from '../batches/reading.ts';
import { type ReplayError, refusal } from './errors.ts';
import { JOB_HEADER, parseSource, type Sink, SOURCE_HEADER, sourceOf } from './sink.ts';
import { type PlacedRecord, placeOf, type ReplayedRecord } from './types.ts';

/** Bytes that wait to be acknowledged. With the producer's own 32 MiB a replay takes 80 MB more, and is no faster. */
const BUFFER_BYTES = 8 * 1024 * 1024;

export interface TopicSinkOptions {
  readonly job: string;
  readonly topic: string;
  /** Of the source topics, by name: where a count is the target's too, partitions stay as they are. */
  readonly sourcePartitions: ReadonlyMap<string, number>;
  /** Where a copy goes; null, or absent: as `sourcePartitions` says, else by its key. Never by chance. */
  readonly partitionOf?: (
    source: PlacedRecord,
    record: ReplayedRecord,
    count: number,
  ) => number | null;
  /**
   * Looks for each copy by itself: for a job that goes on with another filter, which would have chosen otherwise. Else
   * everything up to the last copy counts as written, also what compaction took since.
   */
  readonly exact?: boolean;
  /** After so long without an answer a record counts as refused (default: the producer's). */
  readonly deliveryTimeoutMs?: number;
  /** Aborted: what is not acknowledged by then is given up, and counts as refused. */
  readonly givenUp?: AbortSignal | undefined;
  /** Of an earlier run: what it wrote since lies at or after them. Null for a new job. */
  readonly resumeFrom: Readonly<Record<string, number>> | null;
}

/** Opens the sink, and reads back what an earlier run wrote. Throws KafkaError when the topic does not exist. */
export async function openTopicSink(cluster: Cluster, options: TopicSinkOptions): Promise<Sink> {
  const { topic, resumeFrom, job } = options;
  const info = await cluster.topic(topic);
  const partitions = info.partitions.map((one) => one.partition);
  const ends = await listOffsets(cluster, topic, { partitions, timestamp: SpecialTime.latest });
  const positions = new Map([...ends].map(([partition, { offset }]) => [partition, offset]));
  const written: Written = { last: new Map(), all: new Set() };
  if (resumeFrom !== null) await readBack(cluster, topic, { job, resumeFrom, positions, written });
  const { deliveryTimeoutMs, givenUp } = options;
  const producer = new Producer(cluster, {
    key: 'buffer',
    value: 'buffer',
    createTopics: false,
    bufferBytes: BUFFER_BYTES,
    ...(deliveryTimeoutMs !== undefined && { deliveryTimeoutMs }),
    ...(givenUp && { signal: givenUp }),
  });
  return new TopicSink(producer, options, { positions, written });
}

interface ReadBack {
  readonly job: string;
  readonly resumeFrom: Readonly<Record<string, number>>;
  readonly positions: ReadonlyMap<number, number>;
  readonly written: Written;
}

/** Copies that an earlier run left since its last checkpoint. */
interface Written {
  /** By source place and target partition: the highest source offset. */
  readonly last: Map<string, number>;
  /** Source places with their offsets. */
  readonly all: Set<string>;
}

async function readBack(cluster: Cluster, topic: string, found: ReadBack): Promise<void> {
  const { job, resumeFrom, positions, written } = found;
  const isolation = 'read_uncommitted';
  const reader = new LogReader(cluster, { topic, isolation, ...readingOfRange() });
  const left = new Set<number>();
  for (const [partition, end] of positions) {
    const from = resumeFrom[partition] ?? 0;
    if (from >= end) continue;
    reader.set(partition, from);
    left.add(partition);
  }
  if (left.size === 0) return;
  for await (const { partition, records, nextOffset } of reader.read()) {
    for (const { headers } of records) {
      if (headerOf(headers, JOB_HEADER) !== job) continue;
      const source = parseSource(headerOf(headers, SOURCE_HEADER) ?? '');
      if (source === null) continue;
      const key = `${source.place}>${partition}`;
      written.last.set(key, Math.max(written.last.get(key) ?? -1, source.offset));
      written.all.add(`${source.place}/${source.offset}`);
    }
    if (nextOffset < (positions.get(partition) ?? 0)) continue;
    reader.remove(partition);
    left.delete(partition);
    if (left.size === 0) return;
  }
}

function headerOf(
  headers: readonly { readonly key: string; readonly value: Buffer | null }[],
  name: string,
): string | undefined {
  return headers.findLast((one) => one.key === name)?.value?.toString();
}

class TopicSink implements Sink {
  readonly #producer: Producer<'buffer', 'buffer'>;
  readonly #options: TopicSinkOptions;
  readonly #positions: Map<number, number>;
  readonly #written: Written;
  /** Of `written.last`: what the source was not read up to yet. Whoever goes on after us has to find it again. */
  readonly #behind: Set<string>;
  readonly #jobHeader: RecordHeader;
  #failure: ReplayError | null = null;
  confirmed = 0;

  constructor(
    producer: Producer<'buffer', 'buffer'>,
    options: TopicSinkOptions,
    found: { positions: Map<number, number>; written: Written },
  ) {
    this.#producer = producer;
    this.#options = options;
    this.#jobHeader = { key: JOB_HEADER, value: Buffer.from(options.job) };
    this.#positions = found.positions;
    this.#written = found.written;
    this.#behind = new Set(found.written.last.keys());
  }

  has(source: PlacedRecord, record: ReplayedRecord): boolean {
    // The job is new, or nothing was left: none of what follows.
    if (this.#written.last.size === 0) return false;
    const key = `${placeOf(source.topic, source.partition)}>${this.#partitionOf(source, record)}`;
    const last = this.#written.last.get(key) ?? -1;
    if (source.offset >= last) this.#behind.delete(key);
    if (this.#options.exact === true) return this.#written.all.has(sourceOf(source));
    return source.offset <= last;
  }

  write(source: PlacedRecord, record: ReplayedRecord): Promise<void> | null {
    if (this.#failure !== null) throw this.#failure;
    const { key, value, timestamp } = record;
    const headers: RecordHeader[] = [];
    for (const one of record.headers) {
      if (one.key !== JOB_HEADER && one.key !== SOURCE_HEADER) headers.push(one);
    }
    headers.push(this.#jobHeader, { key: SOURCE_HEADER, value: Buffer.from(sourceOf(source)) });
    const partition = this.#partitionOf(source, record);
    const { topic } = this.#options;
    const room = this.#producer.enqueue(
      { topic, key, value, headers, timestamp, partition },
      (landed) => {
        this.confirmed += 1;
        // A repeat whose place the broker forgot lies somewhere behind the last position.
        if (landed.offset >= 0) this.#positions.set(partition, landed.offset + 1);
      },
      (error) => {
        this.#failure ??= this.#refused(source, error);
      },
    );
    return room ? null : this.#producer.drained();
  }

  async flush(): Promise<void> {
    await this.#producer.flush();
    if (this.#failure !== null) throw this.#failure;
  }

  positions(): Readonly<Record<string, number>> {
    const positions = Object.fromEntries(this.#positions);
    for (const key of this.#behind) {
      const partition = key.slice(key.lastIndexOf('>') + 1);
      positions[partition] = this.#options.resumeFrom?.[partition] ?? 0;
    }
    return positions;
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }

  /** Never by chance: a second run has to find the same place. */
  #partitionOf(source: PlacedRecord, record: ReplayedRecord): number {
    const count = this.#positions.size;
    const given = this.#options.partitionOf?.(source, record, count) ?? null;
    if (given !== null) return given;
    const sameKey = record.key === source.key || record.key?.equals(source.key ?? Buffer.of());
    const kept = this.#options.sourcePartitions.get(source.topic) === count;
    if (kept && (sameKey || record.key === null)) return source.partition;
    return record.key === null ? source.partition % count : partitionForKey(record.key, count);
  }

  #refused(source: PlacedRecord, cause: Error): ReplayError {
    const { topic, givenUp } = this.#options;
    return refusal(topic, sourceOf(source), cause, givenUp);
  }
}
