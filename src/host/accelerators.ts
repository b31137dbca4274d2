// Optional native routines. Everything works without them; they load from packages that need no
// build.

import { createRequire } from 'node:module';
import { type Crc32cFunction, crc32c, crc32cPlain, installCrc32c } from '../base/crc32c.ts';

interface NativeCrc32 {
  crc32c(bytes: Uint8Array, initial: number): number;
}

/**
 * Below this a call into native code costs more than it saves. Median ns a call, JavaScript and
 * native (bench/micro/crc.bench.ts, Node 20.20, x86-64): 64 bytes 100 / 220, 128 bytes 160 / 231,
 * 256 bytes 271 / 250, 1 KiB 942 / 420, 16 KiB 14,206 / 3,497, 1 MiB 936,724 / 204,043.
 */
export const NATIVE_CRC_BYTES_MIN = 256;

let installed = false;

/**
 * Uses what is installed, from the first long input on: loading takes a few milliseconds, which a start can do without.
 * Call it once, early, in each thread; a second call changes nothing.
 */
export function useAccelerators(): void {
  if (installed) return;
  installed = true;
  installCrc32c((bytes, seed) => {
    const native = loadCrc32c();
    installCrc32c(
      native ?? crc32cPlain,
      native === null ? Number.POSITIVE_INFINITY : NATIVE_CRC_BYTES_MIN,
    );
    return crc32c(bytes, seed);
  }, NATIVE_CRC_BYTES_MIN);
}

/** Null where there is none. */
function loadCrc32c(): Crc32cFunction | null {
  try {
    const native = createRequire(import.meta.url)('@node-rs/crc32') as NativeCrc32;
    // A wrong checksum routine would refuse, or accept, everybody's data: trust it only after the
    // known answer.
    const known = native.crc32c(new TextEncoder().encode('123456789'), 0) === 0xe306_9283;
    return known ? (bytes, seed) => native.crc32c(bytes, seed) : null;
  } catch {
    return null;
  }
}
