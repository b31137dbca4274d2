// CRC-32C (Castagnoli), the checksum of a record batch. Plain JavaScript, eight bytes a step, with
// an optional native routine that src/host/accelerators.ts installs for long inputs.

const POLYNOMIAL = 0x82f63b78;

/**
 * Computes CRC-32C of `bytes`, going on from an earlier result `seed` (0 to begin). Returns a
 * uint32.
 */
export type Crc32cFunction = (bytes: Uint8Array, seed: number) => number;

// Eight tables of 256 in one array: table k holds the effect of a byte that k more bytes follow.
const tables = makeTables();

function makeTables(): Int32Array {
  const table = new Int32Array(8 * 256);
  for (let index = 0; index < 256; index++) {
    let crc = index;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (-(crc & 1) & POLYNOMIAL);
    table[index] = crc;
  }
  for (let index = 256; index < table.length; index++) {
    const before = table[index - 256] as number;
    table[index] = (before >>> 8) ^ (table[before & 0xff] as number);
  }
  return table;
}

/** The plain JavaScript routine ("slicing by 8"); {@link crc32c} picks it for short inputs. */
export function crc32cPlain(bytes: Uint8Array, seed: number): number {
  const t = tables;
  const length = bytes.length;
  let crc = ~seed;
  let i = 0;
  for (const end = length - 7; i < end; i += 8) {
    const a = bytes[i] as number;
    const b = bytes[i + 1] as number;
    const c = bytes[i + 2] as number;
    const d = bytes[i + 3] as number;
    const low = crc ^ (a | (b << 8) | (c << 16) | (d << 24));
    crc =
      (t[1792 + (low & 0xff)] as number) ^
      (t[1536 + ((low >>> 8) & 0xff)] as number) ^
      (t[1280 + ((low >>> 16) & 0xff)] as number) ^
      (t[1024 + (low >>> 24)] as number) ^
      (t[768 + (bytes[i + 4] as number)] as number) ^
      (t[512 + (bytes[i + 5] as number)] as number) ^
      (t[256 + (bytes[i + 6] as number)] as number) ^
      (t[bytes[i + 7] as number] as number);
  }
  for (; i < length; i++) {
    crc = (crc >>> 8) ^ (t[(crc ^ (bytes[i] as number)) & 0xff] as number);
  }
  return ~crc >>> 0;
}

let native: Crc32cFunction = crc32cPlain;
let nativeBytesMin = Number.POSITIVE_INFINITY;

/**
 * Uses `routine` for inputs of `bytesMin` bytes and more, from now on and for the whole process
 * (a call into native code has a fixed cost that short inputs do not earn back).
 */
export function installCrc32c(routine: Crc32cFunction, bytesMin: number): void {
  native = routine;
  nativeBytesMin = bytesMin;
}

/** CRC-32C of `bytes` as a uint32; `seed` is the result for what came before them. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  return bytes.length < nativeBytesMin ? crc32cPlain(bytes, seed) : native(bytes, seed);
}

/** CRC-32C of several buffers as if they were one. */
export function crc32cParts(parts: readonly Uint8Array[], seed = 0): number {
  let crc = seed;
  for (const part of parts) crc = crc32c(part, crc);
  return crc;
}
