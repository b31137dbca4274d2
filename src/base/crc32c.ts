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

/**
 * What becomes of `crc`, the CRC-32C of a message, when its beginning changes: `was` is the CRC of the beginning before
 * that, `is` after it, and `following` the number of bytes behind, which are not read. A wrong CRC stays wrong.
 */
export function crc32cReplaced(
  crc: number,
  { was, is, following }: { readonly was: number; readonly is: number; readonly following: number },
): number {
  // A CRC is linear: what the change does to it is carried over the bytes that follow, which are powers of x.
  return (crc ^ timesModulo(powerOfBytes(following), was ^ is)) >>> 0;
}

/** x to the 2ᵏ, modulo the polynomial, the highest power in the lowest bit; made when first needed. */
let squares: Int32Array | null = null;

function makeSquares(): Int32Array {
  const powers = new Int32Array(40);
  powers[0] = 0x4000_0000;
  for (let k = 1; k < powers.length; k++) {
    powers[k] = timesModulo(powers[k - 1] as number, powers[k - 1] as number);
  }
  return powers;
}

/** x to the 8 · `bytes`. */
function powerOfBytes(bytes: number): number {
  squares ??= makeSquares();
  let power = 0x8000_0000 | 0;
  for (let left = bytes, k = 3; left > 0; left = Math.floor(left / 2), k++) {
    if (left % 2 === 1) power = timesModulo(power, squares[k] as number);
  }
  return power;
}

/** The product of two polynomials, modulo ours. */
function timesModulo(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bit = 31; bit >= 0; bit--) {
    product ^= -((a >>> bit) & 1) & factor;
    factor = (factor >>> 1) ^ (-(factor & 1) & POLYNOMIAL);
  }
  return product;
}
