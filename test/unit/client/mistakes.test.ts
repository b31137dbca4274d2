// What people get wrong first, and whether they are told what to change. TLS is in test/client/tls.test.ts.

import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, connect, type Log, open } from '../../../src/index.ts';

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
    [{ requestTimeoutMs: '5s' }, /requestTimeoutMs 5s: write milliseconds above 0/],
    [{ apiTimeoutMs: 0 }, /apiTimeoutMs 0/],
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
  ] as const)('producer(%j)', (options, message) => {
    const make = () => log.producer(options);
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
