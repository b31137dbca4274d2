// What a replay would do, without doing it: everything is read and chosen as the job would, up to a limit of time;
// what lies beyond it is estimated by the offsets that were covered.

import type { Clock } from '../../src/base/ports.ts';
import { type Cluster, LogReader } from '../../src/client/index.ts';
import { readingOfRange } from '../batches/reading.ts';
import { offsetsIn } from './plan.ts';
import { isCopyOf, type Select } from './select.ts';
import type { PlacedRecord, ReplayedRecord, ReplayTarget, Stretch } from './types.ts';

export interface SurveyOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly stretches: readonly Stretch[];
  readonly select: Select;
  readonly target: ReplayTarget;
  /** Records that are shown. */
  readonly shownMax: number;
  /** Counting ends after so long; null: everything is counted. */
  readonly limitMs: number | null;
  readonly signal: AbortSignal;
  onProgress?(covered: number, total: number): void;
}

/** Counts of what was read, and what they say of the whole. */
export interface Survey {
  readonly read: number;
  /** Of these: put there by an earlier replay into the same topic. */
  readonly copies: number;
  readonly selected: number;
  /** Offsets that were looked at, and all of them; equal when the counts are exact. */
  readonly covered: number;
  readonly total: number;
  /** `selected` when that is exact; else what it comes to over all offsets. */
  readonly selectedInAll: number;
  readonly shown: readonly (readonly [PlacedRecord, ReplayedRecord])[];
}

/** Throws KafkaError, what the filter or the module fails with, and the signal's reason. */
export function survey(options: SurveyOptions): Promise<Survey> {
  return new Surveyor(options).run();
}

class Surveyor {
  readonly #options: SurveyOptions;
  readonly #endMs: number;
  readonly #total: number;
  readonly #shown: (readonly [PlacedRecord, ReplayedRecord])[] = [];
  #read = 0;
  #copies = 0;
  #selected = 0;
  #covered = 0;

  constructor(options: SurveyOptions) {
    this.#options = options;
    const { clock, limitMs, stretches } = options;
    this.#endMs = limitMs === null ? Number.POSITIVE_INFINITY : clock.monotonic() + limitMs;
    this.#total = offsetsIn(stretches);
  }

  async run(): Promise<Survey> {
    for (const topic of new Set(this.#options.stretches.map((one) => one.topic))) {
      if (this.#isOver()) break;
      await this.#topic(topic);
    }
    this.#options.signal.throwIfAborted();
    const [covered, total, selected] = [this.#covered, this.#total, this.#selected];
    const selectedInAll =
      covered === total ? selected : Math.round((selected * total) / Math.max(covered, 1));
    const [read, copies, shown] = [this.#read, this.#copies, this.#shown];
    return { read, copies, selected, covered, total, selectedInAll, shown };
  }

  /** Something of every partition, so that an estimate is one of all of them. */
  async #topic(topic: string): Promise<void> {
    const { cluster, stretches, signal, onProgress } = this.#options;
    const how = {
      isolation: 'read_committed',
      outOfRange: 'earliest',
      ...readingOfRange(),
    } as const;
    const reader = new LogReader(cluster, { topic, ...how });
    const left = new Map<number, { at: number; readonly to: number }>();
    for (const { partition, from, to, ...one } of stretches) {
      if (one.topic !== topic || from >= to) continue;
      left.set(partition, { at: from, to });
      reader.set(partition, from);
    }
    if (left.size === 0) return;
    for await (const { partition, records, nextOffset } of reader.read(signal)) {
      const place = left.get(partition);
      if (place === undefined) continue;
      const within = records
        .filter((one) => one.offset < place.to)
        .map((one) => ({ ...one, topic, partition }));
      await this.#look(within);
      const next = Math.min(nextOffset, place.to);
      this.#covered += next - place.at;
      place.at = next;
      onProgress?.(this.#covered, this.#total);
      if (next >= place.to) {
        reader.remove(partition);
        left.delete(partition);
      }
      if (left.size === 0 || this.#isOver()) return;
    }
  }

  async #look(records: readonly PlacedRecord[]): Promise<void> {
    const { select, target, shownMax } = this.#options;
    const results = await select(records);
    this.#read += records.length;
    this.#copies += records.filter((one) => isCopyOf(target, one)).length;
    for (const [at, result] of results.entries()) {
      const source = records[at];
      if (result === null || source === undefined) continue;
      this.#selected += 1;
      if (this.#shown.length < shownMax) this.#shown.push([source, result]);
    }
  }

  #isOver(): boolean {
    return this.#options.signal.aborted || this.#options.clock.monotonic() >= this.#endMs;
  }
}
