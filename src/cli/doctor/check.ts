// One line of the doctor's report.

export type CheckStatus = 'ok' | 'warn' | 'fail';

export interface Check {
  readonly name: string;
  readonly status: CheckStatus;
  /** What was found. */
  readonly found: string;
  /** What to do, when something is not well. */
  readonly advice: string | null;
}

/** All is well. */
export function ok(name: string, found: string): Check {
  return { name, status: 'ok', found, advice: null };
}

/** It works, but not as it could. */
export function warn(name: string, found: string, advice: string): Check {
  return { name, status: 'warn', found, advice };
}

/** It does not work. */
export function fail(name: string, found: string, advice: string): Check {
  return { name, status: 'fail', found, advice };
}
