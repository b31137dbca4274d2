// Which records a replay writes, and as what: loop protection, the filter, the module.

import { compileFilter } from './filter.ts';
import type { ModuleRunner } from './record-module.ts';
import { JOB_HEADER } from './sink.ts';
import type { PlacedRecord, ReplayedRecord, ReplayTarget } from './types.ts';

export interface SelectOptions {
  readonly filter: string | null;
  readonly module: ModuleRunner | null;
  readonly target: ReplayTarget;
  /** Also copies that an earlier replay put into the topic that is written. */
  readonly includeReplayed: boolean;
}

/** For each record what is to be written, in order; null for nothing. */
export type Select = (
  records: readonly PlacedRecord[],
) => Promise<readonly (ReplayedRecord | null)[]>;

/** A topic that is replayed into itself must not take its own copies for new records: their header tells. */
export function isCopyOf(target: ReplayTarget, { topic, headers }: PlacedRecord): boolean {
  return (
    target.kind === 'topic' &&
    target.topic === topic &&
    headers.some((header) => header.key === JOB_HEADER)
  );
}

/** Throws ReplayError `invalid_filter`. */
export function makeSelect(options: SelectOptions): Select {
  const { filter, module, target, includeReplayed } = options;
  const wanted = filter === null ? () => true : compileFilter(filter);
  const mayBe = (one: PlacedRecord): boolean => includeReplayed || !isCopyOf(target, one);
  if (module === null) {
    return (records) =>
      Promise.resolve(records.map((one) => (mayBe(one) && wanted(one) ? one : null)));
  }
  return async (records) => {
    const chosen = records.filter((one) => mayBe(one) && wanted(one));
    const results = await module.run(chosen);
    const byRecord = new Map(chosen.map((record, at) => [record, results[at] ?? null]));
    return records.map((record) => byRecord.get(record) ?? null);
  };
}
