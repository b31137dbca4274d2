// 64-bit integers as numbers, without a bigint for each: they are read and written with every batch.

/** Reads an int64; NaN when it is not a safe integer. */
export function readInt64(buffer: Buffer, position: number): number {
  const value = buffer.readInt32BE(position) * 0x1_0000_0000 + buffer.readUInt32BE(position + 4);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

/** Writes a safe integer as an int64; answers the position behind it. */
export function writeInt64(buffer: Buffer, position: number, value: number): number {
  const high = Math.floor(value / 0x1_0000_0000);
  buffer.writeInt32BE(high, position);
  return buffer.writeUInt32BE(value - high * 0x1_0000_0000, position + 4);
}

/** The sum of two safe integers, as far as that is one: what lies beyond becomes the nearest. */
export function saturatedSum(a: number, b: number): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, a + b));
}
