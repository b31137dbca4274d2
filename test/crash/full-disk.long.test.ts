// A disk of a few megabytes fills up under load, is freed, and the broker goes on: partitions refuse writes with
// KAFKA_STORAGE_ERROR and serve what they have, until ElectLeaders or a restart brings them back. Below the free-space
// floor writes are refused before the disk is full.

import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { type PeerBroker, startBroker, waitUntil } from '../../bench/peers/index.ts';
import { CreateTopics, ElectLeaders } from '../../src/protocol/index.ts';
import { idempotentBatch, Link } from '../support/crash-link.ts';
import { kafkaOf } from '../support/peers/kafkajs.ts';
import { type SmallDisk, smallDisk, testWithMount } from '../support/small-disk.ts';

const STORAGE_ERROR = 56;
const PARTITIONS = 3;
const BATCH_RECORDS = 50;
const MEGABYTE = 1024 * 1024;
const DISK_MEGABYTES = 48;
const FILLER = 'bytes that fill a disk '.repeat(30);

/** What was acknowledged of one partition: record n at its offset. */
interface Written {
  readonly topic: string;
  readonly partition: number;
  readonly acknowledged: Map<number, number>;
  sent: number;
  /** For the producer alone: a link carries one request at a time. */
  link: Link | null;
}

let disk: SmallDisk;
let broker: PeerBroker;
let link: Link;

async function serve(config: Readonly<Record<string, string>>): Promise<void> {
  const directory = join(disk.path, 'data');
  broker = await startBroker({ kind: 'tidemark', directory, config });
  link = new Link(broker.port);
}

async function createTopic(name: string): Promise<void> {
  const configs = [{ name: 'segment.bytes', value: String(2 * MEGABYTE) }];
  const topic = { name, numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs };
  const answer = await link.ask(CreateTopics, 4, { topics: [topic], timeoutMs: 10_000 });
  expect(answer.topics[0]?.errorCode).toBe(0);
}

function textOf({ topic, partition }: Written, number: number): string {
  return `${topic}-${partition} ${number} ${FILLER}`;
}

/** One batch after the other until one is refused; answers the error code. Goes on with the refused one. */
async function writeUntilRefused(
  written: Written,
  producerId: number,
  stop: () => boolean = () => false,
): Promise<number> {
  written.link ??= new Link(broker.port);
  while (!stop()) {
    const from = written.acknowledged.size;
    written.sent = from + BATCH_RECORDS;
    const numbers = Array.from({ length: BATCH_RECORDS }, (_, index) => from + index);
    const batch = idempotentBatch(
      numbers.map((number) => ({ key: null, value: textOf(written, number) })),
      { producerId, baseSequence: from },
    );
    const { code, baseOffset } = await written.link.produce(
      written.topic,
      written.partition,
      batch,
    );
    if (code !== 0) return code;
    for (const [index, number] of numbers.entries()) {
      written.acknowledged.set(baseOffset + index, number);
    }
  }
  return 0;
}

function partitionsOf(topic: string): Written[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => ({
    topic,
    partition,
    acknowledged: new Map(),
    sent: 0,
    link: null,
  }));
}

/** Every acknowledged record at its offset, none twice, none that was not sent. */
async function expectWhole(written: Written): Promise<void> {
  const { records } = await link.readAll(written.topic, written.partition);
  const offsets = new Map(records.map((record) => [record.offset, record.value]));
  const lost = [...written.acknowledged].filter(
    ([offset, number]) => offsets.get(offset) !== textOf(written, number),
  );
  expect(lost).toEqual([]);
  const numbers = records.map((record) => Number(record.value.split(' ')[1]));
  expect(numbers).toEqual(numbers.map((_, index) => index));
  expect(numbers.length).toBeLessThanOrEqual(written.sent);
}

/** kafkajs, which tries again for as long as it takes. */
async function startPatientWriter(topic: string) {
  const kafka = await kafkaOf(broker.bootstrap, 'patient');
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const written = partitionsOf(topic)[0]!;
  let going = true;
  const run = async () => {
    while (going) {
      const from = written.acknowledged.size;
      written.sent = from + 1;
      const messages = [{ key: null, value: textOf(written, from), partition: 0 }];
      const [answer] = await producer.send({ topic, acks: -1, messages });
      written.acknowledged.set(Number(answer?.baseOffset), from);
      await sleep(10);
    }
  };
  const running = run();
  return {
    written,
    async finish() {
      going = false;
      await running;
      await producer.disconnect();
    },
  };
}

async function fillUp(all: readonly Written[], producerIds: readonly number[]): Promise<void> {
  const codes = await Promise.all(
    all.map((written, index) => writeUntilRefused(written, producerIds[index]!)),
  );
  expect(codes).toEqual(all.map(() => STORAGE_ERROR));
}

/** Writes a few batches more to each partition. */
async function goOn(all: readonly Written[], producerIds: readonly number[]): Promise<void> {
  for (const [index, written] of all.entries()) {
    const wanted = written.acknowledged.size + 3 * BATCH_RECORDS;
    const enough = () => written.acknowledged.size >= wanted;
    expect(await writeUntilRefused(written, producerIds[index]!, enough)).toBe(0);
  }
}

async function producerIdsOf(all: readonly Written[]): Promise<number[]> {
  const ids: number[] = [];
  while (ids.length < all.length) ids.push(await link.producerId());
  return ids;
}

/** After a restart the port is another one. */
function letGo(all: readonly Written[]): void {
  link.close();
  for (const written of all) {
    written.link?.close();
    written.link = null;
  }
}

describe('a disk that fills up', () => {
  beforeEach(async () => {
    disk = smallDisk(DISK_MEGABYTES);
    await disk.fill(24 * MEGABYTE);
  });

  afterEach(async () => {
    link?.close();
    await broker?.kill();
    disk.remove();
  });

  testWithMount('stops writes, not reads; ElectLeaders brings the partitions back', async () => {
    await serve({ 'tidemark.min.free.bytes': '0' });
    await createTopic('full');
    await createTopic('text');
    const all = partitionsOf('full');
    const producerIds = await producerIdsOf(all);
    const patient = await startPatientWriter('text');
    await fillUp(all, producerIds);
    expect(broker.errors()).toMatch(/ENOSPC|no space|full/i);
    for (const written of all) await expectWhole(written);
    // Room alone does not bring back what stopped: what the disk has is not known until it is rewritten.
    disk.free();
    expect(await writeUntilRefused(all[0]!, producerIds[0]!)).toBe(STORAGE_ERROR);
    await waitUntil(() => electAll(), { timeoutMs: 30_000, what: 'all partitions back' });
    await goOn(all, producerIds);
    const before = patient.written.acknowledged.size;
    await waitUntil(() => patient.written.acknowledged.size > before + 10, {
      timeoutMs: 60_000,
      what: 'kafkajs going on',
    });
    await patient.finish();
    for (const written of [...all, patient.written]) await expectWhole(written);
  });

  testWithMount('and is freed: an orderly restart brings the partitions back', async () => {
    await serve({ 'tidemark.min.free.bytes': '0' });
    await createTopic('full');
    const all = partitionsOf('full');
    const producerIds = await producerIdsOf(all);
    await fillUp(all, producerIds);
    disk.free();
    letGo(all);
    await broker.stopKeepingData();
    await serve({ 'tidemark.min.free.bytes': '0' });
    for (const written of all) await expectWhole(written);
    await goOn(all, producerIds);
    for (const written of all) await expectWhole(written);
  });

  testWithMount(
    'killed while it is full: a start serves or says why not; freed, it goes on',
    async () => {
      const config = { 'tidemark.min.free.bytes': '0' };
      await serve(config);
      await createTopic('full');
      const all = partitionsOf('full');
      const producerIds = await producerIdsOf(all);
      await fillUp(all, producerIds);
      letGo(all);
      await broker.kill();
      // The last bytes are taken, too.
      await disk.fill(DISK_MEGABYTES * MEGABYTE).catch(() => undefined);
      const refusal = await serve(config).then(
        () => null,
        (error: Error) => error.message,
      );
      // Served from a full disk, a log may end at its durable mark, a second back, until there is room.
      if (refusal !== null) expect(refusal).toMatch(/no space|full/i);
      letGo(all);
      await broker.kill();
      disk.free();
      await serve(config);
      for (const written of all) await expectWhole(written);
      await goOn(all, producerIds);
      for (const written of all) await expectWhole(written);
    },
  );

  testWithMount(
    'refuses writes below the floor, before it is full, and takes them again',
    async () => {
      await serve({ 'tidemark.min.free.bytes': String(8 * MEGABYTE) });
      await createTopic('full');
      const all = partitionsOf('full');
      const producerIds = await producerIdsOf(all);
      await fillUp(all, producerIds);
      const { bavail, bsize } = statfsSync(disk.path);
      expect(bavail * bsize).toBeGreaterThan(4 * MEGABYTE);
      for (const written of all) await expectWhole(written);
      disk.free();
      // Nobody has to do anything: nothing has failed.
      const first = all[0]!;
      const before = first.acknowledged.size;
      await waitUntil(
        async () => {
          const grown = () => first.acknowledged.size > before;
          return (await writeUntilRefused(first, producerIds[0]!, grown)) === 0;
        },
        { timeoutMs: 60_000, what: 'writes taken again' },
      );
      await goOn(all, producerIds);
      for (const written of all) await expectWhole(written);
    },
  );
});

/** Asks for every partition that failed; true when none is left. */
async function electAll(): Promise<boolean> {
  const request = { electionType: 0, topicPartitions: null, timeoutMs: 30_000 };
  const { replicaElectionResults } = await link.ask(ElectLeaders, 2, request);
  return replicaElectionResults
    .flatMap((topic) => topic.partitionResult)
    .every((one) => one.errorCode === 0);
}
