// Which records of a topic were read, by whom first, and by whom again.

export class Seen {
  /** By partition and offset: who read it first, as a place in `#readers` plus one; 0 for nobody. */
  readonly #first: Uint8Array[];
  readonly #readers: string[] = [];
  readonly #again = new Map<string, number>();
  #distinct = 0;
  readonly #expected: number;

  /** `perPartition`: number of records in each partition. */
  constructor(partitions: number, perPartition: number) {
    this.#first = Array.from({ length: partitions }, () => new Uint8Array(perPartition));
    this.#expected = partitions * perPartition;
  }

  add(partition: number, offset: number, reader: string): void {
    const first = this.#first[partition];
    const known = first?.[offset];
    if (first === undefined || known === undefined) {
      throw new Error(`there is no record ${offset} in partition ${partition}`);
    }
    if (known === 0) {
      this.#distinct++;
      if (!this.#readers.includes(reader)) this.#readers.push(reader);
      first[offset] = this.#readers.indexOf(reader) + 1;
    } else {
      const pair = `${this.#readers[known - 1]}, then ${reader}`;
      this.#again.set(pair, (this.#again.get(pair) ?? 0) + 1);
    }
  }

  get distinct(): number {
    return this.#distinct;
  }

  /** How often records were read again: first reader, later reader, count. Empty when all were read once. */
  get repeats(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#again);
  }

  get complete(): boolean {
    return this.#distinct === this.#expected;
  }
}
