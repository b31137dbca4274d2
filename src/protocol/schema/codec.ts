import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** Reads and writes one schema in one version. */
export interface Codec {
  read(reader: Reader): unknown;
  write(writer: Writer, value: unknown): void;
}

/** Gives a value whose optional fields may be missing all its fields, in schema order. */
export type Complete = (value: unknown) => unknown;
