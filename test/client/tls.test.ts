// TLS between clients and brokers, with certificates made by openssl for the occasion.

import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/base/ports.ts';
import { type ConnectOptions, connect, type RunningBroker, serve } from '../../src/index.ts';
import { eventually } from '../support/eventually.ts';
import { makeCertificates } from './certificates.ts';

const made = makeCertificates(['localhost', 'broker.test']);

describe.runIf(made !== null)('TLS', () => {
  const { ca, server, client: own } = made ?? { ca: '', server: none(), client: none() };

  async function using(
    tls: NonNullable<Parameters<typeof serve>[0]['tls']>,
    work: (broker: RunningBroker) => Promise<void>,
  ): Promise<void> {
    const broker = await serve({ memory: true, port: 0, tls });
    try {
      await work(broker);
    } finally {
      await broker.close();
    }
  }

  /** A megabyte there and back. */
  async function roundTrip(at: string, options: ConnectOptions): Promise<void> {
    const client = await connect(at, options);
    try {
      const producer = client.producer({ value: 'buffer', batchBytes: 100_000 });
      const sent = Array.from({ length: 1_000 }, (_, n) => Buffer.alloc(1_000, n));
      await producer.sendMany(sent.map((value) => ({ topic: 'secret', value, partition: 0 })));
      const consumer = client.consumer({ topics: ['secret'], value: 'buffer' });
      let seen = 0;
      for await (const { value } of consumer) {
        expect(value?.equals(sent[seen] ?? Buffer.alloc(0))).toBe(true);
        seen += 1;
        if (seen === sent.length) break;
      }
    } finally {
      await client.close();
    }
  }

  test('records go both ways, by name and by address', async () => {
    await using(server, async ({ bootstrap, addresses }) => {
      await roundTrip(bootstrap, { tls: { ca } });
      const client = await connect(`localhost:${addresses[0]?.port}`, { tls: { ca } });
      await client.close();
    });
  });

  test('the name that a client asked for is the one it is told', async () => {
    await using(server, async ({ bootstrap }) => {
      const client = await connect(bootstrap, { tls: { ca, servername: 'broker.test' } });
      const { nodes } = await client.admin().describeCluster();
      expect(nodes.map((node) => node.host)).toEqual(['broker.test']);
      await client.close();
    });
  });

  test('an unknown authority, another name, plain text: refused, and said why', async () => {
    await using(server, async ({ bootstrap }) => {
      const refused = (options: ConnectOptions) => expect(connect(bootstrap, options)).rejects;
      await refused({ tls: true }).toThrow(/authority that is not known/);
      await refused({ tls: { ca, servername: 'other.test' } }).toThrow(/for another name/);
      await refused({ connectTimeoutMs: 500 }).toMatchObject({
        retriable: true,
        message: expect.stringContaining('it may want TLS (tls: true)'),
      });
      await connect(bootstrap, { tls: { rejectUnauthorized: false } }).then((one) => one.close());
    });
    const plain = await serve({ memory: true, port: 0 });
    await expect(
      connect(plain.bootstrap, { tls: { ca }, connectTimeoutMs: 500 }),
    ).rejects.toMatchObject({
      code: 'cannot_connect',
      message: expect.stringContaining('it does not speak TLS there'),
    });
    await plain.close();
  });

  test('a broker that wants certificates of clients', async () => {
    await using({ ...server, clientCa: ca }, async ({ bootstrap }) => {
      await roundTrip(bootstrap, { tls: { ca, ...own } });
      await expect(connect(bootstrap, { tls: { ca } })).rejects.toMatchObject({
        retriable: true,
        message: expect.stringMatching(/certificate.*\(?.*tls.cert/),
      });
    });
  });

  test('who is refused in the handshake stands in the log of the broker', async () => {
    const told: string[] = [];
    const warn = (fields: object, text: string): void => {
      told.push(`${JSON.stringify(fields)} ${text}`);
    };
    const logger = { ...silentLogger, warn };
    const broker = await serve({ memory: true, port: 0, tls: { ...server, clientCa: ca }, logger });
    await expect(connect(broker.bootstrap, { tls: { ca } })).rejects.toThrow();
    await eventually(() => expect(told.join()).toMatch(/127.0.0.1.*certificate.* refused/));
    await broker.close();
  });

  test('a certificate that is none is told before anything is opened', async () => {
    const tls = { cert: 'no certificate', key: 'no key' };
    await expect(serve({ memory: true, port: 0, tls })).rejects.toMatchObject({
      code: 'invalid_option',
    });
  });
});

function none(): { cert: string; key: string } {
  return { cert: '', key: '' };
}
