// What is in the files of a data directory that Apache Kafka has none of: marks, journals, the catalogue.

import { ENTRY_KIND, parseJournal, parseMarks } from '../storage/index.ts';
import type { DumpEntry } from './dump.ts';

/** The records of a catalogue's file, and where it is damaged. */
export interface CatalogueRecords {
  readonly records: readonly unknown[];
  readonly bad: readonly { readonly position: number; readonly bytes: number }[];
}

/** Marks as the next start takes them: the last of each log. */
export function* dumpMarks(bytes: Buffer): Generator<DumpEntry, void, undefined> {
  const { marks, lost } = parseMarks(bytes);
  for (const mark of marks.values()) yield { kind: 'mark', ...mark };
  const what = 'among the marks are bytes that are none';
  if (lost) yield { kind: 'damage', position: 0, bytes: bytes.length, what };
}

/** Entries that can be read; an unclean stop leaves bytes behind the last one, and they are no damage. */
export function* dumpJournal(bytes: Buffer, path: string): Generator<DumpEntry, void, undefined> {
  for (const { kind, key, segmentBase, position, data } of parseJournal(bytes, path)) {
    const [topicId = '', log = ''] = key.split(' ');
    if (kind === ENTRY_KIND.forget) yield { kind: 'journal-forget', log, topicId };
    else yield { kind: 'journal-batches', log, topicId, segmentBase, position, bytes: data.length };
  }
}

export function* dumpCatalogue({
  records,
  bad,
}: CatalogueRecords): Generator<DumpEntry, void, undefined> {
  for (const record of records) yield { kind: 'catalogue-record', record };
  const what = 'a record of the catalogue cannot be read';
  for (const stretch of bad) yield { kind: 'damage', ...stretch, what };
}
