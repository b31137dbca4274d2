// The file of the marks, written and read by marks.ts.
//
// `<data>/marks`, entries in a row, all integers big-endian:
//   uint32 magic "TMMK", uint32 crc32c of all that follows, uint8 flags (1 removed, 2 closed cleanly, 4 the checksum of
//   the epochs is there),
//   uint8 0, uint16 identity length, int64 mark, int64 start offset, int64 recovery offset,
//   int64 largest timestamp of the active segment, int64 its offset, int64 timestamp of that segment's first batch,
//   uint32 recovery position in the segment that holds the recovery offset, int32 leader epoch,
//   uint32 crc32c of the leader epochs that began below the mark (with flag 4), identity (log-identity.ts)
// The last good entry of a log counts. An entry that is not whole is stepped over.

import { crc32c } from '../../base/crc32c.ts';
import { readInt64, writeInt64 } from '../../base/int64.ts';
import type { DiskError } from '../disk/disk.ts';
import { logIdentity, parseLogIdentity } from './log-identity.ts';

const MAGIC = 0x544d4d4b;
const ENTRY_BYTES = 68;
const REMOVED = 1;
const CLEAN = 2;
const HAS_EPOCHS = 4;
const EPOCHS_BYTES = 4;

/** What is kept of one log. */
export interface Mark {
  readonly name: string;
  readonly topicId: string;
  /** Everything below was committed. */
  readonly mark: number;
  readonly startOffset: number;
  /** Below, segments and indexes are synced; `recoveryPosition` is where this offset begins in its segment. */
  readonly recoveryOffset: number;
  readonly recoveryPosition: number;
  readonly maxTimestamp: number;
  readonly maxTimestampOffset: number;
  readonly firstTimestamp: number;
  /** The newest leader epoch, in case its own file is lost. */
  readonly leaderEpoch: number;
  /** Of the epochs that began below the mark (`LeaderEpochs.checksumBelow`); null when it is not known. */
  readonly epochsChecksum: number | null;
  /** The log was closed and nothing was written since. */
  readonly clean: boolean;
}

export type MarkChange = Partial<Omit<Mark, 'name' | 'topicId'>>;

/** What the file said at the start. `lost`: it is missing or holds bytes that are no entries. */
export interface LoadedMarks {
  readonly marks: Map<string, Mark>;
  readonly lost: boolean;
  /** Why the disk did not give the file; null when it did, or has none. */
  readonly refused: DiskError | null;
}

/** A log's entry. */
export function encodeMark(mark: Mark): Buffer {
  return encode(mark, mark.clean ? CLEAN : 0);
}

function encode(mark: Mark, flags: number): Buffer {
  const identity = logIdentity(mark);
  const identityBytes = Buffer.byteLength(identity);
  const { epochsChecksum } = mark;
  const fixed = epochsChecksum === null ? ENTRY_BYTES : ENTRY_BYTES + EPOCHS_BYTES;
  const bytes = Buffer.allocUnsafe(fixed + identityBytes);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt8(epochsChecksum === null ? flags : flags | HAS_EPOCHS, 8);
  bytes.writeUInt8(0, 9);
  bytes.writeUInt16BE(identityBytes, 10);
  writeInt64(bytes, 12, mark.mark);
  writeInt64(bytes, 20, mark.startOffset);
  writeInt64(bytes, 28, mark.recoveryOffset);
  writeInt64(bytes, 36, mark.maxTimestamp);
  writeInt64(bytes, 44, mark.maxTimestampOffset);
  writeInt64(bytes, 52, mark.firstTimestamp);
  bytes.writeUInt32BE(mark.recoveryPosition, 60);
  bytes.writeInt32BE(mark.leaderEpoch, 64);
  if (epochsChecksum !== null) bytes.writeUInt32BE(epochsChecksum, ENTRY_BYTES);
  bytes.write(identity, fixed);
  bytes.writeUInt32BE(crc32c(bytes.subarray(8)), 4);
  return bytes;
}

function decode(bytes: Buffer, at: number): { mark: Mark; flags: number; length: number } | null {
  if (at + ENTRY_BYTES > bytes.length || bytes.readUInt32BE(at) !== MAGIC) return null;
  const flags = bytes.readUInt8(at + 8);
  const fixed = (flags & HAS_EPOCHS) === 0 ? ENTRY_BYTES : ENTRY_BYTES + EPOCHS_BYTES;
  const length = fixed + bytes.readUInt16BE(at + 10);
  if (at + length > bytes.length) return null;
  if (crc32c(bytes.subarray(at + 8, at + length)) !== bytes.readUInt32BE(at + 4)) return null;
  const mark: Mark = {
    ...parseLogIdentity(bytes.toString('utf8', at + fixed, at + length)),
    mark: readInt64(bytes, at + 12),
    startOffset: readInt64(bytes, at + 20),
    recoveryOffset: readInt64(bytes, at + 28),
    recoveryPosition: bytes.readUInt32BE(at + 60),
    maxTimestamp: readInt64(bytes, at + 36),
    maxTimestampOffset: readInt64(bytes, at + 44),
    firstTimestamp: readInt64(bytes, at + 52),
    leaderEpoch: bytes.readInt32BE(at + 64),
    epochsChecksum: fixed === ENTRY_BYTES ? null : bytes.readUInt32BE(at + ENTRY_BYTES),
    clean: (flags & CLEAN) !== 0,
  };
  return { mark, flags, length };
}

/** Reads the marks out of a file's bytes. */
export function parseMarks(bytes: Buffer | null): LoadedMarks {
  const marks = new Map<string, Mark>();
  if (bytes === null) return { marks, lost: true, refused: null };
  let lost = false;
  let bad = false;
  for (let at = 0; at < bytes.length; ) {
    const entry = decode(bytes, at);
    if (entry === null) {
      bad = true;
      at++;
      continue;
    }
    // Bad bytes at the end are an append that a crash cut short; before a good entry they are damage.
    if (bad) lost = true;
    if ((entry.flags & REMOVED) !== 0) marks.delete(entry.mark.name);
    else marks.set(entry.mark.name, entry.mark);
    at += entry.length;
  }
  return { marks, lost, refused: null };
}

/** The entry of a log that is gone. */
export function encodeRemoved(name: string): Buffer {
  const nothing = { mark: 0, startOffset: 0, recoveryOffset: 0, recoveryPosition: 0 };
  const times = { maxTimestamp: -1, maxTimestampOffset: 0, firstTimestamp: -1 };
  const epochs = { leaderEpoch: -1, epochsChecksum: null };
  const mark = { name, topicId: '-', ...nothing, ...times, ...epochs, clean: false };
  return encode(mark, REMOVED);
}
