// Optional native routines. Everything works without them; they load from packages that need no
// build.

import { createRequire } from 'node:module';
import { installCrc32c } from '../base/crc32c.ts';

interface NativeCrc32 {
  crc32c(bytes: Uint8Array, initial: number): number;
}

/**
 * Below this a call into native code costs more than it saves. Median ns a call, JavaScript and
 * native (bench/micro/crc.bench.ts, Node 20.20, x86-64): 64 bytes 100 / 220, 128 bytes 160 / 231,
 * 256 bytes 271 / 250, 1 KiB 942 / 420, 16 KiB 14,206 / 3,497, 1 MiB 936,724 / 204,043.
 */
export const NATIVE_CRC_BYTES_MIN = 256;

/** Which accelerators are in use. */
export interface Accelerators {
  readonly crc32c: 'native' | 'javascript';
}

/** Loads what is installed. Call it once, early, in each thread; a second call changes nothing. */
export function loadAccelerators(): Accelerators {
  try {
    const native = createRequire(import.meta.url)('@node-rs/crc32') as NativeCrc32;
    // A wrong checksum routine would refuse, or accept, everybody's data: trust it only after the
    // known answer.
    if (native.crc32c(new TextEncoder().encode('123456789'), 0) !== 0xe306_9283) {
      return { crc32c: 'javascript' };
    }
    installCrc32c((bytes, seed) => native.crc32c(bytes, seed), NATIVE_CRC_BYTES_MIN);
    return { crc32c: 'native' };
  } catch {
    return { crc32c: 'javascript' };
  }
}
