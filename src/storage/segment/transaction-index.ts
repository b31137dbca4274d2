// Which transactions of a log Apache Kafka had rolled back when its directory was taken over: Tidemark writes none, so
// that logs which began here have none of these files. Entries go by offset and stay with their segment; of a segment
// that is rewritten or goes, the file is rewritten or goes as well.
//
// `.txnindex`, 34 bytes an entry, in the order of the markers (org.apache.kafka.storage.internals.log.AbortedTxn):
//   0         2             10             18            26                  34
//   | version | producer id | first offset | last offset | last stable offset |

import type { Logger } from '../../base/ports.ts';
import { type Disk, DiskError } from '../disk/disk.ts';
import { readFileIfThere } from '../disk/small-file.ts';
import { segmentName } from './segment.ts';

export const ABORTED_ENTRY_BYTES = 34;
const VERSION = 0;

/** An aborted transaction, as the transaction index has it. */
export interface AbortedTransaction {
  readonly version: number;
  readonly producerId: number;
  readonly firstOffset: number;
  /** Offset of the abort marker. */
  readonly lastOffset: number;
  /** What was still undecided once this one was: every later entry begins at or above it. */
  readonly lastStableOffset: number;
}

/** Entries of a `.txnindex`; bytes of a cut-off last entry are left out. */
export function decodeTransactionIndex(bytes: Buffer): AbortedTransaction[] {
  const entries: AbortedTransaction[] = [];
  for (let at = 0; at + ABORTED_ENTRY_BYTES <= bytes.length; at += ABORTED_ENTRY_BYTES) {
    entries.push({
      version: bytes.readInt16BE(at),
      producerId: int64(bytes, at + 2),
      firstOffset: int64(bytes, at + 10),
      lastOffset: int64(bytes, at + 18),
      lastStableOffset: int64(bytes, at + 26),
    });
  }
  return entries;
}

export function encodeTransactionIndex(entries: readonly AbortedTransaction[]): Buffer {
  const bytes = Buffer.alloc(entries.length * ABORTED_ENTRY_BYTES);
  entries.forEach((entry, index) => {
    const at = index * ABORTED_ENTRY_BYTES;
    bytes.writeInt16BE(entry.version, at);
    bytes.writeBigInt64BE(BigInt(entry.producerId), at + 2);
    bytes.writeBigInt64BE(BigInt(entry.firstOffset), at + 10);
    bytes.writeBigInt64BE(BigInt(entry.lastOffset), at + 18);
    bytes.writeBigInt64BE(BigInt(entry.lastStableOffset), at + 26);
  });
  return bytes;
}

/**
 * Bytes of a `.txnindex`; null where there is none. Throws DiskError for one that cannot be read, or is absurdly long:
 * without it, what was rolled back would be read as committed.
 */
export async function readTransactionIndex(disk: Disk, path: string): Promise<Buffer | null> {
  const bytes = await readFileIfThere(disk, path);
  if (bytes === null && (await disk.stat(path)) !== undefined) {
    throw new DiskError('io_error', path, `${path} is too long for an index of transactions`);
  }
  return bytes;
}

/** An int64 as a number; what no safe integer holds becomes the nearest double. */
function int64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigInt64BE(at));
}

const none: readonly AbortedTransaction[] = [];

/** The aborted transactions of one log. Never changed: readers go on with what they began with. */
export class AbortedTransactions {
  /** Their markers' offsets rise. */
  readonly #entries: readonly AbortedTransaction[];

  constructor(entries: readonly AbortedTransaction[]) {
    this.#entries = entries;
  }

  /** Those that the `.txnindex` files of these segments tell of; null for none. Throws DiskError. */
  static async load(
    { disk, name, logger }: { readonly disk: Disk; readonly name: string; readonly logger: Logger },
    bases: readonly number[],
  ): Promise<AbortedTransactions | null> {
    const entries: AbortedTransaction[] = [];
    for (const base of bases) {
      const path = `${name}/${segmentName(base)}.txnindex`;
      const bytes = await readTransactionIndex(disk, path);
      for (const entry of decodeTransactionIndex(bytes ?? Buffer.alloc(0))) {
        const sound = entry.version === VERSION && entry.firstOffset <= entry.lastOffset;
        if (sound) entries.push(entry);
        else logger.warn({ path, ...entry }, 'an entry of a transaction index makes no sense');
      }
    }
    if (entries.length === 0) return null;
    return new AbortedTransactions(entries.sort((a, b) => a.lastOffset - b.lastOffset));
  }

  /** Those that may have records from `from` up to, not including, `below` (Kafka's `collectAbortedTxns`). */
  within(from: number, below: number): readonly AbortedTransaction[] {
    const first = this.#firstEndingFrom(from);
    if (first === this.#entries.length) return none;
    const found: AbortedTransaction[] = [];
    for (let at = first; at < this.#entries.length; at++) {
      const entry = this.#entries[at] as AbortedTransaction;
      if (entry.firstOffset < below) found.push(entry);
      if (entry.lastStableOffset >= below) break;
    }
    return found;
  }

  /** Place of the first entry that ends at or above `offset`. */
  #firstEndingFrom(offset: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle] as AbortedTransaction).lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
