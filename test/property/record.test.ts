// Batches of any records survive a round trip through every codec; no damage to a batch crashes, hangs or grows.

import { beforeAll, describe, expect, test } from 'vitest';
import { isTidemarkError } from '../../src/base/errors.ts';
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchBytes,
  buildBatch,
  type Codec,
  codecNames,
  decompress,
  iterateBatches,
  lookInside,
  type NewRecord,
  prepareCodec,
  readRecords,
  rewriteBatchCrc,
  throwRefusal,
  validateBatch,
  verifyBatch,
} from '../../src/record/index.ts';
import { amount } from '../support/amount.ts';
import { fc } from '../support/fast-check.ts';

const field = fc.option(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)));
const record: fc.Arbitrary<NewRecord> = fc.record({
  timestamp: fc.oneof(
    fc.integer({ min: -1, max: 2 ** 31 - 1 }),
    fc.integer({ min: 1_600_000_000_000, max: 1_900_000_000_000 }),
    fc.constant(2 ** 52),
  ),
  key: field,
  value: field,
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme' }), value: field }), {
    maxLength: 4,
  }),
});
const records = fc.array(record, { minLength: 1, maxLength: 30 });
const codec = fc.constantFrom<Codec>(...codecNames);
const baseOffset = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1000 }),
);

beforeAll(async () => {
  await prepareCodec('zstd');
});

function hex(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('hex');
}

/** Runs a reader that may refuse, but only with one of our own errors. */
function refuses(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
  }
}

describe('record batches', () => {
  test('read back as they were built, alone and in a row, with every codec', () => {
    fc.assert(
      fc.property(records, codec, baseOffset, (input, name, offset) => {
        const batch = buildBatch(input, { codec: name, baseOffset: offset });
        verifyBatch(batch);
        const row = Buffer.concat([batch, batch, batch.subarray(0, batch.length - 1)]);
        const headers = [...iterateBatches(row)];
        expect(headers.length).toBe(2);
        const read = [...readRecords(batchBytes(headers[1]!))];
        expect(read.map((r) => [r.offset, r.timestamp, hex(r.key), hex(r.value)])).toEqual(
          input.map((r, i) => [offset + i, r.timestamp, hex(r.key), hex(r.value)]),
        );
        expect(read.map((r) => r.headers.map((h) => [h.key, hex(h.value)]))).toEqual(
          input.map((r) => (r.headers ?? []).map((h) => [h.key, hex(h.value)])),
        );
      }),
      { numRuns: amount(40, 300) },
    );
  });

  test('with changed bytes end in a RecordError or in records, within the bytes they have', () => {
    const change = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 0x7f, 0x80, 0xff)),
    });
    fc.assert(
      fc.property(records, codec, fc.array(change, { minLength: 1, maxLength: 8 }), (...given) => {
        const [input, name, changes] = given;
        const batch = buildBatch(input, { codec: name });
        for (const { at, byte } of changes) batch[Math.floor(at * batch.length)] = byte;
        const limit = 1024 * 1024;
        refuses(() => verifyBatch(batch));
        for (const header of walk(batch)) {
          refuses(() => {
            let seen = 0;
            for (const one of readRecords(batchBytes(header), { maxBytes: limit })) {
              seen += 1 + (one.key?.length ?? 0) + (one.value?.length ?? 0);
            }
            expect(seen).toBeLessThanOrEqual(limit);
          });
        }
        rewriteBatchCrc(batch);
        refuses(() => {
          validateBatch(batch, { produceVersion: 9, maxMessageBytes: limit });
          const times = { timestampBeforeMaxMs: 5, timestampAfterMaxMs: 5 };
          const rules = { keysRequired: true, nowMs: 0, ...times };
          const rebuild = { codec: 'gzip' } as const;
          const outcome = lookInside({ batch, rules, rebuild }, limit);
          if (outcome !== null && outcome.refused !== null) throwRefusal(outcome.refused);
        });
      }),
      { numRuns: amount(200, 2000) },
    );
  });

  test('of random bytes are refused in an orderly way', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, framed) => {
        const buffer = Buffer.from(bytes);
        if (framed && buffer.length >= BATCH_HEADER_BYTES) {
          buffer.writeInt32BE(buffer.length - 12, 8);
          buffer[16] = 2;
          rewriteBatchCrc(buffer);
        }
        for (const header of walk(buffer)) {
          refuses(() => [...readRecords(batchBytes(header), { maxBytes: 65_536 })]);
        }
        refuses(() => validateBatch(buffer, { produceVersion: 3, maxMessageBytes: 1000 }));
        refuses(() => verifyBatch(buffer));
      }),
      { numRuns: amount(200, 2000) },
    );
  });

  test('of random or damaged compressed bytes never exceed the cap', () => {
    const cap = 10_000;
    const input = fc.oneof(
      fc.tuple(codec, fc.uint8Array({ maxLength: 300 })),
      fc.tuple(codec, fc.uint8Array({ maxLength: 300 })).map(([name, bytes]) => {
        const whole = compressed(name);
        bytes.forEach((byte, i) => {
          whole[(byte * 131 + i * 7) % whole.length] = byte;
        });
        return [name, whole] as [Codec, Uint8Array];
      }),
    );
    fc.assert(
      fc.property(input, ([name, bytes]) => {
        refuses(() => {
          const plain = decompress(name, Buffer.from(bytes), cap);
          if (name !== 'none') expect(plain.length).toBeLessThanOrEqual(cap);
        });
      }),
      { numRuns: amount(200, 2000) },
    );
  });
});

function compressed(name: Codec): Buffer {
  const value = Buffer.from('some text that repeats, '.repeat(30));
  return buildBatch([{ timestamp: 1, key: null, value }], { codec: name }).subarray(
    BATCH_HEADER_BYTES,
  );
}

function walk(buffer: Buffer): BatchHeader[] {
  const headers: BatchHeader[] = [];
  try {
    for (const header of iterateBatches(buffer)) headers.push(header);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
  }
  return headers;
}
