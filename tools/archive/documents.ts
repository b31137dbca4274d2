// What is in an archive: one head, blocks of batches, one end. Plain MessagePack maps, so that any language reads them.

import { Packr } from 'msgpackr/pack';

/** A topic as it was when it was exported. */
export interface ArchivedTopic {
  readonly name: string;
  readonly partitions: number;
  /** Configs that were set on the topic itself. */
  readonly configs: Readonly<Record<string, string>>;
}

/** Offsets of one partition that an archive holds, `from` up to and not including `to`. */
export interface ArchiveStretch {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

export interface ArchiveHead {
  readonly type: 'head';
  readonly format: 'tidemark-archive';
  readonly version: 1;
  /** For people who find the file. */
  readonly about: string;
  readonly createdMs: number;
  readonly by: string;
  readonly clusterId: string | null;
  readonly topics: readonly ArchivedTopic[];
  readonly stretches: readonly ArchiveStretch[];
}

/** Batches that lie one after the other. Only their records from `from` on and before `to` belong to the archive. */
export interface ArchiveBlock extends ArchiveStretch {
  readonly type: 'batches';
  readonly records: number;
  /** Record batches v2 (KIP-98), one after the other, as in the log. */
  readonly bytes: Buffer;
}

/** What an archive holds of one partition. */
export interface PartitionTotals extends ArchiveStretch {
  readonly records: number;
  /** Bytes of the batches, or of keys and values in text. */
  readonly bytes: number;
  /** Offset of the first and the last record; -1 without records. */
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** Offsets between the two that have no record. */
  readonly missing: number;
  readonly maxTimestamp: number;
}

export interface ArchiveEnd {
  readonly type: 'end';
  readonly finishedMs: number;
  readonly partitions: readonly PartitionTotals[];
}

export type ArchiveDocument = ArchiveHead | ArchiveBlock | ArchiveEnd;

/** The text in every head. */
export const ABOUT =
  'Kafka records, exported by "tidemark archive export". A stream of Zstandard frames, each holding one MessagePack ' +
  'map: a head, then blocks ({ type: "batches", topic, partition, from, to, records, bytes }, where bytes are Kafka ' +
  'record batches of format v2, KIP-98, and only records from offset "from" on and before "to" count), then an end ' +
  'with totals. "tidemark archive verify" checks it, "tidemark archive import" writes it into topics.';

const packr = new Packr({ useRecords: false, int64AsType: 'number', variableMapSize: true });

/** A document's bytes. */
export function packDocument(document: ArchiveHead | ArchiveEnd): Buffer {
  return packr.pack(document);
}

/** First byte of a map of up to 15 entries; the number is in its lower half. */
const SMALL_MAP = 0x80;
/** The key "bytes", and that a byte string of 32-bit length follows. */
const BYTES_KEY = Buffer.from([0xa5, ...Buffer.from('bytes'), 0xc6]);

/** A block's bytes up to those of its batches, which are the rest. */
export function packBlockHead(block: Omit<ArchiveBlock, 'bytes'>, bytes: number): Buffer {
  const entries = packr.pack(block);
  const head = Buffer.allocUnsafe(entries.length + BYTES_KEY.length + 4);
  entries.copy(head);
  head[0] = SMALL_MAP + Object.keys(block).length + 1;
  BYTES_KEY.copy(head, entries.length);
  head.writeUInt32BE(bytes, head.length - 4);
  return head;
}

/** Null for bytes that are no document. */
export function unpackDocument(bytes: Buffer): ArchiveDocument | null {
  let value: unknown;
  try {
    value = packr.unpack(bytes);
  } catch {
    return null;
  }
  return isDocument(value) ? value : null;
}

function isDocument(value: unknown): value is ArchiveDocument {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false;
  switch (value.type) {
    case 'head':
      return 'topics' in value && Array.isArray(value.topics) && 'stretches' in value;
    case 'batches':
      return isStretch(value) && 'bytes' in value && Buffer.isBuffer(value.bytes);
    case 'end':
      return 'partitions' in value && Array.isArray(value.partitions);
    default:
      return false;
  }
}

function isStretch(value: object): value is ArchiveStretch {
  const { topic, partition, from, to } = value as Partial<ArchiveStretch>;
  if (typeof topic !== 'string' || !Number.isSafeInteger(partition)) return false;
  return Number.isSafeInteger(from) && Number.isSafeInteger(to) && Number(from) <= Number(to);
}
