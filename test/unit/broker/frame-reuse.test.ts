// Memory of produce requests is used again. Whatever the sizes, the acks and the order in which the disk is done,
// what is read later is what was sent.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { openBroker } from '../../../src/compose/index.ts';
import { CreateTopics, Fetch, Produce } from '../../../src/protocol/index.ts';
import { buildBatch, iterateBatches, readRecords, verifyBatch } from '../../../src/record/index.ts';
import { WireClient } from '../../hostile/support/wire-client.ts';
import { testSeed } from '../../support/test-seed.ts';

const PARTITIONS = 3;
const ROUNDS = 60;

async function produceAll(
  client: WireClient,
  name: string,
  random: SeededRandom,
): Promise<string[]> {
  const acked: string[] = [];
  const sending: Promise<unknown>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const acks = random.next() < 0.7 ? -1 : 1;
    const partitionData = Array.from({ length: PARTITIONS }, (_, index) => {
      const bytes = Math.floor(2 ** (random.next() * 18));
      const value = `${name} ${round} ${index} `.padEnd(bytes, String(round % 10));
      acked.push(value);
      const record = { timestamp: 1000, key: null, value: Buffer.from(value) };
      return { index, records: buildBatch([record]) };
    });
    const topicData = [{ name: 't', partitionData }];
    sending.push(
      client.call(Produce, 9, { acks, timeoutMs: 1000, topicData }).then(({ responses }) => {
        for (const { errorCode } of responses[0]?.partitionResponses ?? [])
          expect(errorCode).toBe(0);
      }),
    );
    if (random.next() < 0.3) await Promise.all(sending.splice(0));
  }
  await Promise.all(sending);
  return acked;
}

async function readAll(client: WireClient, index: number): Promise<string[]> {
  const values: string[] = [];
  for (let fetchOffset = 0; fetchOffset < ROUNDS * 4; ) {
    const partitions = [{ partition: index, fetchOffset, partitionMaxBytes: 1_000_000 }];
    const topics = [{ topic: 't', partitions }];
    const answer = await client.call(Fetch, 11, { maxWaitMs: 2000, minBytes: 1, topics });
    const bytes = answer.responses[0]?.partitions[0]?.records ?? Buffer.alloc(0);
    for (const header of iterateBatches(bytes)) {
      const batch = bytes.subarray(header.position, header.position + header.sizeInBytes);
      verifyBatch(batch);
      for (const record of readRecords(batch)) values.push(record.value?.toString() ?? '');
      fetchOffset = header.nextOffset;
    }
  }
  return values;
}

test('every acknowledged record is read as it was sent', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'frame-reuse-'));
  const broker = await openBroker({ dataDir: directory, port: 0 });
  onTestFinished(async () => {
    await broker.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const port = broker.addresses[0]?.port ?? 0;
  const clients = await Promise.all([1, 2, 3, 4].map(() => WireClient.connect(port)));
  const [first] = clients;
  if (first === undefined) throw new Error('no client');
  const topic = {
    name: 't',
    numPartitions: PARTITIONS,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  };
  await first.call(CreateTopics, 7, { topics: [topic] });
  const random = new SeededRandom(testSeed());
  const sent = await Promise.all(
    clients.map((client, index) => produceAll(client, `c${index}`, random)),
  );
  const read: string[] = [];
  for (let index = 0; index < PARTITIONS; index++) read.push(...(await readAll(first, index)));
  expect(read.sort()).toEqual(sent.flat().sort());
  for (const client of clients) client.destroy();
});
