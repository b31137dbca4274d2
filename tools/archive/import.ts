// From an archive, NDJSON or CSV into topics. No state is kept of an import: what the topic holds tells an interrupted
// one where to go on.

import {
  type BatchSender,
  type Cluster,
  type OnBatchLanded,
  openBatchSender,
} from '../../src/client/index.ts';
import { RecordError } from '../../src/record/index.ts';
import { isGivenUp, unlessAborted } from '../batches/given-up.ts';
import type { PackedBatch } from '../batches/packer.ts';
import { ArchiveError } from './errors.ts';
import {
  AppendingLane,
  type EmitBatch,
  gapText,
  HeaderLane,
  type ImportLane,
  KeepingLane,
} from './import-lane.ts';
import type { ImportChunk, ImportSource } from './import-source.ts';
import {
  configNotes,
  dropFillers,
  giveLater,
  type ImportTarget,
  openTarget,
  readOrigins,
  recordAt,
  requireEmpty,
} from './import-target.ts';
import { placeOf } from './totals.ts';

/** What becomes of offsets: kept, kept in a header, or forgotten. */
export type OffsetsMode = 'keep' | 'header' | 'new';

export interface ImportOptions {
  readonly cluster: Cluster;
  readonly source: ImportSource;
  /** The topic to write for a topic of the archive. */
  topicOf(name: string): string;
  readonly offsets: OffsetsMode;
  /** Fills gaps between records, see OffsetKeeper. */
  readonly fillGaps: boolean;
  /** Goes on with an import that was interrupted. */
  readonly resume: boolean;
  /** Makes missing topics; text needs `partitions` for it. */
  readonly create: boolean;
  readonly partitions: number | null;
  readonly signal: AbortSignal;
  /** Aborted: what is not acknowledged by then is given up. */
  readonly givenUp?: AbortSignal;
  onProgress?(doneBytes: number, totalBytes: number): void;
  /** Hears of a topic that is read for what an earlier run wrote, which takes as long as the topic is. */
  onLook?(target: ImportTarget): void;
  /** Hears of records that the target has, those that fill offsets among them. */
  onWritten?(records: number, bytes: number): void;
}

export interface ImportResult {
  /** False: stopped by the signal; it can be resumed. */
  readonly finished: boolean;
  /** Written by this run, fillers not among them. */
  readonly records: number;
  readonly bytes: number;
  readonly fillers: number;
  /** What people should know. */
  readonly notes: readonly string[];
}

/** More than this is a mistake rather than a gap. */
const START_FILL_MAX = 2_000_000_000;

/**
 * Imports. Throws ArchiveError (with the byte or line of the source), KafkaError; what was written stays, and the
 * import can be resumed.
 */
export function importArchive(options: ImportOptions): Promise<ImportResult> {
  return new Import(options).run();
}

class Import {
  readonly #options: ImportOptions;
  readonly #targets = new Map<string, Promise<ImportTarget>>();
  readonly #senders = new Map<string, Promise<BatchSender>>();
  readonly #origins = new Map<string, Promise<Map<string, number>>>();
  readonly #lanes = new Map<string, ImportLane>();
  readonly #notes: string[] = [];
  #failure: Error | null = null;
  #records = 0;
  #bytes = 0;

  constructor(options: ImportOptions) {
    this.#options = options;
  }

  async run(): Promise<ImportResult> {
    const { source, signal, givenUp } = this.#options;
    this.#refuseGaps();
    for (const { name } of source.head?.topics ?? []) await this.#target(name);
    await this.#write().catch((error: unknown) => {
      if (!isGivenUp(error, givenUp)) throw error;
      this.#notes.push('what was sent last was not acknowledged, and may be written all the same');
    });
    let fillers = 0;
    for (const lane of this.#lanes.values()) {
      if (lane instanceof KeepingLane) fillers += lane.keeper.fillers;
    }
    const [records, bytes] = [this.#records - fillers, this.#bytes];
    return { finished: !signal.aborted, records, bytes, fillers, notes: this.#notes };
  }

  async #write(): Promise<void> {
    try {
      await this.#copy();
    } catch (error) {
      // What came before is written, and known to be.
      await this.#settle().catch(() => {});
      throw error;
    }
    await this.#settle();
    if (!this.#options.signal.aborted) await this.#finish();
  }

  async #copy(): Promise<void> {
    const { source, signal, onProgress } = this.#options;
    for await (const chunk of source.chunks()) {
      const lane = await this.#lane(chunk);
      // Then what is there may not be known in full.
      if (signal.aborted) return;
      try {
        await lane.take(chunk);
      } catch (error) {
        throw located(error, chunk.where);
      }
      chunk.lease?.drop();
      if (this.#failure !== null) throw this.#failure;
      onProgress?.(chunk.doneBytes, source.bytes);
      if (signal.aborted) return;
    }
  }

  /** Before anything is written, where the archive tells. */
  #refuseGaps(): void {
    const { source, offsets, fillGaps } = this.#options;
    if (offsets !== 'keep') return;
    for (const one of source.end?.partitions ?? []) {
      const place = placeOf(one);
      // Offsets that groups have committed may lie behind the last record.
      const missing = one.missing + (one.records > 0 ? one.to - one.lastOffset - 1 : 0);
      if (missing > 0 && !fillGaps) {
        throw new ArchiveError('offsets_impossible', gapText(`${missing} offsets of ${place}`));
      }
      const start = one.records > 0 ? one.firstOffset : one.to;
      if (start <= START_FILL_MAX) continue;
      const text = `${place} begins at offset ${start}, too far to count up to: use --offsets header or new`;
      throw new ArchiveError('offsets_impossible', text);
    }
  }

  #target(name: string): Promise<ImportTarget> {
    const known = this.#targets.get(name);
    if (known !== undefined) return known;
    const opened = this.#openTarget(name);
    this.#targets.set(name, opened);
    return opened;
  }

  async #openTarget(name: string): Promise<ImportTarget> {
    const { cluster, source, create, partitions, resume, offsets } = this.#options;
    const topic = this.#options.topicOf(name);
    const archived = source.head?.topics.find((one) => one.name === name);
    const wanted = archived ?? (partitions === null ? null : { partitions, configs: {} });
    const made = create && wanted !== null;
    const target = await openTarget(cluster, topic, {
      wanted: made
        ? { partitions: partitions ?? wanted.partitions, configs: wanted.configs }
        : null,
      resume,
    });
    if (!resume && offsets !== 'header') requireEmpty(target);
    const times = source.end?.partitions.filter((one) => one.topic === name) ?? [];
    const maxTimestamp = Math.max(-1, ...times.map((one) => one.maxTimestamp));
    this.#notes.push(...(await configNotes(cluster, topic, maxTimestamp)));
    return target;
  }

  async #lane(chunk: ImportChunk): Promise<ImportLane> {
    const place = placeOf(chunk);
    const known = this.#lanes.get(place);
    if (known !== undefined) return known;
    const target = await this.#target(chunk.topic);
    const { partition } = chunk;
    const end = target.ends.get(partition);
    if (end === undefined) {
      const text = `${chunk.where} is of partition ${partition}, and topic ${target.topic} has ${target.partitions}`;
      throw new ArchiveError('invalid_archive_request', text);
    }
    const lane = await this.#openLane(target, chunk, end);
    this.#lanes.set(place, lane);
    return lane;
  }

  async #openLane(target: ImportTarget, chunk: ImportChunk, end: number): Promise<ImportLane> {
    const { cluster, offsets, fillGaps } = this.#options;
    const place = { topic: target.topic, partition: chunk.partition };
    const emit: EmitBatch = (batch, base) =>
      this.#send(place, batch, { base, from: placeOf(chunk) });
    const { bytesMax } = target;
    if (offsets === 'new') return new AppendingLane(end, emit, bytesMax);
    if (offsets === 'header') {
      const done = this.#options.resume ? await this.#doneOf(target, placeOf(chunk)) : -1;
      return new HeaderLane(done, emit, bytesMax);
    }
    const left = end === 0 ? null : await recordAt(cluster, place, end - 1);
    return new KeepingLane(end, { left, fillGaps, emit, bytesMax });
  }

  async #doneOf(target: ImportTarget, place: string): Promise<number> {
    let origins = this.#origins.get(target.topic);
    if (origins === undefined) {
      const { cluster, signal, onLook } = this.#options;
      onLook?.(target);
      origins = readOrigins(cluster, target, signal);
      this.#origins.set(target.topic, origins);
    }
    return (await origins).get(place) ?? -1;
  }

  async #send(
    { topic, partition }: { topic: string; partition: number },
    batch: PackedBatch,
    { base, from }: { readonly base: number | null; readonly from: string },
  ): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    let sender = this.#senders.get(topic);
    if (sender === undefined) {
      sender = openBatchSender(this.#options.cluster, { topic });
      this.#senders.set(topic, sender);
    }
    const { count, lastOffset, bytes, release } = batch;
    const what = `records up to offset ${lastOffset} of ${from} in ${this.#options.source.path}`;
    const { length } = bytes;
    const done: OnBatchLanded = (error, landed) => {
      if (error !== null) {
        const text = `topic ${topic} refused ${what}: ${error.message}`;
        this.#failure ??= new ArchiveError('target_refused', text, { cause: error });
      } else if (base !== null && landed >= 0 && landed !== base) {
        const text =
          `${topic}/${partition} gave offset ${landed} where ${base} was due: ` +
          'somebody else writes to it';
        this.#failure ??= new ArchiveError('topic_not_empty', text);
      } else {
        this.#records += count;
        this.#bytes += length;
        this.#options.onWritten?.(count, length);
      }
    };
    await this.#answered(sender.then((one) => one.send(partition, bytes, done, release)));
  }

  async #settle(): Promise<void> {
    for (const lane of this.#lanes.values()) await lane.flush();
    for (const sender of this.#senders.values()) {
      await this.#answered(sender.then((one) => one.flush()));
    }
    if (this.#failure !== null) throw this.#failure;
  }

  #answered(waiting: Promise<void>): Promise<void> {
    return unlessAborted(waiting, this.#options.givenUp);
  }

  /** Ends and starts of partitions as they were. */
  async #finish(): Promise<void> {
    const { cluster, offsets, source } = this.#options;
    if (offsets === 'keep') await this.#fillEnds(source);
    for (const target of this.#targets.values()) await giveLater(cluster, await target);
  }

  /** The next record has to get the offset that it would have got. */
  async #fillEnds(source: ImportSource): Promise<void> {
    const { cluster } = this.#options;
    for (const one of source.end?.partitions ?? []) {
      if (one.to === 0) continue;
      const chunk = {
        ...one,
        where: source.path,
        doneBytes: 0,
        bytes: Buffer.alloc(0),
        lease: null,
        records: null,
      };
      const lane = await this.#lane(chunk);
      if (!(lane instanceof KeepingLane)) continue;
      await lane.keeper.fill(one.to, one.records > 0 ? one.maxTimestamp : cluster.clock.now());
      lane.firstOffset ??= one.to;
    }
    await this.#settle();
    for (const [name, target] of this.#targets) {
      const { topic } = await target;
      const before = new Map<number, number>();
      for (const [place, lane] of this.#lanes) {
        const at = place.lastIndexOf('/');
        if (!(lane instanceof KeepingLane) || place.slice(0, at) !== name) continue;
        if (lane.firstOffset !== null && lane.firstOffset > 0) {
          before.set(Number(place.slice(at + 1)), lane.firstOffset);
        }
      }
      const note = await dropFillers(cluster, topic, before);
      if (note !== null) this.#notes.push(note);
    }
  }
}

function located(error: unknown, where: string): unknown {
  if (error instanceof RecordError) {
    const text = `${where}: a batch cannot be read, nothing of it is imported: ${error.message}`;
    return new ArchiveError('archive_damaged', text, { cause: error });
  }
  if (!(error instanceof ArchiveError) || error.message.includes(where)) return error;
  // It was sent earlier, and says what it is of.
  if (error.code === 'target_refused') return error;
  return new ArchiveError(error.code, `${where}: ${error.message}`, { cause: error.cause });
}
