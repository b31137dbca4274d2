// Transactions as the batches of a partition tell them, and the `.txnindex` files that should say the same.

import { BatchField, decodeControlKey, readRecords } from '../record/index.ts';
import {
  ABORTED_ENTRY_BYTES,
  type AbortedTransaction,
  decodeTransactionIndex,
} from '../storage/index.ts';
import { cutOff, type IndexContext, IndexFaults } from './check-indexes.ts';
import type { BatchObserver, SeenBatch } from './check-log.ts';
import type { Finding } from './finding.ts';

/** Follows the transactions of one partition, over all its segments in order. */
export class TransactionTracker {
  /** First offset of each producer's open transaction. */
  readonly #open = new Map<number, number>();

  /** The transaction that an abort marker ends with this batch; null for any other batch. */
  see({ baseOffset, lastOffset, bytes, header }: SeenBatch): AbortedTransaction | null {
    if (!header.isTransactional) return null;
    const producerId = Number(
      header.buffer.readBigInt64BE(header.position + BatchField.producerId),
    );
    const began = this.#open.get(producerId);
    if (!header.isControl) {
      if (began === undefined) this.#open.set(producerId, baseOffset);
      return null;
    }
    this.#open.delete(producerId);
    const batch = header.buffer.subarray(header.position, header.position + bytes);
    if (!isAbort(batch)) return null;
    // Kafka's ProducerStateManager.lastStableOffset: the first offset still undecided once this one is.
    const lastStableOffset = Math.min(lastOffset + 1, ...this.#open.values());
    // An empty transaction (or one whose records are gone) leaves nothing for readers to skip.
    const firstOffset = began ?? lastOffset;
    return { version: 0, producerId, firstOffset, lastOffset, lastStableOffset };
  }
}

function isAbort(batch: Buffer): boolean {
  try {
    for (const { key } of readRecords(batch)) return decodeControlKey(key) === 'abort';
  } catch {
    // Unreadable control records are told by the deep check of the log.
  }
  return false;
}

/** Compares a `.txnindex` with the abort markers of its segment. */
export class TransactionIndexCheck implements BatchObserver {
  readonly #faults: IndexFaults;
  readonly #tracker: TransactionTracker;
  /** By offset of the marker, as the file has them. */
  readonly #unseen = new Map<number, AbortedTransaction>();
  readonly #markers: AbortedTransaction[] = [];
  readonly #checked: boolean;

  /**
   * `bytes`: empty for a file that is missing, as it is where nothing was aborted. Not `checked`, it only follows the
   * transactions.
   */
  constructor(
    bytes: Buffer,
    context: IndexContext,
    how: { readonly tracker: TransactionTracker; readonly checked: boolean },
  ) {
    this.#tracker = how.tracker;
    this.#checked = how.checked;
    this.#faults = new IndexFaults(context, 'transaction_index_wrong');
    const rest = cutOff(bytes, ABORTED_ENTRY_BYTES);
    if (rest > 0) this.#faults.add('the last entry is cut off', bytes.length - rest);
    const entries = decodeTransactionIndex(bytes);
    let previous = context.baseOffset - 1;
    entries.forEach((entry, index) => {
      const { version, firstOffset, lastOffset } = entry;
      const at = index * ABORTED_ENTRY_BYTES;
      if (version !== 0) this.#faults.add(`version ${version} of an entry is not known`, at);
      else if (lastOffset <= previous || firstOffset > lastOffset) {
        this.#faults.add('entries do not rise', at);
      }
      this.#unseen.set(lastOffset, entry);
      previous = lastOffset;
    });
  }

  batch(seen: SeenBatch): void {
    const aborted = this.#tracker.see(seen);
    if (aborted === null || !this.#checked) return;
    this.#markers.push(aborted);
    const { producerId, firstOffset, lastOffset } = aborted;
    const entry = this.#unseen.get(lastOffset);
    this.#unseen.delete(lastOffset);
    const offsets = { first: firstOffset, last: lastOffset };
    if (entry === undefined) {
      // Kafka writes no entry for a transaction without records.
      if (firstOffset === lastOffset) return;
      const words = `producer ${producerId} that ends at offset ${lastOffset}`;
      this.#faults.add(`the aborted transaction of ${words} is missing`, null, offsets);
    } else if (entry.producerId !== producerId || entry.firstOffset > firstOffset) {
      const words = `producer ${entry.producerId} from offset ${entry.firstOffset}`;
      this.#faults.add(`an entry names ${words}, the log differs`, null, offsets);
    }
  }

  finish(): Finding[] {
    if (!this.#checked) return [];
    for (const { producerId, lastOffset } of this.#unseen.values()) {
      const words = `producer ${producerId}, and offset ${lastOffset} is no abort marker`;
      this.#faults.add(`an entry names ${words}`, null, { first: lastOffset, last: lastOffset });
    }
    const findings = this.#faults.finish();
    // Only the whole partition's history can make this file anew, so what it should hold goes along.
    const transactions = this.#markers.filter((one) => one.firstOffset < one.lastOffset);
    return findings.map((item) => {
      if (item.repair === null) return item;
      const { path } = item;
      return { ...item, repair: { kind: 'write-transaction-index', path, transactions } };
    });
  }
}
