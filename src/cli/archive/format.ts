// Which format a file is of: as said, else by its name.

import type { TextFormat } from '../../../tools/archive/index.ts';
import { usageError } from '../exit-codes.ts';

export type FileFormat = 'archive' | TextFormat;

const formats: readonly string[] = ['archive', 'ndjson', 'csv'] satisfies FileFormat[];

/** Throws a usage error for a format that there is not. */
export function formatOf(path: string, given: string | undefined): FileFormat {
  if (given !== undefined) {
    if (isFormat(given)) return given;
    throw usageError(`--format ${given}: write ${formats.join(', ')}`);
  }
  if (/\.(ndjson|jsonl)$/i.test(path)) return 'ndjson';
  return /\.csv$/i.test(path) ? 'csv' : 'archive';
}

function isFormat(text: string): text is FileFormat {
  return formats.includes(text);
}
