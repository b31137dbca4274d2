// What a result says of its systems and rows, and what older results leave unsaid: the only place that knows that.

import type { Report } from './result.ts';

/** Of results without `ours`. */
const OURS_BEFORE = /^(tidemark|in process|micro$)/;
/** Peers given by their command, of results without `peers`. */
const GIVEN_BEFORE = 'klite';
/** Of results without `unitNotes`. */
const UNIT_NOTES_BEFORE: Readonly<Record<string, string>> = {
  'produce 1 KiB, lz4': 'before compression',
};
/** Of results whose machine does not tell it. */
const PROCESSOR_TIME_BEFORE = 'steps of 10 ms, /proc';
/** Of results without `suites`: the first that fits, else `brokers`. */
const SUITES_BEFORE: readonly (readonly [row: RegExp, suite: string])[] = [
  [/^restart$/, 'restart'],
  [/^groups, /, 'groups'],
  [/^slope, /, 'slopes'],
  [/^cleaning$|, (no )?cleaning$/, 'compaction'],
  [/^tidemark\/testing: /, 'testing'],
  [/^(single sends|batches|consume), \d+ B$/, 'client'],
  [/^their own client/, 'others'],
  [/replay|export|import/, 'tools'],
];

/** Whether the system is ours. */
export function isOurs({ ours }: Report, system: string): boolean {
  return ours === undefined ? OURS_BEFORE.test(system) : ours.includes(system);
}

/** Peers that are not installed by us, in the result's order. */
export const givenIn = ({ peers = {}, results }: Report): string[] => [
  ...new Set([
    ...results.map(({ system }) => system).filter((one) => one === GIVEN_BEFORE),
    ...Object.keys(peers),
  ]),
];

/** What the sizes of the row are of; '' where they are what reaches the broker. */
export const unitNoteOf = ({ unitNotes = UNIT_NOTES_BEFORE }: Report, row: string): string =>
  unitNotes[row] ?? '';

/** Which suite measured the row. */
export function suiteOf({ suites = {} }: Report, row: string): string {
  const before = SUITES_BEFORE.find(([rows]) => rows.test(row))?.[1] ?? 'brokers';
  return suites[row] ?? before;
}

/** How fine processor time was counted. */
export const processorTimeOf = ({ machine }: Report): string =>
  machine['processor time'] ?? PROCESSOR_TIME_BEFORE;
