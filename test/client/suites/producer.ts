// What a producer does, whatever is behind it.

import { expect, test } from 'vitest';
import { LogReader } from '../../../src/client/index.ts';
import type { Client, KafkaError, RecordMetadata } from '../../../src/index.ts';
import type { Target } from '../targets.ts';

/** A record as it came back. */
interface Back {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: [string, string | null][];
}

/** All records of a topic, by partition and offset. */
export async function readBack(client: Client, topic: string): Promise<Back[]> {
  const ends = await client.admin().listOffsets(topic, 'latest');
  const starts = await client.admin().listOffsets(topic, 'earliest');
  const { cluster } = client as unknown as { cluster: ConstructorParameters<typeof LogReader>[0] };
  const reader = new LogReader(cluster, { topic, isolation: 'read_uncommitted', maxWaitMs: 20 });
  const left = new Set<number>();
  for (const [partition, { offset }] of ends) {
    const start = starts.get(partition)?.offset ?? 0;
    if (start >= offset) continue;
    left.add(partition);
    reader.set(partition, start);
  }
  const found: Back[] = [];
  if (left.size === 0) return found;
  for await (const { partition, records, nextOffset } of reader.read()) {
    for (const { offset, timestamp, key, value, headers } of records) {
      const pairs = headers.map((one): [string, string | null] => [
        one.key,
        one.value?.toString() ?? null,
      ]);
      const [text, body] = [key?.toString() ?? null, value?.toString() ?? null];
      found.push({ partition, offset, timestamp, key: text, value: body, headers: pairs });
    }
    if (nextOffset < (ends.get(partition)?.offset ?? 0)) continue;
    reader.remove(partition);
    left.delete(partition);
    if (left.size === 0) break;
  }
  return found.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

export function producerSuite(target: Target): void {
  test('a record lands where it says, with key, headers and timestamp', async () => {
    await using lab = await target.open();
    const topic = await lab.topic({ partitions: 3 });
    const producer = lab.client.producer({ value: 'string' });
    const landed = await producer.send({
      topic,
      key: 'alice',
      value: 'hello',
      partition: 2,
      timestamp: 1_700_000_000_000,
      headers: { trace: 'abc', bytes: Buffer.from('x'), none: null },
    });
    expect(landed).toEqual({ topic, partition: 2, offset: 0, timestamp: 1_700_000_000_000 });
    await producer.send({ topic, key: 'alice', value: null, partition: 2 });
    const [first, tombstone] = await readBack(lab.client, topic);
    expect(first).toEqual({
      partition: 2,
      offset: 0,
      timestamp: 1_700_000_000_000,
      key: 'alice',
      value: 'hello',
      headers: [
        ['trace', 'abc'],
        ['bytes', 'x'],
        ['none', null],
      ],
    });
    expect(tombstone).toMatchObject({ offset: 1, key: 'alice', value: null });
  });

  test('keys stay together in order, whatever is under way', async () => {
    await using lab = await target.open();
    const topic = await lab.topic({ partitions: 4 });
    const producer = lab.client.producer({ value: 'string', batchBytes: 500 });
    const sent = numbers(2_000).map((n) =>
      producer.send({ topic, key: `key-${n % 17}`, value: String(n) }),
    );
    const landed = await Promise.all(sent);
    const back = await readBack(lab.client, topic);
    expect(back.length).toBe(2_000);
    for (let key = 0; key < 17; key++) {
      const mine = back.filter((record) => record.key === `key-${key}`);
      expect(new Set(mine.map((record) => record.partition)).size).toBe(1);
      expect(mine.map((record) => Number(record.value))).toEqual(
        numbers(2_000).filter((n) => n % 17 === key),
      );
    }
    for (const [n, place] of landed.entries()) {
      const found = back.find((r) => r.partition === place.partition && r.offset === place.offset);
      expect(found?.value).toBe(String(n));
    }
  });

  test('sendMany has one promise and the places in order', async () => {
    await using lab = await target.open();
    const [one, two] = [await lab.topic(), await lab.topic({ partitions: 2 })];
    const producer = lab.client.producer({ value: 'json' });
    const records = numbers(100).map((n) => ({ topic: n % 2 === 0 ? one : two, value: { n } }));
    const landed = await producer.sendMany(records);
    expect(landed.map((place) => place.topic)).toEqual(records.map((record) => record.topic));
    expect(landed.filter((place) => place.topic === one).map((place) => place.offset)).toEqual(
      numbers(50),
    );
  });

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('codec %s', async (compression) => {
    await using lab = await target.open();
    const topic = await lab.topic();
    const producer = lab.client.producer({ value: 'string', compression });
    const values = numbers(300).map((n) => `value ${n} `.repeat(20));
    await producer.sendMany(values.map((value) => ({ topic, value })));
    expect((await readBack(lab.client, topic)).map((record) => record.value)).toEqual(values);
  });

  test.each([0, 1] as const)('acks %d', async (acks) => {
    await using lab = await target.open();
    const topic = await lab.topic();
    const producer = lab.client.producer({ value: 'string', acks });
    const landed = await producer.sendMany(numbers(50).map((n) => ({ topic, value: String(n) })));
    expect(landed[0]?.offset).toBe(acks === 0 ? -1 : 0);
    const until = await lab.client.producer({ value: 'string' }).send({ topic, value: 'last' });
    expect(until.offset).toBeGreaterThanOrEqual(acks === 0 ? 0 : 50);
  });

  test('records without a key reach every partition', async () => {
    await using lab = await target.open();
    const topic = await lab.topic({ partitions: 3 });
    const producer = lab.client.producer({ value: 'buffer' });
    const places: RecordMetadata[] = [];
    for (const n of numbers(40)) {
      places.push(await producer.send({ topic, value: Buffer.from([n]) }));
    }
    expect(new Set(places.map((place) => place.partition)).size).toBe(3);
  });

  test('a partitioner of the user, and xxhash64, put keys in one place', async () => {
    await using lab = await target.open();
    const topic = await lab.topic({ partitions: 5 });
    const own = lab.client.producer({ partitioner: ({ partitionCount }) => partitionCount - 1 });
    expect(await own.send({ topic, key: 'a', value: 1 })).toMatchObject({ partition: 4 });
    const hashed = lab.client.producer({ partitioner: 'xxhash64' });
    const places = await hashed.sendMany(numbers(20).map((n) => ({ topic, key: 'k', value: n })));
    expect(new Set(places.map((place) => place.partition)).size).toBe(1);
  });

  test('a refused record rejects and the next one lands', async () => {
    await using lab = await target.open();
    const topic = await lab.topic({ configs: { 'max.message.bytes': '2000' } });
    const producer = lab.client.producer({ value: 'string' });
    await expect(producer.send({ topic, value: 'x'.repeat(5_000) })).rejects.toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
      retriable: false,
    } satisfies Partial<KafkaError>);
    expect(await producer.send({ topic, value: 'fits' })).toMatchObject({ offset: 0 });
  });

  test('batches larger than the topic takes go in smaller ones', async () => {
    await using lab = await target.open();
    const topic = await lab.topic({ configs: { 'max.message.bytes': '2000' } });
    const producer = lab.client.producer({ value: 'string' });
    const values = numbers(200).map((n) => `${n} ${'y'.repeat(100)}`);
    const landed = await producer.sendMany(values.map((value) => ({ topic, value })));
    expect(landed.map((place) => place.offset)).toEqual(numbers(200));
    expect((await readBack(lab.client, topic)).map((record) => record.value)).toEqual(values);
  });

  test('awaiting each of many callers keeps the buffer bounded', async () => {
    await using lab = await target.open();
    const topic = await lab.topic({ partitions: 2 });
    const producer = lab.client.producer({
      value: 'buffer',
      bufferBytes: 20_000,
      batchBytes: 4_000,
    });
    let most = 0;
    const value = Buffer.alloc(500, 'b');
    const landed = await producer.sendMany(
      (function* () {
        for (const n of numbers(1_000)) {
          most = Math.max(most, producer.bufferedBytes);
          yield { topic, key: String(n), value };
        }
      })(),
    );
    expect(landed.length).toBe(1_000);
    expect(most).toBeLessThan(20_000 + 4_200);
    expect(producer.bufferedBytes).toBe(0);
  });

  test('a topic that is made anew with fewer partitions refuses the others, and takes the rest', async () => {
    await using lab = await target.open();
    const topic = await lab.topic({ partitions: 4 });
    const producer = lab.client.producer({ value: 'string', deliveryTimeoutMs: 10_000 });
    const admin = lab.client.admin();
    await producer.send({ topic, partition: 3, value: 'before' });
    await admin.deleteTopics([topic]);
    await admin.createTopic({ name: topic, partitions: 1 });
    const late = producer.send({ topic, partition: 3, value: 'nowhere' });
    await expect(late).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' });
    const keys = numbers(8).map((number) => `key-${number}`);
    await producer.sendMany(keys.map((key) => ({ topic, key, value: 'after' })));
    expect((await readBack(lab.client, topic)).map(({ key }) => key)).toEqual(keys);
    await producer.close();
  });

  test('close sends what there is and takes no more', async () => {
    await using lab = await target.open();
    const topic = await lab.topic();
    const producer = lab.client.producer({ value: 'string', lingerMs: 60_000 });
    const sent = producer.send({ topic, value: 'late' });
    await Promise.all([producer.close(), producer.close()]);
    await expect(sent).resolves.toMatchObject({ offset: 0 });
    await expect(producer.send({ topic, value: 'x' })).rejects.toMatchObject({ code: 'closed' });
  });

  test('an abort rejects what is not acknowledged, at once', async () => {
    await using lab = await target.open();
    const topic = await lab.topic();
    const stop = new AbortController();
    const { signal } = stop;
    const producer = lab.client.producer({ value: 'string', lingerMs: 60_000, signal });
    const sent = producer.send({ topic, value: 'never' });
    stop.abort(new Error('enough'));
    await expect(sent).rejects.toThrow('enough');
    await expect(producer.send({ topic, value: 'x' })).rejects.toThrow('enough');
    await producer.close();
  });

  test.runIf(target.restartable)(
    'a broker restart loses, repeats and reorders nothing',
    async () => {
      await using lab = await target.open();
      const topic = await lab.topic({ partitions: 2 });
      const producer = lab.client.producer({ value: 'string', batchBytes: 2_000 });
      const sent: Promise<RecordMetadata>[] = [];
      const feed = async (from: number): Promise<void> => {
        for (let n = from; n < from + 400; n++) {
          sent.push(producer.send({ topic, partition: n % 2, value: String(n) }));
          if (n % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        }
      };
      await Promise.all([feed(0), lab.restart()]);
      await feed(400);
      await Promise.all(sent);
      const back = await readBack(lab.client, topic);
      for (const partition of [0, 1]) {
        const mine = back.filter((record) => record.partition === partition);
        const wanted = numbers(800).filter((n) => n % 2 === partition);
        expect(mine.map((record) => Number(record.value))).toEqual(wanted);
      }
    },
  );
}
