// CRC-32C: plain JavaScript against @node-rs/crc32, by size. Decides NATIVE_CRC_BYTES_MIN in src/host/accelerators.ts.

import { createRequire } from 'node:module';
import { Bench } from 'tinybench';
import { type Crc32cFunction, crc32cPlain } from '../../src/base/crc32c.ts';
import { sink, type Timing } from './timing.ts';

const sizes = [32, 64, 128, 256, 1024, 16_384, 1_048_576];

/** Tasks are named `javascript 1024`, `native 1024`: bytes per call. Native only where installed. */
export function crcSuite(timing: Timing): Bench {
  const bench = new Bench(timing);
  const native = loadNative();
  for (const size of sizes) {
    const bytes = Buffer.alloc(size, 'some bytes of a record ');
    bench.add(`javascript ${size}`, () => {
      sink.value += crc32cPlain(bytes, 0);
    });
    if (native === undefined) continue;
    bench.add(`native ${size}`, () => {
      sink.value += native(bytes, 0);
    });
  }
  return bench;
}

function loadNative(): Crc32cFunction | undefined {
  try {
    return createRequire(import.meta.url)('@node-rs/crc32').crc32c as Crc32cFunction;
  } catch {
    return undefined;
  }
}
