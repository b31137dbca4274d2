// The journal's files, written by journal.ts and read by journal-replay.ts.
//
// `<data>/journal/<generation>.journal`:  file header, then entries in a row; all integers big-endian.
//   file header   uint32 magic "TMJF", uint32 version (ours is 1, a later format counts up), 8 bytes salt
//   entry         uint32 magic "TMJE", uint32 crc32c (seeded with the salt) of all that follows,
//                 uint8 kind (1 batches, 2 forget), uint8 0, uint16 identity length,
//                 int64 segment base offset, uint32 position in the segment, uint32 data length,
//                 identity in UTF-8 (log-identity.ts), data
// The salt keeps a record's bytes from passing for an entry. `forget` voids all earlier entries of its log.

import { crc32c, crc32cParts } from '../../base/crc32c.ts';
import { TidemarkError } from '../../base/errors.ts';
import { readInt64, writeInt64 } from '../../base/int64.ts';

export const JOURNAL_DIRECTORY = 'journal';
const JOURNAL_FILE_MAGIC = 0x544d4a46;
const JOURNAL_VERSION = 1;
const JOURNAL_ENTRY_MAGIC = 0x544d4a45;
export const JOURNAL_HEADER_BYTES = 16;
const JOURNAL_ENTRY_BYTES = 28;
export const ENTRY_KIND = { batches: 1, forget: 2 } as const;

/** A journal file of a later format: what it holds may be committed, and is nowhere else. */
export class JournalVersionError extends TidemarkError<'journal_version'> {
  constructor(path: string, version: number) {
    const found = `${path} has format version ${version}, this version of Tidemark reads ${JOURNAL_VERSION}`;
    const why = 'a newer version did not stop cleanly, and commits may be in that file alone';
    const next = 'start the newer version once and stop it cleanly (SIGTERM), then this one';
    super('journal_version', `${found}: ${why}; ${next}`);
  }
}

/** The beginning of a file. */
export function journalHeader(salt: Buffer): Buffer {
  const header = Buffer.alloc(JOURNAL_HEADER_BYTES);
  header.writeUInt32BE(JOURNAL_FILE_MAGIC, 0);
  header.writeUInt32BE(JOURNAL_VERSION, 4);
  salt.copy(header, 8);
  return header;
}

/** A stretch of a segment. */
export interface EntryPlace {
  readonly segmentBase: number;
  readonly position: number;
  readonly parts: readonly Buffer[];
  readonly bytes: number;
}

/** The head of an entry; the parts follow it. */
export function encodeEntry(seed: number, kind: number, key: string, place: EntryPlace): Buffer {
  const keyBytes = Buffer.byteLength(key);
  const head = Buffer.allocUnsafe(JOURNAL_ENTRY_BYTES + keyBytes);
  head.writeUInt32BE(JOURNAL_ENTRY_MAGIC, 0);
  head.writeUInt8(kind, 8);
  head.writeUInt8(0, 9);
  head.writeUInt16BE(keyBytes, 10);
  writeInt64(head, 12, place.segmentBase);
  head.writeUInt32BE(place.position, 20);
  head.writeUInt32BE(place.bytes, 24);
  head.write(key, JOURNAL_ENTRY_BYTES);
  const crc = crc32cParts(place.parts, crc32c(head.subarray(8), seed));
  head.writeUInt32BE(crc, 4);
  return head;
}

/** An entry as read back. */
export interface ReplayEntry {
  readonly kind: number;
  /** Of its log (log-identity.ts). */
  readonly key: string;
  readonly segmentBase: number;
  readonly position: number;
  readonly data: Buffer;
}

/**
 * Whether a file that begins with `bytes` may have entries. A header is made durable with the first of them at the
 * latest, so one that is cut off or has zeros has none. Throws {@link JournalVersionError}.
 */
export function hasJournalHeader(bytes: Buffer, path: string): boolean {
  if (bytes.length < JOURNAL_HEADER_BYTES || bytes.readUInt32BE(0) !== JOURNAL_FILE_MAGIC) {
    return false;
  }
  const version = bytes.readUInt32BE(4);
  if (version > JOURNAL_VERSION) throw new JournalVersionError(path, version);
  return version === JOURNAL_VERSION;
}

/**
 * The good entries of one journal file, in order; what is damaged is stepped over. Throws
 * {@link JournalVersionError}, which names `path`.
 */
export function parseJournal(bytes: Buffer, path: string): ReplayEntry[] {
  const entries: ReplayEntry[] = [];
  if (!hasJournalHeader(bytes, path)) return entries;
  const seed = crc32c(bytes.subarray(8, JOURNAL_HEADER_BYTES));
  let at = JOURNAL_HEADER_BYTES;
  while (at + JOURNAL_ENTRY_BYTES <= bytes.length) {
    const entry = parseEntry(bytes, at, seed);
    if (entry === null) {
      at++;
      continue;
    }
    entries.push(entry);
    at += JOURNAL_ENTRY_BYTES + Buffer.byteLength(entry.key) + entry.data.length;
  }
  return entries;
}

function parseEntry(bytes: Buffer, at: number, seed: number): ReplayEntry | null {
  if (bytes.readUInt32BE(at) !== JOURNAL_ENTRY_MAGIC) return null;
  const identityBytes = bytes.readUInt16BE(at + 10);
  const dataBytes = bytes.readUInt32BE(at + 24);
  const dataAt = at + JOURNAL_ENTRY_BYTES + identityBytes;
  const end = dataAt + dataBytes;
  if (end > bytes.length) return null;
  if (crc32c(bytes.subarray(at + 8, end), seed) !== bytes.readUInt32BE(at + 4)) return null;
  return {
    kind: bytes.readUInt8(at + 8),
    key: bytes.toString('utf8', at + JOURNAL_ENTRY_BYTES, dataAt),
    segmentBase: readInt64(bytes, at + 12),
    position: bytes.readUInt32BE(at + 20),
    data: bytes.subarray(dataAt, end),
  };
}
