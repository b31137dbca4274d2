// Numbers as they are typed for options.

import { usageError } from './exit-codes.ts';

/** Which numbers an option takes; both ends belong to them. */
export interface NumberRange {
  /** Default 0. */
  readonly from?: number;
  /** Default: as far as whole numbers are exact. */
  readonly to?: number;
}

/** A whole number of an option. Throws a usage error that names the option and what it takes. */
export function wholeNumber(option: string, text: string, range: NumberRange = {}): number {
  const { from = 0, to = Number.MAX_SAFE_INTEGER } = range;
  const value = Number(text);
  if (/^[+-]?\d+$/.test(text) && value >= from && value <= to) return value;
  const upTo = to === Number.MAX_SAFE_INTEGER ? 'on' : `to ${to}`;
  const within = from === Number.MIN_SAFE_INTEGER ? '' : ` from ${from} ${upTo}`;
  throw usageError(`${option} ${text}: write a whole number${within}`);
}

/** A number above 0 that need not be whole, such as a rate. Throws a usage error. */
export function positiveNumber(option: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw usageError(`${option} ${text}: write a number above 0`);
}
