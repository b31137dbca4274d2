// The one grammar for "where in the log", shared by the command line, the API and the console.
//
//   earliest | start | beginning          the first record that still exists
//   latest | end                          after the last record
//   committed | stored                    where the group left off
//   42                                    that offset
//   -10                                   ten records before the end
//   +10                                   ten after the committed offset
//   @1763800000000, @1763800000           first record at or after a time in ms, or in s (below 10^11)
//   @2026-11-22, @2026-11-22T10:00:00Z    the same, as a date; without a zone it is UTC
//   @-2h, 2h ago, @now                    the same, counted back from now
//   s@TIME, e@TIME                        kcat's: start at, end before
//   A..B, A.., ..B                        a range; B is not included

import { DurationError, parseDuration } from '../base/duration.ts';
import { TidemarkError } from '../base/errors.ts';

/** A place in a partition, not yet looked up. */
export type OffsetSpec =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  /** `shift` records after (or, negative, before) the group's committed offset. */
  | { readonly kind: 'committed'; readonly shift: number }
  | { readonly kind: 'offset'; readonly offset: number }
  /** `count` records before the end. */
  | { readonly kind: 'last'; readonly count: number }
  /** The first record with a timestamp at or after this one, in milliseconds since the epoch. */
  | { readonly kind: 'timestamp'; readonly timestampMs: number };

/** From where, and up to (not including) where. An absent side is the caller's default. */
export interface OffsetRangeSpec {
  readonly from?: OffsetSpec;
  readonly to?: OffsetSpec;
}

/** An offset or a range that the grammar does not know. */
export class OffsetSpecError extends TidemarkError<'invalid_offset_spec'> {
  constructor(text: string, why: string) {
    super(
      'invalid_offset_spec',
      `'${text}' is not an offset: ${why}. Write earliest, latest, committed, 42, -10 (the last ten), ` +
        '+10 (after the committed one), @2026-11-22T10:00:00Z, @1763800000000, @-2h or "2h ago"; ' +
        'a range is A..B',
    );
  }
}

/** Seconds and milliseconds tell themselves apart: 10^11 s is the year 5138, 10^11 ms is March 1973. */
const SECONDS_BELOW = 100_000_000_000;

const words: Readonly<Record<string, OffsetSpec>> = {
  earliest: { kind: 'earliest' },
  start: { kind: 'earliest' },
  beginning: { kind: 'earliest' },
  latest: { kind: 'latest' },
  end: { kind: 'latest' },
  committed: { kind: 'committed', shift: 0 },
  stored: { kind: 'committed', shift: 0 },
};

/**
 * Reads one place. `nowMs` anchors relative times. Throws {@link OffsetSpecError}.
 */
export function parseOffsetSpec(text: string, nowMs: number): OffsetSpec {
  const input = text.trim();
  const word = Object.hasOwn(words, input.toLowerCase()) ? words[input.toLowerCase()] : undefined;
  if (word !== undefined) return word;
  if (/^\d+$/.test(input)) return { kind: 'offset', offset: integer(input, input) };
  if (/^-\d+$/.test(input)) return { kind: 'last', count: integer(input.slice(1), input) };
  if (/^\+\d+$/.test(input)) return { kind: 'committed', shift: integer(input.slice(1), input) };
  if (input.startsWith('@')) {
    return { kind: 'timestamp', timestampMs: parseTime(input.slice(1), nowMs, input) };
  }
  if (/\sago$/i.test(input))
    return { kind: 'timestamp', timestampMs: parseTime(input, nowMs, input) };
  throw new OffsetSpecError(text, input === '' ? 'it is empty' : 'the form is unknown');
}

/**
 * Reads a place or a range. A single place is `from`, except kcat's `e@TIME`, which is `to`.
 * Throws {@link OffsetSpecError}.
 */
export function parseOffsetRange(text: string, nowMs: number): OffsetRangeSpec {
  const input = text.trim();
  if (/^s@/i.test(input)) return { from: parseOffsetSpec(input.slice(1), nowMs) };
  if (/^e@/i.test(input)) return { to: parseOffsetSpec(input.slice(1), nowMs) };
  const dots = input.indexOf('..');
  if (dots === -1) return { from: parseOffsetSpec(input, nowMs) };
  const left = input.slice(0, dots).trim();
  const right = input.slice(dots + 2).trim();
  if (left === '' && right === '') throw new OffsetSpecError(text, 'the range has no side');
  const range = {
    ...(left === '' ? {} : { from: parseOffsetSpec(left, nowMs) }),
    ...(right === '' ? {} : { to: parseOffsetSpec(right, nowMs) }),
  };
  if (isBackwards(range)) throw new OffsetSpecError(text, 'the range ends before it begins');
  return range;
}

/** The spec in the grammar's own words, for messages. */
export function describeOffsetSpec(spec: OffsetSpec): string {
  switch (spec.kind) {
    case 'earliest':
    case 'latest':
      return spec.kind;
    case 'committed':
      return spec.shift === 0 ? 'committed' : `committed${spec.shift > 0 ? '+' : ''}${spec.shift}`;
    case 'offset':
      return String(spec.offset);
    case 'last':
      return `-${spec.count}`;
    case 'timestamp':
      return `@${formatTime(spec.timestampMs)}`;
  }
}

/** ISO 8601 in UTC where JavaScript's dates reach, else the number. */
export function formatTime(timestampMs: number): string {
  return Math.abs(timestampMs) <= 8.64e15 ? new Date(timestampMs).toISOString() : `${timestampMs}`;
}

/** What follows the `@`, in milliseconds since the epoch. Throws {@link OffsetSpecError}. */
function parseTime(time: string, nowMs: number, whole: string): number {
  const text = time.trim();
  if (text.toLowerCase() === 'now') return nowMs;
  if (/^\d+$/.test(text)) {
    const value = integer(text, whole);
    return value < SECONDS_BELOW ? value * 1000 : value;
  }
  const back = /^-\s*(.+)$/.exec(text)?.[1] ?? /^(.+?)\s+ago$/i.exec(text)?.[1];
  if (back !== undefined) {
    return Math.max(0, nowMs - duration(back, whole));
  }
  return parseDate(text, whole);
}

/** A unit is required here: `@-5` may mean seconds to one and records to another. */
function duration(text: string, whole: string): number {
  try {
    if (!/^\d+$/.test(text)) return parseDuration(text.replaceAll(' ', ''));
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
  }
  throw new OffsetSpecError(whole, `'${text}' is no length of time such as 30s, 15m, 2h or 7d`);
}

const datePattern =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?)?$/i;

function parseDate(text: string, whole: string): number {
  const match = datePattern.exec(text);
  if (match === null) throw new OffsetSpecError(whole, `'${text}' is no time`);
  const [, day, clock = '00:00', zone = 'Z'] = match;
  const value = Date.parse(`${day}T${clock}${zone}`);
  // Date.parse turns 31 April into 1 May; comparing the day catches that.
  const day0 = Date.parse(`${day}T00:00Z`);
  if (Number.isNaN(value) || new Date(day0).toISOString().slice(0, 10) !== day) {
    throw new OffsetSpecError(whole, `'${text}' is no date of the calendar`);
  }
  return value;
}

function integer(digits: string, whole: string): number {
  const value = Number(digits);
  if (!Number.isSafeInteger(value)) throw new OffsetSpecError(whole, 'the number is too large');
  return value;
}

function isBackwards(range: OffsetRangeSpec): boolean {
  const { from, to } = range;
  if (from === undefined || to === undefined) return false;
  if (from.kind === 'offset' && to.kind === 'offset') return to.offset < from.offset;
  if (from.kind === 'timestamp' && to.kind === 'timestamp')
    return to.timestampMs < from.timestampMs;
  if (from.kind === 'last' && to.kind === 'last') return to.count > from.count;
  return (from.kind === 'latest' && to.kind !== 'latest') || to.kind === 'earliest';
}
