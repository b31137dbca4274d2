// What a consumer does, whatever is behind it.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { committedOffsets, createPartitions, deleteRecords } from '../../../src/client/index.ts';
import type { ConsumedRecord, Consumer } from '../../../src/index.ts';
import type { Target } from '../targets.ts';
import { numbered, openStage, type Stage, take, until } from './consumer-stage.ts';

type StringConsumer = Consumer<'string', 'string'>;

const valuesOf = (records: readonly ConsumedRecord[]): unknown[] => records.map((one) => one.value);

export function consumerSuite(target: Target): void {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage(target);
  });
  afterAll(() => stage.close());

  test('records come in order, with key, value, headers, timestamp and raw bytes', async () => {
    const topic = await stage.topic();
    await stage.write(topic, [
      { key: 'k', value: 'a', timestamp: 5, headers: [{ key: 'h', value: Buffer.from('x') }] },
      { key: null, value: null, timestamp: 6 },
    ]);
    const consumer = stage.consumer({ topics: [topic], key: 'string', value: 'string' });
    const [first, second] = await take(consumer, 2);
    expect(first).toMatchObject({
      topic,
      partition: 0,
      offset: 0,
      timestamp: 5,
      key: 'k',
      value: 'a',
    });
    expect(first?.headers).toEqual([{ key: 'h', value: Buffer.from('x') }]);
    expect(first?.raw).toEqual({ key: Buffer.from('k'), value: Buffer.from('a') });
    expect(second).toMatchObject({ offset: 1, key: null, value: null, error: null });
    expect(second?.headers).toEqual([]);
    expect(JSON.parse(JSON.stringify(first))).toMatchObject({ key: 'k', headers: [{ key: 'h' }] });
    await consumer.close();
  });

  test('a record that cannot be decoded comes with its bytes, and reading goes on', async () => {
    const topic = await stage.topic();
    await stage.write(topic, [{ value: '{"a":1}' }, { value: 'no json' }, { value: '2' }]);
    const consumer = stage.consumer({ topics: [topic], key: 'string', value: 'json' });
    const [good, bad, last] = await take(consumer, 3);
    expect(good?.value).toEqual({ a: 1 });
    expect(bad?.error).toBeInstanceOf(SyntaxError);
    expect([bad?.value, bad?.raw.value]).toEqual([null, Buffer.from('no json')]);
    expect(last?.value).toBe(2);
    await consumer.close();
  });

  test('of many partitions every record comes, wherever one is written, and after a seek again', async () => {
    const partitions = 40;
    const topic = await stage.topic(partitions);
    const consumer = stage.consumer({ topics: [topic], key: 'string', value: 'string' });
    const records = consumer[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => (await records.next()).value?.value;
    for (let n = 0; n < 3 * partitions; n++) {
      await stage.write(topic, [{ value: `${n}`, partition: (n * 7) % partitions }]);
      expect(await next()).toBe(`${n}`);
    }
    await consumer.seek({ topic, partition: 7 }, 0);
    expect([await next(), await next(), await next()]).toEqual(['1', '41', '81']);
    consumer.pause([{ topic, partition: 7 }]);
    await stage.write(topic, [{ value: 'later', partition: 7 }]);
    await stage.write(topic, [{ value: 'now', partition: 8 }]);
    expect(await next()).toBe('now');
    consumer.resume([{ topic, partition: 7 }]);
    expect(await next()).toBe('later');
    await consumer.close();
  });

  test('all partitions are read without a group, those that come later too', async () => {
    const topic = await stage.topic(2);
    await stage.write(topic, [
      { value: '0', partition: 0 },
      { value: '1', partition: 1 },
    ]);
    const consumer = stage.consumer({
      topics: [topic],
      from: 'latest',
      key: 'string',
      value: 'string',
      metadataMaxAgeMs: 50,
    });
    const seen: unknown[] = [];
    const reading = consumer.run((record) => void seen.push(record.value));
    await until(() => consumer.assignment().length === 2);
    await createPartitions(stage.cluster, topic, 3);
    await stage.write(topic, [{ value: 'late', partition: 2 }]);
    await until(() => seen.length === 1);
    expect(seen).toEqual(['late']);
    await consumer.close();
    await reading;
  });

  test('batches hold what came together, and count when the next is asked for', async () => {
    const topic = await stage.topic();
    await stage.write(topic, numbered(0, 10));
    const group = stage.name('g');
    const options = { topics: [topic], group, key: 'string', value: 'string' } as const;
    const consumer = stage.consumer(options);
    const seen: unknown[] = [];
    for await (const batch of consumer.batches()) {
      expect(batch).toMatchObject({ topic, partition: 0 });
      seen.push(...valuesOf(batch.records));
      expect(consumer.position({ topic, partition: 0 })).toBeLessThan(seen.length);
      if (seen.length === 10) break;
    }
    expect(seen).toEqual(numbered(0, 10).map((one) => one.value));
    await consumer.close();
  });

  test('places are assigned by hand, sought by offset and time, paused and resumed', async () => {
    const topic = await stage.topic(2);
    await stage.write(topic, [
      ...numbered(0, 5).map((one, at) => ({ ...one, partition: 0, timestamp: 1_000 + at })),
      { value: 'other', partition: 1 },
    ]);
    const place = { topic, partition: 0 };
    const consumer = stage.consumer({ assign: [place], key: 'string', value: 'string' });
    expect(valuesOf(await take(consumer, 2))).toEqual(['0', '1']);
    await consumer.seek(place, 4);
    expect(valuesOf(await take(consumer, 1))).toEqual(['4']);
    await consumer.seek(place, new Date(1_003));
    expect(valuesOf(await take(consumer, 1))).toEqual(['3']);
    await consumer.seek(place, 'earliest');
    consumer.pause();
    const next = take(consumer, 1);
    await new Promise((resolve) => setTimeout(resolve, 150));
    consumer.resume([place]);
    expect(valuesOf(await next)).toEqual(['0']);
    expect(() => consumer.pause([{ topic, partition: 1 }])).toThrow('assignment() says what is');
    await consumer.close();
  });

  test('a pause that nothing is asked for in, and no record comes twice', async () => {
    const topic = await stage.topic();
    await stage.write(topic, numbered(0, 10));
    const place = { topic, partition: 0 };
    const consumer = stage.consumer({ assign: [place], key: 'string', value: 'string' });
    const records = consumer[Symbol.asyncIterator]();
    const seen: unknown[] = [];
    for (let n = 0; n < 11; n++) {
      seen.push((await records.next()).value?.value);
      if (n === 1) {
        consumer.pause();
        consumer.resume();
        expect(consumer.position(place)).toBe(1);
      }
      if (n === 9) await stage.write(topic, numbered(10, 11));
    }
    expect(seen).toEqual(numbered(0, 11).map((one) => one.value));
    expect(consumer.position(place)).toBe(10);
    await consumer.close();
  });

  test('a place that retention took moves as was asked, or is an error', async () => {
    const topic = await stage.topic();
    const place = { topic, partition: 0 };
    await stage.write(topic, numbered(0, 6));
    await deleteRecords(stage.cluster, topic, new Map([[0, 3]]));
    const moved: number[][] = [];
    const common = { assign: [place], key: 'string', value: 'string' } as const;
    const from = { kind: 'earliest' } as const;
    const consumer: StringConsumer = stage.consumer({
      ...common,
      from,
      onMoved: (_, ...offsets) => void moved.push(offsets),
      onAssigned: () => consumer.seek(place, 1),
    });
    expect(valuesOf(await take(consumer, 1))).toEqual(['3']);
    expect(moved).toEqual([[1, 3]]);
    await consumer.close();
    const strict: StringConsumer = stage.consumer({
      ...common,
      outOfRange: 'error',
      onAssigned: () => strict.seek(place, 1),
    });
    await expect(take(strict, 1)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    await strict.seek(place, 5);
    expect(valuesOf(await take(strict, 1))).toEqual(['5']);
    await strict.close();
  });

  test('handlers run side by side, in order for each key', async () => {
    const topic = await stage.topic();
    await stage.write(
      topic,
      numbered(0, 200).map((one, at) => ({ ...one, key: `k${at % 7}` })),
    );
    const consumer = stage.consumer({ topics: [topic], key: 'string', value: 'string' });
    const byKey = new Map<string, number[]>();
    let running = 0;
    let most = 0;
    let done = 0;
    const reading = consumer.run(
      async ({ key, value }) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
        byKey.set(key ?? '', [...(byKey.get(key ?? '') ?? []), Number(value)]);
        running -= 1;
        done += 1;
      },
      { concurrency: 4 },
    );
    await until(() => done === 200);
    expect(most).toBe(4);
    for (const values of byKey.values()) expect(values).toEqual(values.toSorted((a, b) => a - b));
    await consumer.close();
    await reading;
  });

  test('what a handler throws ends the run, and the record comes again', async () => {
    const topic = await stage.topic();
    await stage.write(topic, numbered(0, 5));
    const consumer = stage.consumer({ topics: [topic], key: 'string', value: 'string' });
    const seen: string[] = [];
    let angry = true;
    const handler = ({ value }: ConsumedRecord<string, string>): void => {
      if (value === '2' && angry) throw new Error('not this one');
      seen.push(value ?? '');
    };
    await expect(consumer.run(handler)).rejects.toThrow('not this one');
    expect(consumer.position({ topic, partition: 0 })).toBe(2);
    angry = false;
    const reading = consumer.run(handler, { concurrency: 2 });
    await until(() => seen.length === 5);
    expect(seen.toSorted()).toEqual(['0', '1', '2', '3', '4']);
    await consumer.close();
    await reading;
  });

  test('a signal ends the loop after the record in hand, which counts', async () => {
    const topic = await stage.topic();
    const group = stage.name('g');
    await stage.write(topic, numbered(0, 5));
    const stop = new AbortController();
    const { signal } = stop;
    const consumer = stage.consumer({
      topics: [topic],
      group,
      signal,
      key: 'string',
      value: 'string',
    });
    const seen: unknown[] = [];
    for await (const record of consumer) {
      seen.push(record.value);
      if (seen.length === 3) stop.abort();
    }
    expect(seen).toEqual(['0', '1', '2']);
    expect(await committedOffsets(stage.cluster, group, topic, [0])).toEqual(new Map([[0, 3]]));
  });

  test('closing ends a loop that waits, and a consumer that never began', async () => {
    const topic = await stage.topic();
    const consumer = stage.consumer({ topics: [topic], key: 'string', value: 'string' });
    const reading = take(consumer, 1);
    await until(() => consumer.assignment().length === 1);
    await consumer.close();
    expect(await reading).toEqual([]);
    const idle = stage.consumer({
      topics: [topic],
      group: 'never',
      key: 'string',
      value: 'string',
    });
    await idle.close();
    await idle.close();
  });

  test('only one loop reads at a time; options that make no sense are told at once', async () => {
    const topic = await stage.topic();
    const consumer = stage.consumer({ topics: [topic], key: 'string', value: 'string' });
    const reading = consumer.run(() => {});
    await expect(consumer.run(() => {})).rejects.toThrow('one loop at a time');
    await expect(consumer.commit()).rejects.toThrow('only a group can commit');
    await consumer.close();
    await reading;
    const wrong = (options: object) => () => stage.consumer(options as never);
    expect(wrong({})).toThrow('either topics or assign');
    expect(wrong({ topics: [topic], autoCommit: true })).toThrow('only a group can commit');
    expect(wrong({ topics: [topic], assignor: 'fair' })).toThrow("there is no assignor 'fair'");
    expect(wrong({ topics: [topic], value: 'xml' })).toThrow("there is no serde 'xml'");
  });
}
