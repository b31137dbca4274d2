// Reads letters, and sees which of them are meant.

import { type Cluster, LogReader } from '../../src/client/index.ts';
import { readingOfRange } from '../batches/reading.ts';
import {
  compileFilter,
  type ModuleRunner,
  type PlacedRecord,
  ReplayError,
  type ReplayedRecord,
  type Select,
  type Stretch,
} from '../replay/index.ts';
import type { Ledger, LetterState } from './ledger.ts';
import { factsOf, type LetterFacts, ownHeaders } from './letter.ts';

/** A letter and what is known of it. */
export interface Letter {
  readonly record: PlacedRecord;
  readonly facts: LetterFacts;
  readonly state: LetterState;
}

/** All letters of the stretches, some at a time. */
export async function* readLetters(
  cluster: Cluster,
  stretches: readonly Stretch[],
  ledger: Ledger,
): AsyncGenerator<readonly Letter[], void, undefined> {
  for (const { topic, partition, from, to } of stretches) {
    if (from >= to) continue;
    const reader = new LogReader(cluster, { topic, ...readingOfRange() });
    reader.set(partition, from);
    for await (const { records, nextOffset } of reader.read()) {
      const letters: Letter[] = [];
      for (const stored of records) {
        if (stored.offset >= to) break;
        const record = { ...stored, topic, partition };
        letters.push({ record, facts: factsOf(record.headers), state: ledger.stateOf(record) });
      }
      yield letters;
      if (nextOffset >= to) break;
    }
  }
}

/** Which letters are meant. */
export interface LetterChoice {
  /** `partition/offset` of each; null: all. */
  readonly only: ReadonlySet<string> | null;
  readonly filter: string | null;
}

/** Pending letters that are meant. Throws ReplayError `invalid_filter`. */
export function chooser(choice: LetterChoice, ledger: Ledger): (record: PlacedRecord) => boolean {
  const wanted = choice.filter === null ? () => true : compileFilter(choice.filter);
  const { only } = choice;
  return (record) =>
    ledger.stateOf(record) === 'pending' &&
    (only === null || only.has(`${record.partition}/${record.offset}`)) &&
    wanted(record);
}

/** What is written for each letter: as it was, or as the module makes it, without the letter's headers. */
export function letterSelect(
  choice: LetterChoice,
  ledger: Ledger,
  module: ModuleRunner | null,
): Select {
  const chosen = chooser(choice, ledger);
  return async (records) => {
    const some = records.filter(chosen);
    const results: readonly (ReplayedRecord | null)[] =
      module === null ? some : await module.run(some);
    const made = new Map<PlacedRecord, ReplayedRecord>();
    for (const [at, record] of some.entries()) {
      const result = results[at] ?? null;
      if (result === null) continue;
      const { key, value, headers, timestamp } = result;
      made.set(record, { key, value, timestamp, headers: ownHeaders(headers) });
    }
    return records.map((record) => made.get(record) ?? null);
  };
}

/** Where a letter goes. Throws ReplayError `invalid_replay` when nobody says. */
export function targetOf(letter: PlacedRecord, to: string | null): string {
  const topic = to ?? factsOf(letter.headers).origin?.topic;
  if (topic !== undefined) return topic;
  const place = `${letter.topic}/${letter.partition} offset ${letter.offset}`;
  throw new ReplayError(
    'invalid_replay',
    `the letter at ${place} does not say where it came from: name a topic with --to`,
  );
}
