// How often each record of a topic was read, by partition and offset.

export class Seen {
  readonly #counts: Uint8Array[];
  #distinct = 0;
  #total = 0;
  readonly #expected: number;

  /** `perPartition`: number of records in each partition. */
  constructor(partitions: number, perPartition: number) {
    this.#counts = Array.from({ length: partitions }, () => new Uint8Array(perPartition));
    this.#expected = partitions * perPartition;
  }

  add(partition: number, offset: number): void {
    const counts = this.#counts[partition];
    const count = counts?.[offset];
    if (counts === undefined || count === undefined) {
      throw new Error(`there is no record ${offset} in partition ${partition}`);
    }
    if (count === 0) this.#distinct++;
    this.#total++;
    counts[offset] = Math.min(255, count + 1);
  }

  get distinct(): number {
    return this.#distinct;
  }

  /** Readings beyond the first of each record. */
  get repeats(): number {
    return this.#total - this.#distinct;
  }

  get complete(): boolean {
    return this.#distinct === this.#expected;
  }
}
