// Reads the fields of one record of Apache Kafka's own, in turn: in the flexible encoding of its messages (compact
// lengths, tagged fields), and in the one before.

import { formatUuid, UUID_BYTES } from '../base/uuid.ts';
import { type Cursor, readUnsignedVarint } from '../base/varint.ts';

/** Its methods throw RangeError and VarintError where the bytes end too early. */
export class FieldReader {
  readonly #bytes: Buffer;
  readonly #cursor: Cursor;

  constructor(bytes: Buffer, position = 0) {
    this.#bytes = bytes;
    this.#cursor = { position };
  }

  varint(): number {
    return readUnsignedVarint(this.#bytes, this.#cursor, this.#bytes.length);
  }

  int8(): number {
    return this.#bytes.readInt8(this.#take(1));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  uuid(): string {
    return formatUuid(this.#bytes, this.#take(UUID_BYTES));
  }

  /** A compact nullable string. */
  text(): string | null {
    const length = this.varint() - 1;
    return length < 0 ? null : this.#utf8(length);
  }

  /** A string with an int16 before it. */
  plainText(): string {
    return this.#utf8(this.#bytes.readInt16BE(this.#take(2)));
  }

  /** Passes tagged fields. */
  skipTags(): void {
    for (let left = this.varint(); left > 0; left--) {
      this.varint();
      this.#take(this.varint());
    }
  }

  #utf8(length: number): string {
    const from = this.#take(length);
    return this.#bytes.toString('utf8', from, from + length);
  }

  #take(count: number): number {
    const from = this.#cursor.position;
    if (count < 0 || count > this.#bytes.length - from)
      throw new RangeError('a record of Kafka is cut off');
    this.#cursor.position = from + count;
    return from;
  }
}
