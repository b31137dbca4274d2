// A directory in which Apache Kafka left transactions of every kind, taken over: who reads committed records sees what
// Kafka would have shown once it had aborted what was open, and ended what was decided, and so does who asks for stable
// offsets.

import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs, { type Kafka } from 'kafkajs';
import { expect } from 'vitest';
import { RawClient } from '../../bench/load/raw-client.ts';
import { runJava, startBroker } from '../../bench/peers/index.ts';
import { openBroker } from '../../src/compose/index.ts';
import { OffsetFetch } from '../../src/protocol/index.ts';
import { BatchHeader, readRecords } from '../../src/record/index.ts';
import { eventually } from '../support/eventually.ts';
import type { InteropClient } from '../support/peers/interop-client.ts';
import { kafkajsClient, kafkaOf } from '../support/peers/kafkajs.ts';
import { kcatClient } from '../support/peers/kcat.ts';
import { testWith } from '../support/peers/require-tool.ts';

const TOPIC = 'paid';
const GROUP = 'readers';
const createPartitioner = kafkajs.Partitioners.DefaultPartitioner;

async function send(kafka: Kafka, value: string): Promise<void> {
  const producer = kafka.producer({ createPartitioner });
  await producer.connect();
  await producer.send({ topic: TOPIC, messages: [{ key: 'k', value }] });
  await producer.disconnect();
}

/** One transaction of a producer of its own, which ends as told, with an offset of the group unless that is null. */
async function transact(
  kafka: Kafka,
  value: string,
  end: 'commit' | 'abort' | 'none',
  offset: string | null = null,
): Promise<() => Promise<void>> {
  const own = { transactionalId: value, idempotent: true, maxInFlightRequests: 1 };
  const producer = kafka.producer({ ...own, createPartitioner });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic: TOPIC, messages: [{ key: 'k', value }] });
  if (offset !== null) {
    const topics = [{ topic: TOPIC, partitions: [{ partition: 0, offset }] }];
    await transaction.sendOffsets({ consumerGroupId: GROUP, topics });
  }
  if (end === 'commit') await transaction.commit();
  else if (end === 'abort') await transaction.abort();
  return () => producer.disconnect();
}

async function fill(bootstrap: string): Promise<() => Promise<void>> {
  const kafka = await kafkaOf(bootstrap, 'patient');
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 1 }], waitForLeaders: true });
  await send(kafka, 'plain');
  const partitions = [{ partition: 0, offset: '1' }];
  await admin.setOffsets({ groupId: GROUP, topic: TOPIC, partitions });
  await admin.disconnect();
  await (await transact(kafka, 'aborted', 'abort'))();
  const leave = await transact(kafka, 'open', 'none', '7');
  await (await transact(kafka, 'committed', 'commit'))();
  await (await transact(kafka, 'aborted later', 'abort'))();
  await (await transact(kafka, 'decided', 'commit', '2'))();
  return leave;
}

/** `TransactionState` of Kafka. */
const PREPARE_COMMIT = 2;
const COMPLETE_COMMIT = 4;

/** The last batch of a partition's log, if there is one, and a way to take it off. */
function lastBatch(directory: string): { readonly batch: Buffer; readonly cut: () => void } {
  const path = join(directory, `${'0'.repeat(20)}.log`);
  const bytes = readFileSync(path);
  let last = 0;
  for (let at = 0; at < bytes.length; at += 12 + bytes.readInt32BE(at + 8)) last = at;
  return { batch: bytes.subarray(last), cut: () => truncateSync(path, last) };
}

const stateIn = (batch: Buffer) => [...readRecords(batch)][0]?.value?.readInt8(16);

/** Takes off what Kafka wrote after the last commit was decided and answered: as if it had been stopped just then. */
function stopAtDecision(logDirectory: string): void {
  const decisions: unknown[] = [];
  for (const name of readdirSync(logDirectory)) {
    if (!/^(paid|__consumer_offsets|__transaction_state)-\d+$/.test(name)) continue;
    const directory = join(logDirectory, name);
    const { batch, cut } = lastBatch(directory);
    if (batch.length === 0) continue;
    if (!name.startsWith('__transaction_state')) {
      if (new BatchHeader(batch).isControl) cut();
    } else if (batch.includes('decided')) {
      if (stateIn(batch) === COMPLETE_COMMIT) cut();
      decisions.push(stateIn(lastBatch(directory).batch));
    }
  }
  expect(decisions).toEqual([PREPARE_COMMIT]);
}

/** What the group has committed, asked for as Kafka's own consumer does. */
async function stableOffset(port: number) {
  const client = await RawClient.connect(port);
  try {
    const answer = await client.send(OffsetFetch, 7, {
      groupId: GROUP,
      topics: [{ name: TOPIC, partitionIndexes: [0] }],
      groups: [],
      requireStable: true,
    });
    return answer.topics[0]?.partitions[0];
  } finally {
    client.close();
  }
}

/** The values from the start on, read by a client that reads committed records by default. */
async function consumed(by: InteropClient, bootstrap: string, count: number): Promise<string[]> {
  const values: string[] = [];
  await by.consume({
    ...{ bootstrap, topic: TOPIC, count },
    onRecord: ({ value }) => {
      values.push(String(value));
    },
  });
  return values;
}

async function forgetGroup(bootstrap: string): Promise<void> {
  const admin = (await kafkaOf(bootstrap, 'patient')).admin();
  await admin.connect();
  await admin.deleteGroups([`kafkajs-${TOPIC}`]);
  await admin.disconnect();
}

/** The same by Kafka's own consumer. */
async function consumedByJava(bootstrap: string, count: number): Promise<string[]> {
  const args = ['--bootstrap-server', bootstrap, '--topic', TOPIC, '--from-beginning'];
  args.push('--command-property', 'isolation.level=read_committed');
  args.push('--max-messages', String(count), '--timeout-ms', '30000');
  let printed = '';
  const main = 'org.apache.kafka.tools.consumer.ConsoleConsumer';
  await runJava(main, args, {
    onOutput: (piece) => {
      printed += piece.toString();
    },
  });
  return printed.trim().split('\n');
}

testWith(
  'java',
  'kafkajs',
  'kcat',
)('transactions of Apache Kafka are read as it left them', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-adopt-'));
  try {
    const kafka = await startBroker({ kind: 'kafka', directory });
    let leave = async (): Promise<void> => {};
    try {
      leave = await fill(kafka.bootstrap);
    } finally {
      await kafka.stopKeepingData();
    }
    stopAtDecision(kafka.logDirectory);
    await leave().catch(() => {});
    const ours: string[] = [];
    for (const start of ['first', 'second']) {
      const broker = await openBroker({ dataDir: kafka.logDirectory, adopt: true, port: 0 });
      try {
        const port = broker.addresses[0]?.port ?? 0;
        const bootstrap = `127.0.0.1:${port}`;
        // The groups are loaded first.
        await eventually(async () => {
          expect(await stableOffset(port)).toMatchObject({ committedOffset: 2, errorCode: 0 });
        });
        await send(await kafkaOf(bootstrap, 'patient'), start);
        ours.push(start);
        const expected = ['plain', 'committed', 'decided', ...ours];
        for (const client of [kafkajsClient, kcatClient]) {
          expect(await consumed(client, bootstrap, expected.length)).toEqual(expected);
        }
        await forgetGroup(bootstrap);
        expect(await consumedByJava(bootstrap, expected.length)).toEqual(expected);
      } finally {
        await broker.close();
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
