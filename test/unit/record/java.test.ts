// Java reads what we write. Needs a folder of Kafka's jars and a JDK:
//   KAFKA_LIBS=/path/to/kafka/libs npx vitest run --config test/vitest.config.ts test/unit/record

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { usePlainSnappy } from '../../../src/record/codec/snappy.ts';
import {
  BatchHeader,
  buildBatch,
  buildEndTransactionBatch,
  codecNames,
  codecOf,
  prepareCodec,
  readRecords,
} from '../../../src/record/index.ts';
import { fixtureLogAppendTimeMs, fixtureProducer, fixtureRecords } from './fixtures.ts';

const libs = process.env.KAFKA_LIBS;
const program = new URL('../../support/java/ReadBatches.java', import.meta.url).pathname;

function hex(bytes: Buffer | null): string {
  return bytes === null ? '-' : bytes.toString('hex');
}

/** The lines that ReadBatches.java should print for a batch. */
function describeBatch(batch: Buffer): string[] {
  const h = new BatchHeader(batch);
  const producer = [h.producerId, h.producerEpoch, h.baseSequence];
  const flags = [h.isTransactional, h.isControl, h.timestampType, h.maxTimestamp, h.lastOffset];
  const lines = [['batch', codecOf(h.codecId), ...producer, ...flags].join('|')];
  for (const record of readRecords(batch)) {
    const headers = record.headers.map(
      ({ key, value }) => `${Buffer.from(key).toString('hex')}=${hex(value)};`,
    );
    const fields = [record.offset, record.timestamp, hex(record.key), hex(record.value)];
    lines.push([...fields, headers.join('')].join('|'));
  }
  return lines;
}

describe.skipIf(libs === undefined)('Java reads our batches', () => {
  test('of every codec, kind and size', { timeout: 120_000 }, async () => {
    await prepareCodec('zstd');
    const batches: Buffer[] = [];
    const big = [{ timestamp: 5, key: null, value: Buffer.alloc(3_000_000, 'text of a page ') }];
    for (const codec of codecNames) {
      batches.push(buildBatch(fixtureRecords(1), { codec, baseOffset: batches.length }));
      batches.push(buildBatch(fixtureRecords(3000), { codec, producer: fixtureProducer }));
      batches.push(buildBatch(big, { codec, logAppendTimeMs: fixtureLogAppendTimeMs }));
    }
    usePlainSnappy(true);
    batches.push(buildBatch(fixtureRecords(3000), { codec: 'snappy', transactional: true }));
    usePlainSnappy(false);
    batches.push(
      buildEndTransactionBatch({
        type: 'abort',
        producerId: 5,
        producerEpoch: 6,
        coordinatorEpoch: 7,
        timestamp: 8,
      }),
    );

    const folder = mkdtempSync(join(tmpdir(), 'tidemark-java-'));
    try {
      const file = join(folder, 'batches.bin');
      writeFileSync(file, Buffer.concat(batches));
      const args = ['-cp', join(String(libs), '*'), program, file];
      const output = execFileSync('java', args, {
        encoding: 'utf8',
        maxBuffer: 1024 ** 3,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      expect(output.trimEnd().split('\n')).toEqual(batches.flatMap(describeBatch));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
