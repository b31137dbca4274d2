// The codecs on 100 KB of JSON lines and on a 16 KiB batch's worth. Call prepareCodec('zstd') before running.

import { Bench } from 'tinybench';
import { usePlainSnappy } from '../../src/record/codec/snappy.ts';
import { codecNames, compress, decompress } from '../../src/record/index.ts';
import type { Timing } from './timing.ts';

function jsonLines(bytes: number): Buffer {
  const lines: string[] = [];
  for (let i = 0, length = 0; length < bytes; i++) {
    const line = JSON.stringify({
      id: i,
      url: `https://example.org/page/${(i * 7919) % 100_003}`,
      status: i % 17 === 0 ? 404 : 200,
      title: `Page number ${i} about ${['cats', 'dogs', 'logs', 'queues'][i % 4]}`,
      fetched: 1_700_000_000_000 + i * 37,
    });
    lines.push(line);
    length += line.length + 1;
  }
  return Buffer.from(lines.join('\n')).subarray(0, bytes);
}

/** Tasks are named `compress lz4 100000`: bytes of plain data per call. */
export function codecsSuite(timing: Timing): Bench {
  const bench = new Bench(timing);
  for (const size of [16_384, 100_000]) {
    const plain = jsonLines(size);
    for (const codec of codecNames.slice(1)) {
      const packed = compress(codec, plain);
      bench.add(`compress ${codec} ${size}`, () => {
        compress(codec, plain);
      });
      bench.add(`decompress ${codec} ${size}`, () => {
        decompress(codec, packed);
      });
    }
    const packed = compress('snappy', plain);
    const usePlain = {
      beforeAll: () => usePlainSnappy(true),
      afterAll: () => usePlainSnappy(false),
    };
    bench.add(`compress snappyjs ${size}`, () => void compress('snappy', plain), usePlain);
    bench.add(`decompress snappyjs ${size}`, () => void decompress('snappy', packed), usePlain);
  }
  return bench;
}
