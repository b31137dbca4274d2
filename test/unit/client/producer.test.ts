import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import {
  Cluster,
  Producer,
  type ProducerOptions,
  type RecordMetadata,
  tcpNetwork,
} from '../../../src/client/index.ts';
import { InitProducerId, Metadata, Produce } from '../../../src/protocol/index.ts';
import { BatchHeader, readRecords } from '../../../src/record/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { FakeBroker, type FakeRequest, metadataBody } from './fake-broker.ts';

interface Sent {
  readonly partition: number;
  readonly values: string[];
  readonly sequence: number;
  readonly epoch: number;
  readonly producerId: number;
}

function sentIn(request: FakeRequest): Sent[] {
  const { topicData } = request.body as {
    topicData: { partitionData: { index: number; records: Buffer }[] }[];
  };
  return topicData.flatMap(({ partitionData }) =>
    partitionData.map(({ index, records }) => {
      const header = new BatchHeader(records);
      const values = [...readRecords(records)].map((record) => String(record.value));
      const { baseSequence: sequence, producerEpoch: epoch, producerId } = header;
      return { partition: index, values, sequence, epoch, producerId };
    }),
  );
}

/** A broker with one topic; `codes` are the error codes of the produce requests to come, then 0. */
type Bytes = ProducerOptions<'buffer', 'buffer'>;

interface FakeOptions extends Bytes {
  partitions?: number;
  codes?: number[];
  onTrouble?: (error: unknown, leftMs: number) => void;
  warn?: (message: string) => void;
}

function setUp(options: FakeOptions = {}) {
  const { partitions = 1, codes = [], onTrouble = () => {}, warn = () => {}, ...rest } = options;
  const offsets = new Map<number, number>();
  let producerId = 100;
  const broker = new FakeBroker((request) => {
    switch (request.api.key) {
      case Metadata.key:
        return metadataBody('t', partitions);
      case InitProducerId.key:
        return { errorCode: 0, producerId: producerId++, producerEpoch: 0 };
      case Produce.key: {
        if ((request.body as { acks: number }).acks === 0) return undefined;
        const errorCode = codes.shift() ?? 0;
        const partitionResponses = sentIn(request).map(({ partition, values }) => {
          const baseOffset = offsets.get(partition) ?? 0;
          if (errorCode === 0) offsets.set(partition, baseOffset + values.length);
          return { index: partition, errorCode, baseOffset: errorCode === 0 ? baseOffset : -1 };
        });
        return { responses: [{ name: 't', topicId: metadataId, partitionResponses }] };
      }
      default:
        throw new Error(`unexpected ${request.api.name}`);
    }
  });
  const clock = new VirtualClock();
  const random = new SeededRandom(7);
  const shared = { clock, random };
  const network = tcpNetwork([{ host: 'fake', port: 1 }], {
    ...shared,
    clientId: 'test',
    connector: broker,
  });
  const cluster = new Cluster({ network, onTrouble, warn, ...shared });
  const open = () => new Producer(cluster, { key: 'buffer', value: 'buffer', ...rest });
  const sent = () => broker.of(Produce).flatMap(sentIn);
  return { broker, clock, open, sent };
}

const metadataId = 'AAAAAAAAAAAAAAAAAAAAAg';
const record = (value: string, key?: string) => ({
  topic: 't',
  key: key === undefined ? null : Buffer.from(key),
  value: Buffer.from(value),
});

test('what is sent again is told to the client, with the time that is left', async () => {
  const heard: [unknown, number][] = [];
  const { clock, open } = setUp({
    codes: [6, 6, 0],
    deliveryTimeoutMs: 5_000,
    onTrouble: (error, leftMs) => void heard.push([(error as { code: string }).code, leftMs]),
  });
  const landed = await clock.until(open().send(record('a')));
  expect(landed.offset).toBe(0);
  expect(heard.map(([code]) => code)).toEqual(Array(2).fill('NOT_LEADER_OR_FOLLOWER'));
  expect(heard[0]?.[1]).toBe(5_000);
  expect(heard[1]?.[1]).toBeLessThan(5_000);
});

describe('batching', () => {
  test('records that come within the linger share a batch and get offsets in order', async () => {
    const { clock, open, sent } = setUp({ lingerMs: 5 });
    const producer = open();
    const landed = await clock.until(
      Promise.all(['a', 'b', 'c'].map((value) => producer.send(record(value)))),
    );
    expect(landed.map((one) => one.offset)).toEqual([0, 1, 2]);
    expect(sent().map((one) => one.values)).toEqual([['a', 'b', 'c']]);
  });

  test('a full batch goes at once, the rest follows in order', async () => {
    const { clock, open, sent } = setUp({ lingerMs: 60_000, batchBytes: 200 });
    const producer = open();
    const all = Array.from({ length: 20 }, (_, index) => `value-${index}-${'x'.repeat(30)}`);
    for (const value of all) producer.enqueue(record(value), null, null);
    await clock.until(producer.flush());
    expect(sent().length).toBeGreaterThan(3);
    expect(sent().flatMap((one) => one.values)).toEqual(all);
    expect(producer.bufferedBytes).toBe(0);
  });

  test('keys go where Java puts them', async () => {
    const { clock, open, sent } = setUp({ partitions: 6 });
    const producer = open();
    for (const key of ['alice', 'bob', 'carol', 'dave'])
      producer.enqueue(record(key, key), null, null);
    await clock.until(producer.flush());
    // org.apache.kafka.clients.producer.internals.BuiltInPartitioner.partitionForKey, 6 partitions
    const places = Object.fromEntries(
      sent().flatMap(({ partition, values }) => values.map((value) => [value, partition])),
    );
    expect(places).toEqual(javaPlaces);
  });

  test('records without a key stay together until the batch is full, then go elsewhere', async () => {
    const { clock, open, sent } = setUp({ partitions: 4, batchBytes: 300 });
    const producer = open();
    for (let index = 0; index < 60; index++) producer.enqueue(record('x'.repeat(40)), null, null);
    await clock.until(producer.flush());
    expect(new Set(sent().map((one) => one.partition)).size).toBeGreaterThan(1);
    expect(Math.max(...sent().map((one) => one.values.length))).toBeGreaterThan(3);
  });

  test('a full buffer says so, and has room again once records are acknowledged', async () => {
    const { clock, open } = setUp({ bufferBytes: 500, batchBytes: 100 });
    const producer = open();
    let accepted = 0;
    while (producer.enqueue(record('y'.repeat(50)), null, null)) accepted += 1;
    expect(accepted).toBeLessThan(10);
    await clock.until(producer.drained());
    expect(producer.bufferedBytes).toBeLessThan(500);
    await clock.until(producer.flush());
  });

  test('a partition that does not exist is refused after metadata were asked for a few times', async () => {
    const { broker, clock, open } = setUp();
    const producer = open();
    const refused = producer.send({ ...record('a'), partition: 1 });
    refused.catch(() => {});
    await clock.until(producer.flush());
    await expect(refused).rejects.toThrow(/no partition 1/);
    expect(broker.of(Metadata).length).toBeLessThanOrEqual(6);
  });

  test('acks 0 resolves without an offset', async () => {
    const { clock, open } = setUp({ acks: 0 });
    const producer = open();
    const landed = await clock.until(producer.send(record('a')));
    expect(landed.offset).toBe(-1);
  });
});

describe('trying again', () => {
  test('a retriable error sends everything again in order, with the sequences it had', async () => {
    const { clock, open, sent } = setUp({ codes: [0, 6, 45, 45, 45], batchBytes: 100 });
    const producer = open();
    await clock.until(producer.send(record('first')));
    const values = ['a', 'b', 'c', 'd'].map((value) => value.repeat(60));
    for (const value of values) producer.enqueue(record(value), null, null);
    await clock.until(producer.flush());
    const batches = sent();
    expect(batches.map((one) => one.sequence)).toEqual([0, 1, 2, 3, 4, 1, 2, 3, 4]);
    expect(batches.slice(5).flatMap((one) => one.values)).toEqual(values);
    expect(new Set(batches.map((one) => one.producerId))).toEqual(new Set([100]));
  });

  test('a final error fails its records only; what follows is numbered anew in the next epoch', async () => {
    const { clock, open, sent } = setUp({ codes: [87, 0] });
    const producer = open();
    const failed = producer.send(record('bad'));
    failed.catch(() => {});
    await clock.until(producer.flush());
    await expect(failed).rejects.toMatchObject({ code: 'INVALID_RECORD' });
    await expect(clock.until(producer.send(record('fine')))).resolves.toMatchObject({ offset: 0 });
    expect(sent().map((one) => [one.producerId, one.epoch, one.sequence])).toEqual([
      [100, 0, 0],
      [100, 1, 0],
    ]);
  });

  test('a batch that is too large goes in halves; one record that is too large fails', async () => {
    const { clock, open, sent } = setUp({ codes: [10, 10, 10, 0, 0] });
    const producer = open();
    const all = producer.sendMany(['a', 'b', 'c'].map((value) => record(value)));
    all.catch(() => {});
    await clock.until(producer.flush());
    await expect(all).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
    expect(sent()[0]?.values).toEqual(['a', 'b', 'c']);
    expect(sent().at(-1)?.values.length).toBe(1);
  });

  test('a duplicate that the broker has already counts as written', async () => {
    const { clock, open } = setUp({ codes: [46] });
    const producer = open();
    await expect(clock.until(producer.send(record('a')))).resolves.toMatchObject({ offset: -1 });
  });

  test('after the delivery timeout a batch is given up; the last failure is the cause', async () => {
    const { clock, open } = setUp({ codes: Array(100).fill(6), deliveryTimeoutMs: 1_000 });
    const producer = open();
    const hopeless = producer.send(record('a'));
    hopeless.catch(() => {});
    await clock.until(producer.flush());
    await expect(hopeless).rejects.toMatchObject({
      code: 'delivery_timed_out',
      cause: expect.objectContaining({ code: 'NOT_LEADER_OR_FOLLOWER' }),
    });
  });

  test('a lost connection is tried again on a new one', async () => {
    const { broker, clock, open, sent } = setUp();
    const producer = open();
    const plain = broker.answer;
    let first = true;
    broker.answer = (request) => {
      if (request.api.key === Produce.key && first) {
        first = false;
        request.connection.hangUp(null);
        return undefined;
      }
      return plain(request);
    };
    await expect(clock.until(producer.send(record('a')))).resolves.toMatchObject({ offset: 0 });
    expect(sent().map((one) => one.sequence)).toEqual([0, 0]);
  });
});

describe('a callback that throws keeps nothing else from its end', () => {
  const angry = (): void => {
    throw new Error('not this one');
  };

  test('where records landed', async () => {
    const warned: string[] = [];
    const warn = (message: string): void => void warned.push(message);
    const { clock, open } = setUp({ partitions: 2, warn });
    const producer = open();
    const landed: number[][] = [];
    const note = ({ partition, offset }: RecordMetadata): void =>
      void landed.push([partition, offset]);
    producer.enqueue({ ...record('a'), partition: 0 }, angry, null);
    producer.enqueue({ ...record('b'), partition: 0 }, note, null);
    producer.enqueue({ ...record('c'), partition: 1 }, note, null);
    await clock.until(producer.flush());
    expect(landed.toSorted()).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(producer.bufferedBytes).toBe(0);
    expect(warned).toEqual([expect.stringMatching(/not this one/)]);
    await expect(clock.until(producer.send(record('d')))).resolves.toMatchObject({ topic: 't' });
  });

  test.each([
    ['what was refused', { codes: [87] }, false],
    ['what is too old', { codes: Array(100).fill(6), deliveryTimeoutMs: 1_000 }, false],
    ['what was never placed', { deliveryTimeoutMs: 1_000 }, true],
  ])('%s', async (_, options, isUnknown) => {
    const warned: string[] = [];
    const { broker, clock, open } = setUp({
      ...options,
      warn: (message) => void warned.push(message),
    });
    const plain = broker.answer;
    if (isUnknown) {
      broker.answer = (request) => (request.api.key === Metadata.key ? undefined : plain(request));
    }
    const producer = open();
    let failed = 0;
    producer.enqueue(record('a'), null, angry);
    producer.enqueue(record('b'), null, () => {
      failed += 1;
    });
    await clock.until(producer.flush());
    expect(failed).toBe(1);
    expect(warned).toHaveLength(1);
    expect(producer.bufferedBytes).toBe(0);
  });
});

/** Computed with kafka-clients 4.3.1. */
const javaPlaces = { alice: 3, bob: 0, carol: 2, dave: 4 };

describe('what callers without types get wrong is told at once', () => {
  test.each([
    ['compression', { compression: 'zst' }, /compression 'zst': write one of none, gzip/],
    ['acks', { acks: 'all' }, /acks 'all': write one of -1, 0, 1/],
  ])('the option %s', (_, options, message) => {
    const { open } = setUp(options as Bytes);
    expect(open).toThrow(expect.objectContaining({ code: 'invalid_option' }));
    expect(open).toThrow(message);
  });

  test.each([
    ['a record without a topic', { value: null }, /needs the name of its topic, not undefined/],
    ['a header', { topic: 't', value: null, headers: { n: 1 } }, /header 'n' is .* number/],
  ])('%s', async (_, record, message) => {
    const producer = setUp().open();
    const send = producer.send(record as unknown as Parameters<typeof producer.send>[0]);
    await expect(send).rejects.toMatchObject({ code: 'invalid_record' });
    await expect(send).rejects.toThrow(message);
    await producer.close();
  });
});
