// The keys of a batch, as compaction reads them.

import {
  BatchHeader,
  expandRecords,
  RecordError,
  RecordScanner,
  recordsContext,
} from '../../record/index.ts';
import type { KeyMap } from './key-map.ts';

/** The key of the record that the scanner is at, a view; null for none. */
export function keyOf({ section, keyAt, keyLength }: RecordScanner): Buffer | null {
  return keyLength < 0 ? null : section.subarray(keyAt, keyAt + keyLength);
}

/** Puts the batch's keys into the map; false when one did not fit. A batch that does not parse has no keys. */
export function noteKeys(batch: Buffer, map: KeyMap): boolean {
  try {
    const section = expandRecords(batch);
    // All of it is read before any key counts.
    const context = recordsContext(new BatchHeader(batch));
    for (const scanner = new RecordScanner(section, context); scanner.next(); ) scanner.headers();
    for (const scanner = new RecordScanner(section, context); scanner.next(); ) {
      const key = keyOf(scanner);
      if (key !== null && !map.put(key, scanner.offset)) return false;
    }
    return true;
  } catch (error) {
    if (error instanceof RecordError) return true;
    throw error;
  }
}
