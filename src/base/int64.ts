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
