// What Kafka's Java classes made (fixtures/RecordFixtures.java), and the same records described again.

import { readFileSync } from 'node:fs';
import type { NewRecord, StoredRecord } from '../../../src/record/index.ts';

const file = JSON.parse(
  readFileSync(new URL('./fixtures/java-batches.json', import.meta.url), 'utf8'),
) as Record<string, string> & { murmur2: Record<string, number> };

export const javaMurmur2 = file.murmur2;

/** A batch that Java wrote, as a fresh buffer. */
export function javaBatch(name: string): Buffer {
  const base64 = file[name];
  if (base64 === undefined) throw new Error(`no fixture ${name}`);
  return Buffer.from(base64, 'base64');
}

/** Record number `i` of every fixture. */
export function fixtureRecord(i: number): NewRecord {
  return {
    timestamp: 1_700_000_000_000 + (i % 2 === 0 ? i * 1000 : -i * 77_777),
    key: i % 4 === 3 ? null : Buffer.from(`key-${i}`),
    value: i % 5 === 4 ? null : Buffer.from(`value ${i} äöü `.repeat(1 + (i % 7))),
    headers: Array.from({ length: i % 3 }, (_, h) => ({
      key: `header-${h}`,
      value: h === 1 ? null : Buffer.from(`h${i}`),
    })),
  };
}

export function fixtureRecords(count: number): NewRecord[] {
  return Array.from({ length: count }, (_, i) => fixtureRecord(i));
}

/** Header fields that all fixtures share. */
export const fixtureOptions = { baseOffset: 1_234_567_890_123, partitionLeaderEpoch: 42 } as const;
export const fixtureProducer = {
  producerId: 987_654_321_098,
  producerEpoch: 7,
  baseSequence: 2_147_483_600,
} as const;
export const fixtureLogAppendTimeMs = 1_700_000_111_222;

/** Comparable text of a record, whichever kind. */
export function plain(record: NewRecord | StoredRecord): unknown {
  return {
    timestamp: record.timestamp,
    key: hex(record.key),
    value: hex(record.value),
    headers: (record.headers ?? []).map(({ key, value }) => [key, hex(value)]),
  };
}

function hex(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('hex');
}
