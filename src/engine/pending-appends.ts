// Bytes that were appended and are not written yet, over all partitions. It is asked before every produce, so only
// partitions that were written to lately are looked at.

/** A partition as this sees it. */
export interface Pending {
  pendingBytes(): number;
  /** Whether it is looked at; set here only. */
  isPending: boolean;
}

export class PendingAppends {
  readonly #partitions: Pending[] = [];

  /** The partition was appended to. */
  add(partition: Pending): void {
    if (partition.isPending) return;
    partition.isPending = true;
    this.#partitions.push(partition);
  }

  bytes(): number {
    let total = 0;
    let kept = 0;
    for (const partition of this.#partitions) {
      const bytes = partition.pendingBytes();
      total += bytes;
      partition.isPending = bytes > 0;
      if (partition.isPending) this.#partitions[kept++] = partition;
    }
    this.#partitions.length = kept;
    return total;
  }
}
