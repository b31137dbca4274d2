// A time as an option takes it, in that option's own words when it is none.

import { isTidemarkError } from '../../base/errors.ts';
import type { OffsetSpec } from '../../client/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { usageError } from '../exit-codes.ts';
import type { Session } from '../session.ts';

/** The place of a time; `at` is the text as an offset. Throws a usage error that names the option. */
export function timeSpec(
  { client }: Session,
  { option, text, at = `@${text}` }: { option: string; text: string; at?: string },
  nowMs: number = nodeClock.now(),
): OffsetSpec {
  try {
    return client.parseOffsetSpec(at, nowMs);
  } catch (error) {
    if (!isTidemarkError(error) || error.code !== 'invalid_offset_spec') throw error;
    const some = '2026-11-22T10:00:00Z, 2026-11-22, 1763800000000, or -2h for two hours ago';
    throw usageError(`${option} ${text}: this is no time; write for example ${some}`);
  }
}
