// What people get wrong first, and whether they are told what to change. TLS is in test/client/tls.test.ts.

import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, connect, type Log, open } from '../../../src/index.ts';
import { eventually } from '../../support/eventually.ts';

/** As a caller without types writes it. */
type Loose = Record<string, (...args: unknown[]) => unknown>;

let log: Log;
let loose: Loose;
beforeAll(async () => {
  log = await open({ memory: true });
  loose = log as unknown as Loose;
});
afterAll(() => log.close());

const listening = async (server: Server): Promise<string> => {
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
};

describe('the wrong port', () => {
  test.each([
    ['an HTTP server', createHttpServer(), 'bad_response', /HTTP server; is that the right port/],
    [
      'a mail server',
      createServer((socket) => socket.write('220 ready\r\n')),
      'bad_response',
      /does not speak the Kafka protocol: its answer begins with the text '220 '/,
    ],
    [
      'who says nothing and goes',
      createServer((socket) => socket.destroy()),
      'connection_lost',
      /at our first request: it may want TLS \(tls: true\), or be no Kafka broker/,
    ],
    [
      'a TLS server, which answers with an alert',
      createServer((socket) => socket.end(Buffer.from('15030300020246', 'hex'))),
      'bad_response',
      /connect with TLS \(tls: true\)/,
    ],
  ])('%s', async (_, server, code, message) => {
    const at = await listening(server);
    const failed = expect(connect(at, { connectTimeoutMs: 5_000 })).rejects;
    await failed.toMatchObject({ code, message: expect.stringMatching(message) });
    server.close();
  });
});

describe('options of connect', () => {
  test.each([
    [{ requestTimeoutMs: '5s' }, /requestTimeoutMs '5s': write milliseconds above 0/],
    [{ apiTimeoutMs: 0 }, /apiTimeoutMs 0/],
    [{ clientId: 7 }, /clientId 7: write text/],
    [{ tls: 'yes' }, /tls 'yes': write true, or \{ ca \}/],
    [{ onTrouble: true }, /onTrouble true: write a function/],
    [{ tls: { ca: './ca.pem' } }, /tls.ca is no PEM text; give what is in the file/],
    [{ tls: { cert: '-----BEGIN CERTIFICATE-----' } }, /tls.cert and tls.key belong together/],
  ])('%j', async (options, message) => {
    const failed = expect(connect('127.0.0.1:1', options as object)).rejects;
    await failed.toMatchObject({
      code: 'invalid_option',
      message: expect.stringMatching(message),
    });
  });
});

test('connect without an address', async () => {
  const nothing = (connect as () => Promise<unknown>)();
  await expect(nothing).rejects.toMatchObject({
    code: 'invalid_address',
    message: "give the brokers' addresses: connect('host:9092')",
  });
});

describe('a log that is closed', () => {
  const listeners = () =>
    process.getActiveResourcesInfo().filter((one) => one === 'TCPServerWrap').length;

  test('is not served any more', async () => {
    const closed = await open({ memory: true });
    await closed.close();
    await expect(closed.serve({ port: 0 })).rejects.toMatchObject({ code: 'closed' });
  });

  test('while it begins to listen leaves no socket behind', async () => {
    const before = listeners();
    const closing = await open({ memory: true });
    const served = closing.serve({ port: 0 });
    await Promise.all([expect(served).rejects.toMatchObject({ code: 'closed' }), closing.close()]);
    await eventually(() => expect(listeners()).toBeLessThanOrEqual(before));
  });
});

describe('producers and consumers', () => {
  test('a consumer of nothing', () => {
    expect(() => loose['consumer']?.()).toThrow('give a consumer either topics or assign');
  });

  test('a signal that is aborted already', async () => {
    const signal = AbortSignal.abort(new Error('mine'));
    const producer = log.producer({ value: 'string', signal });
    await expect(producer.send({ topic: 't', value: 'x' })).rejects.toThrow('mine');
    const consumer = log.consumer({ topics: ['t'], signal });
    await expect(consumer.run(() => {})).resolves.toBeUndefined();
  });

  test.each([
    [[], /run needs a function/],
    [[{ concurrency: 4 }], /run needs a function/],
    [[() => {}, { concurrency: 0 }], /concurrency 0: write a whole number from 1/],
    [[() => {}, { concurrency: 1.5 }], /concurrency 1.5/],
    [[() => {}, { concurency: 4 }], /run has no option 'concurency'/],
  ])('run(%j)', async (args, message) => {
    const consumer = log.consumer({ topics: ['t'] });
    const run = (consumer.run as (...args: unknown[]) => Promise<void>).bind(consumer);
    await expect(run(...args)).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringMatching(message),
    });
    await consumer.close();
  });

  test.each([
    [{ compression: 'gzip', level: 10 }, /level 10: gzip has the whole numbers from 1 to 9/],
    [{ compression: 'zstd', level: 0 }, /level 0: zstd has the whole numbers from 1 to 22/],
    [{ compression: 'zstd', level: 2.5 }, /level 2.5/],
    [{ compression: 'snappy', level: 1 }, /compression 'snappy' has no levels/],
    [{ level: 3 }, /compression 'none' has no levels/],
    [{ lingerMs: '5' }, /lingerMs '5': write a number from 0 on/],
    [{ batchBytes: null }, /batchBytes null/],
    [{ idempotent: 'yes' }, /idempotent 'yes': write true or false/],
    [{ acks: 'all' }, /acks 'all': write one of -1, 0, 1/],
    [{ signal: {} }, /signal \(an object\): write the signal of an AbortController/],
    [{ value: null }, /value null: write the name of a serde/],
    [{ value: { encode: 1 } }, /value \(an object\)/],
    [{ partitioner: null }, /partitioner null/],
  ])('producer(%j)', (options, message) => {
    const make = () => log.producer(options as object);
    expect(make).toThrowError(expect.objectContaining({ code: 'invalid_option' }));
    expect(make).toThrowError(message);
  });

  test('a closed consumer says so', async () => {
    const consumer = log.consumer({ topics: ['t'] });
    await consumer.close();
    await expect(consumer.run(() => {})).rejects.toMatchObject({ code: 'closed' });
    expect(() => consumer[Symbol.asyncIterator]()).toThrowError(
      expect.objectContaining({ code: 'closed' }),
    );
  });

  test.each([
    [undefined, /undefined is no record: send\(\{ topic/],
    ['hello', /'hello' is no record/],
    [{ topic: 't', value: 'x', partition: '1' }, /partition '1': write a whole number/],
    [{ topic: 't', value: 'x', partition: Number.NaN }, /partition NaN/],
    [{ topic: 't', value: 'x', partition: -1 }, /partition -1/],
    [{ topic: 't', value: 'x', headers: 'a' }, /headers 'a': write/],
    [{ topic: 't', value: 'x', headers: [{ value: 'a' }] }, /a header needs a key that is text/],
  ])('send(%j)', async (record, message) => {
    const sent = log.producer({ value: 'string' }).send(record as never);
    await expect(sent).rejects.toMatchObject({
      code: 'invalid_record',
      message: expect.stringMatching(message),
    });
  });

  // Written as they are, they would become as many zeros.
  test.each([
    ['text', (value: unknown) => String(value), /encode of the serde gave 'x': give bytes/],
    ['nothing', () => undefined, /gave undefined/],
    ['a promise', async () => Buffer.from('x'), /gave \(an object\)/],
  ])('a serde that encodes to %s', async (_, encode, message) => {
    const serde = { encode, decode: (bytes: Buffer) => bytes } as never;
    const producer = log.producer({ value: serde });
    const sent = producer.send({ topic: 't', value: 'x' as never });
    await expect(sent).rejects.toMatchObject({
      code: 'invalid_record',
      message: expect.stringMatching(message),
    });
  });

  test('places and offsets that are none', async () => {
    await log.admin().createTopic({ name: 'wrong' });
    await log.producer({ value: 'string' }).send({ topic: 'wrong', value: 'x' });
    const consumer = log.consumer({ topics: ['wrong'], group: 'wrong', value: 'string' });
    const wrong = { code: 'invalid_option' };
    for await (const place of consumer) {
      for (const to of [-5, Number.NaN, 1.5, undefined, '3', {}, new Date('x')]) {
        await expect(async () => consumer.seek(place, to as never)).rejects.toMatchObject(wrong);
      }
      expect(() => consumer.pause('wrong' as never)).toThrow('places are a list');
      const at = { topic: 'wrong', partition: 0 };
      for (const offsets of [at, [at], [{ ...at, offset: -3 }], [{ ...at, offset: '1' }]]) {
        await expect(consumer.commit(offsets as never)).rejects.toMatchObject(wrong);
      }
      break;
    }
    await consumer.close();
  });

  test('a name that no topic can have', async () => {
    const sent = log.producer({ value: 'string' }).send({ topic: 'a/b', value: 'x' });
    await expect(sent).rejects.toThrow("'a/b' is no name of a topic");
  });
});

describe('admin', () => {
  const admin = (client: Client): Loose => client.admin() as unknown as Loose;

  test('a topic by its name alone', async () => {
    const made = admin(log)['createTopic']?.('orders');
    await expect(made).rejects.toThrow("createTopic takes an object: { name: 'orders' }");
  });

  test('a place that there is not', async () => {
    await log.admin().createTopic({ name: 'places' });
    const found = admin(log)['listOffsets']?.('places', 'newest');
    await expect(found).rejects.toThrow("'newest' is no place: 'earliest', 'latest'");
  });
});

describe('a partition that is not there', () => {
  test('is told by its name, not by the end of a minute', async () => {
    await log.admin().createTopic({ name: 'two', partitions: 2 });
    const words = "topic 'two' has 2 partitions, so no partition 7";
    const admin = log.admin();
    await expect(admin.listOffsets('two', 'latest', { partitions: [0, 7] })).rejects.toThrow(words);
    await expect(admin.deleteRecords('two', new Map([[7, 1]]))).rejects.toThrow(words);
    // One that was made elsewhere meanwhile is found.
    const { bootstrap } = await log.serve({ port: 0 });
    const elsewhere = await connect(bootstrap);
    await elsewhere.admin().createPartitions('two', 8);
    await elsewhere.close();
    const found = await admin.listOffsets('two', 'latest', { partitions: [7] });
    expect(found.get(7)?.offset).toBe(0);
  }, 20_000);
});
