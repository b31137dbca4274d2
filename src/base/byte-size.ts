// Amounts of bytes as people write them: '512', '10MB' (decimal), '1GiB' (binary).

import { TidemarkError } from './errors.ts';

const unitBytes = new Map<string, number>(
  Object.entries({
    '': 1,
    b: 1,
    k: 1000,
    kb: 1000,
    mb: 1000 ** 2,
    gb: 1000 ** 3,
    tb: 1000 ** 4,
    m: 1000 ** 2,
    g: 1000 ** 3,
    t: 1000 ** 4,
    kib: 1024,
    mib: 1024 ** 2,
    gib: 1024 ** 3,
    tib: 1024 ** 4,
  }),
);

/** Text that is no amount of bytes. */
export class ByteSizeError extends TidemarkError<'invalid_byte_size'> {
  constructor(text: string, why: string) {
    super('invalid_byte_size', `"${text}" is no amount of bytes: ${why}`);
  }
}

/**
 * Bytes (a safe integer ≥ 0) of `512`, `10MB`, `1.5GiB`; units in either case, K, M, G, T are
 * decimal.
 * Throws {@link ByteSizeError}.
 */
export function parseByteSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = match === null ? undefined : unitBytes.get(String(match[2]).toLowerCase());
  if (match === null || unit === undefined) {
    throw new ByteSizeError(text, 'write for example 512, 64KiB, 10MB or 1GiB');
  }
  const bytes = Math.round(Number(match[1]) * unit);
  if (!Number.isSafeInteger(bytes)) throw new ByteSizeError(text, 'it is too large');
  return bytes;
}

/** A rounded text for people: `1536` gives `1.5 KiB`. */
export function formatByteSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let index = 0;
  while (value >= 1024 && index < units.length - 1) {
    value /= 1024;
    index += 1;
  }
  const digits = index === 0 || value >= 100 ? 0 : 1;
  return `${Number(value.toFixed(digits))} ${units[index]}`;
}
