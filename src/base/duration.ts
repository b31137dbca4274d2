// Lengths of time as people write them: '250ms', '5m', '1h30m', '7d', or plain milliseconds.

import { TidemarkError } from './errors.ts';

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Text that is no length of time. */
export class DurationError extends TidemarkError<'invalid_duration'> {
  constructor(text: string, why: string) {
    super('invalid_duration', `"${text}" is no length of time: ${why}`);
  }
}

/**
 * Milliseconds (a safe integer ≥ 0) of `250ms`, `5m`, `2h`, `1h30m`, `1.5d`, `7d`, `2w`, or `5000`
 * (milliseconds).
 * Throws {@link DurationError}.
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return checked(text, Number(trimmed));
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/i.test(trimmed)) {
    throw new DurationError(text, 'write for example 250ms, 5m, 2h, 1h30m, 7d or 2w');
  }
  let total = 0;
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/gi)) {
    total += Number(amount) * (unitMs[String(unit).toLowerCase()] ?? Number.NaN);
  }
  return checked(text, Math.round(total));
}

function checked(text: string, ms: number): number {
  if (!Number.isSafeInteger(ms)) throw new DurationError(text, 'it is too long');
  return ms;
}

/** The shortest text that {@link parseDuration} reads back as `ms`: `90000` gives `1m30s`. */
export function formatDuration(ms: number): string {
  let rest = ms;
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = unitMs[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count === 0) continue;
    text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === '' ? '0ms' : text;
}
