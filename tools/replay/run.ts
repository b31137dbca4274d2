// A replay under way: reads stretch by stretch, writes what is selected, and leaves every few seconds in the jobs topic
// how far it is, so that whoever goes on after a crash starts there.

import { textOfError } from '../../src/base/errors.ts';
import { pause } from '../../src/base/pause.ts';
import type { Clock } from '../../src/base/ports.ts';
import { RecentRate } from '../../src/base/recent-rate.ts';
import { ClientError, type Cluster } from '../../src/client/index.ts';
import { RecordError } from '../../src/record/index.ts';
import type { JobCommand, JobStore } from './jobs.ts';
import { Pacer } from './pace.ts';
import { type Part, partsOf } from './parts.ts';
import { offsetsIn } from './plan.ts';
import type { ModuleRunner } from './record-module.ts';
import { makeSelect, type Select } from './select.ts';
import type { Sink } from './sink.ts';
import { BatchSink } from './sink-batches.ts';
import {
  type JobRecord,
  type PlacedRecord,
  placeOf,
  type ReplayedRecord,
  type Stretch,
} from './types.ts';

/** What is known while a job runs. */
export interface ReplayProgress {
  /** Offsets that are behind us, and all of them. */
  readonly done: number;
  readonly total: number;
  readonly counts: JobRecord['counts'];
  /** Of late. */
  readonly recordsPerSecond: number;
  /** Held by `pause`. */
  readonly paused: boolean;
  /** Null while there is no rate to go by. */
  readonly etaMs: number | null;
}

export interface RunOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  /** Null: nothing is remembered (standard output). */
  readonly store: JobStore | null;
  /** A {@link BatchSink} for a copy as it is. */
  readonly sink: Sink | BatchSink;
  readonly module: ModuleRunner | null;
  /** In place of the job's filter and module. */
  readonly select?: Select;
  /** Goes on behind what retention took away, instead of failing. */
  readonly skipCut: boolean;
  readonly signal: AbortSignal;
  /** Of a job that is gone on with, as takeOver answers it. */
  readonly run?: string;
  onProgress?(progress: ReplayProgress): void;
  /** Hears the job's record each time it is remembered, and as it failed in any case. Never: it cannot be resumed. */
  onSave?(job: JobRecord): void;
}

/** How often the jobs topic learns how far the job is, and commands are looked for. */
export const CHECKPOINT_MS = 2000;
const PROGRESS_MS = 200;
/** The jobs topic may take so long to learn of a failure. */
const LAST_WORDS_MS = 5_000;

type Stop = 'interrupted' | 'cancelled' | 'left';

/** The error of a job's record as a run answers it that had to leave: the job goes on elsewhere. */
const TAKEN_OVER = 'another run goes on with the job';

function isOfTheEnd(error: unknown): boolean {
  if (error instanceof ClientError) return error.code === 'closed';
  return error instanceof Error && error.name === 'AbortError';
}

/** Runs the job to its end and answers its last record. A failure is in it, and thrown. */
export async function runReplay(job: JobRecord, options: RunOptions): Promise<JobRecord> {
  return new Run(job, options).run();
}

class Run {
  readonly #options: RunOptions;
  readonly #select: Select;
  readonly #pacer: Pacer;
  readonly #rate = new RecentRate();
  readonly #positions: Record<string, number>;
  /** As it was last made safe. */
  #job: JobRecord;
  #counts: { -readonly [K in keyof JobRecord['counts']]: number };
  #checkpointMs: number;
  #progressMs = 0;
  #stop: Stop | null = null;
  /** Whether it can be gone on with. */
  #remembered = false;
  /** Confirmed by the target when the last checkpoint was taken. */
  #confirmed = 0;

  constructor(job: JobRecord, options: RunOptions) {
    const { module, clock } = options;
    const { filter, target, includeReplayed } = job;
    const { run: _, ...own } = job;
    this.#job = { ...own, ...(options.run !== undefined && { run: options.run }) };
    this.#options = options;
    this.#select = options.select ?? makeSelect({ filter, module, target, includeReplayed });
    this.#pacer = new Pacer(clock, job.pace);
    this.#positions = { ...job.positions };
    this.#counts = { ...job.counts };
    this.#checkpointMs = clock.monotonic();
    this.#rate.at(this.#checkpointMs, this.#counts.read);
  }

  async run(): Promise<JobRecord> {
    try {
      const { sink } = this.#options;
      if (sink instanceof BatchSink) this.#job = { writer: sink.writer(), ...this.#job };
      await this.#save('running', null);
      if ((await this.#wanted()) === 'leave') this.#stop = 'left';
      else await this.#copy();
      if (this.#stop === null && (await this.#wanted()) === 'leave') await this.#leave();
      if (this.#stop === 'left') return { ...this.#job, state: 'interrupted', error: TAKEN_OVER };
      await this.#checkpoint(this.#stop ?? 'done');
      return this.#job;
    } catch (error) {
      if (await this.#fail(error)) return this.#job;
      throw error;
    }
  }

  /** Leaves how far the job came. Answers whether it was only interrupted. */
  async #fail(error: unknown): Promise<boolean> {
    const { sink, signal } = this.#options;
    const state = signal.aborted ? 'interrupted' : 'failed';
    const text = textOfError(error);
    // An interruption is no error, nor are connections that were closed for it; what the target refused meanwhile is.
    const why = signal.aborted && isOfTheEnd(error) ? null : text;
    // What the target has taken is settled where it still answers; where the target failed, this throws once more.
    await this.#within(LAST_WORDS_MS, this.#settle()).catch(() => {});
    const since = sink.confirmed - this.#confirmed;
    if (since > 0) this.#job = { ...this.#job, confirmedSince: since };
    // Brokers that take nothing any more shall not keep the error from who waits for it.
    await this.#save(state, why, LAST_WORDS_MS).catch(() => {
      if (this.#remembered) this.#options.onSave?.(this.#job);
    });
    return state === 'interrupted';
  }

  async #copy(): Promise<void> {
    const { cluster, sink, skipCut, signal } = this.#options;
    const { stretches, pace } = this.#job;
    const asIs = sink instanceof BatchSink;
    const positionOf = ({ topic, partition, from }: Stretch): number =>
      this.#positions[placeOf(topic, partition)] ?? from;
    const byTime = pace.speed !== null;
    const parts = partsOf(cluster, { stretches, positionOf, byTime, asIs, skipCut, signal });
    for await (const part of parts) {
      if (sink instanceof BatchSink) await this.#pass(sink, part);
      else await this.#take(sink, part);
      part.lease?.drop();
      if (this.#stop !== null) return;
    }
    if (stretches.some((one) => positionOf(one) < one.to)) this.#stop = 'interrupted';
  }

  /** Batches as they are. */
  async #pass(sink: BatchSink, fetched: Part): Promise<void> {
    const { stretch } = fetched;
    const { topic, partition, to } = stretch;
    const place = placeOf(topic, partition);
    for (const { bytes, context, nextOffset } of fetched.batches) {
      if (context.baseOffset >= to) break;
      const from = Math.max(fetched.fetchOffset, this.#positions[place] ?? stretch.from);
      const taken = sink.takeBatch(partition, bytes, { from, to }, fetched.lease);
      const { read, skipped } = await taken.catch((error: unknown) => {
        throw error instanceof RecordError ? error.in(`${topic}-${partition}`) : error;
      });
      this.#counts.read += read;
      this.#counts.selected += read;
      this.#counts.skipped += skipped;
      this.#counts.written += read - skipped;
      this.#counts.bytes += bytes.length;
      this.#positions[place] = Math.min(to, nextOffset);
      const wait = this.#pacer.take(bytes.length, context.baseTimestamp, read - skipped);
      await this.#wait(wait);
      if (this.#options.clock.monotonic() >= this.#checkpointMs + CHECKPOINT_MS) {
        await this.#attend();
      }
      if (this.#stop !== null) return;
      this.#tell();
    }
    this.#positions[place] = Math.min(to, fetched.nextOffset);
  }

  async #take(sink: Sink, fetched: Part): Promise<void> {
    const { topic, partition, to } = fetched.stretch;
    const place = placeOf(topic, partition);
    const records: PlacedRecord[] = [];
    for (const { offset, timestamp, key, value, headers } of fetched.records) {
      if (offset < to) records.push({ topic, partition, offset, timestamp, key, value, headers });
    }
    const results = await this.#select(records);
    for (const [at, source] of records.entries()) {
      this.#counts.read += 1;
      const result = results[at] ?? null;
      // A promise for each record would cost as much as the rest of what is done for it.
      const writing = result === null ? null : this.#write(sink, source, result);
      if (writing !== null) await writing;
      if (this.#stop !== null) return;
      this.#positions[place] = source.offset + 1;
      if (this.#options.clock.monotonic() >= this.#checkpointMs + CHECKPOINT_MS) {
        await this.#attend();
        if (this.#stop !== null) return;
      }
      this.#tell();
    }
    this.#positions[place] = Math.min(to, fetched.nextOffset);
  }

  /** Everything or nothing of one record. Null: it is done. */
  #write(sink: Sink, source: PlacedRecord, record: ReplayedRecord): Promise<void> | null {
    this.#counts.selected += 1;
    const there = sink.has(source, record);
    if (there === false) return this.#put(sink, source, record);
    return this.#putUnless(there, { sink, source, record });
  }

  async #putUnless(
    there: true | Promise<boolean>,
    { sink, source, record }: { sink: Sink; source: PlacedRecord; record: ReplayedRecord },
  ): Promise<void> {
    if (await there) this.#counts.skipped += 1;
    else await this.#put(sink, source, record);
  }

  #put(sink: Sink, source: PlacedRecord, record: ReplayedRecord): Promise<void> | null {
    const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0);
    const send = (): Promise<void> | null => {
      const room = sink.write(source, record);
      if (room !== null) return room.then(() => this.#wrote(bytes));
      this.#wrote(bytes);
      return null;
    };
    const waitMs = this.#pacer.take(bytes, source.timestamp);
    if (waitMs === 0) return send();
    return this.#wait(waitMs).then(() => (this.#stop === null ? (send() ?? undefined) : undefined));
  }

  #wrote(bytes: number): void {
    this.#counts.written += 1;
    this.#counts.bytes += bytes;
  }

  /** Waits, and meanwhile does what somebody asks for. */
  async #wait(ms: number): Promise<void> {
    for (let left = ms; left > 0 && this.#stop === null; ) {
      const step = Math.min(left, CHECKPOINT_MS);
      await this.#sleep(step);
      left -= step;
      this.#tell();
      if (left > 0) await this.#attend();
      if (this.#options.signal.aborted) this.#stop = 'interrupted';
    }
  }

  /** Makes safe what was written, and does what somebody asked for. */
  async #attend(): Promise<void> {
    let wanted = await this.#wanted();
    if (wanted === 'leave') return this.#leave();
    await this.#checkpoint('running');
    if (this.#options.signal.aborted) this.#stop = 'interrupted';
    if (wanted === 'pause') {
      await this.#save('paused', null);
      this.#tell(true);
      while (wanted === 'pause' && !this.#options.signal.aborted) {
        await this.#sleep(CHECKPOINT_MS / 2);
        wanted = await this.#wanted();
      }
      if (wanted === 'leave') return this.#leave();
      this.#pacer.restart();
      await this.#save('running', null);
    }
    if (wanted === 'cancel') this.#stop = 'cancelled';
    this.#checkpointMs = this.#options.clock.monotonic();
  }

  /** Another run waits until it knows how far this one is, or has not waited any longer and has the job already. */
  async #leave(): Promise<void> {
    const { store, run } = this.#options;
    const known = await store?.get(this.#job.id);
    if (known?.run === run) await this.#checkpoint('interrupted');
    this.#stop = 'left';
  }

  async #wanted(): Promise<JobCommand | 'leave' | null> {
    const { store, run = null } = this.#options;
    return (await store?.command(this.#job.id, this.#job.startedMs, run)) ?? null;
  }

  async #checkpoint(state: JobRecord['state']): Promise<void> {
    await this.#settle();
    await this.#save(state, null);
    this.#checkpointMs = this.#options.clock.monotonic();
  }

  /** Rejects when it takes longer. */
  async #within(timeoutMs: number, work: Promise<void>): Promise<void> {
    const { clock } = this.#options;
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      cancel = clock.setTimer(timeoutMs, () => reject(new Error(`no end after ${timeoutMs} ms`)));
    });
    try {
      await Promise.race([work, late]);
    } finally {
      cancel();
    }
  }

  /** What was taken is safe, and how far that is is known. */
  async #settle(): Promise<void> {
    const { sink } = this.#options;
    await sink.flush();
    this.#confirmed = sink.confirmed;
    const { confirmedSince: _, ...job } = this.#job;
    this.#job = {
      ...job,
      ...(sink instanceof BatchSink && { writer: sink.writer() }),
      positions: { ...this.#positions },
      targetPositions: sink.positions(),
      counts: { ...this.#counts },
    };
  }

  async #save(state: JobRecord['state'], error: string | null, timeoutMs?: number): Promise<void> {
    const updatedMs = this.#options.clock.now();
    this.#job = { ...this.#job, state, updatedMs, error };
    await this.#options.store?.save(this.#job, timeoutMs);
    this.#remembered = true;
    this.#options.onSave?.(this.#job);
  }

  #tell(paused = false): void {
    const { onProgress, clock } = this.#options;
    const nowMs = clock.monotonic();
    if (onProgress === undefined || (nowMs < this.#progressMs + PROGRESS_MS && !paused)) return;
    this.#progressMs = nowMs;
    const total = offsetsIn(this.#job.stretches);
    let done = 0;
    for (const { topic, partition, from } of this.#job.stretches) {
      done += (this.#positions[placeOf(topic, partition)] ?? from) - from;
    }
    const counts = { ...this.#counts };
    const recordsPerSecond = this.#rate.at(nowMs, counts.read);
    const etaMs = recordsPerSecond > 0 ? ((total - done) / recordsPerSecond) * 1000 : null;
    onProgress({ done, total, counts, recordsPerSecond, paused, etaMs });
  }

  /** Ends at once when the replay is told to stop. */
  #sleep(ms: number): Promise<void> {
    return pause(this.#options.clock, ms, this.#options.signal);
  }
}
