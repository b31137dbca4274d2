// Bytes that are no request, or only almost one. Whatever comes, the broker answers or closes that
// connection, serves all others, and stores nothing that was not sent whole.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Api,
  ApiVersions,
  CreateTopics,
  Fetch,
  JoinGroup,
  Metadata,
  OffsetCommit,
  Produce,
  ZERO_UUID,
} from '../../src/protocol/index.ts';
import { amount } from '../support/amount.ts';
import { fc } from '../support/fast-check.ts';
import {
  type BrokerUnderAttack,
  brokerUnderAttack,
  goodBatch,
  TOPIC,
} from './support/broker-under-attack.ts';
import { requestFrame } from './support/wire-client.ts';

let target: BrokerUnderAttack;

beforeAll(async () => {
  // A small limit, so that lengths beyond it are met by small frames too.
  target = await brokerUnderAttack(2, { 'socket.request.max.bytes': '1000000' });
});

afterAll(() => target.close());

const produceRequest = {
  acks: -1,
  timeoutMs: 1000,
  topicData: [
    { name: TOPIC, topicId: ZERO_UUID, partitionData: [{ index: 0, records: goodBatch() }] },
  ],
};

/** Requests of different shapes: strings, arrays, bytes, tags, records. */
const requests: readonly (readonly [name: string, api: Api, version: number, request: object])[] = [
  ['ApiVersions 3', ApiVersions, 3, { clientSoftwareName: 'x', clientSoftwareVersion: '1' }],
  ['Metadata 1', Metadata, 1, { topics: [{ name: TOPIC }] }],
  ['Metadata 12', Metadata, 12, { topics: [{ name: TOPIC }], allowAutoTopicCreation: false }],
  ['Produce 3', Produce, 3, produceRequest],
  ['Produce 9', Produce, 9, produceRequest],
  [
    'Fetch 11',
    Fetch,
    11,
    {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [
        { topic: TOPIC, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] },
      ],
      forgottenTopicsData: [{ topic: TOPIC, partitions: [1] }],
    },
  ],
  [
    'JoinGroup 5',
    JoinGroup,
    5,
    {
      groupId: '',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from('m') }],
    },
  ],
  [
    'OffsetCommit 8',
    OffsetCommit,
    8,
    {
      groupId: 'g',
      topics: [
        {
          name: TOPIC,
          partitions: [{ partitionIndex: 9, committedOffset: 1, committedMetadata: 'm' }],
        },
      ],
    },
  ],
  [
    'CreateTopics 5',
    CreateTopics,
    5,
    {
      topics: [
        { name: TOPIC, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
      ],
    },
  ],
];

describe('frames that are cut', () => {
  test.each(requests)('%s, at every byte, then closed', async (_name, api, version, request) => {
    const before = target.sizes();
    const frame = requestFrame(api, version, request as never);
    const clients = await Promise.all(
      Array.from({ length: frame.byteLength }, async (_, length) => {
        const client = await target.connect();
        client.write(frame.subarray(0, length));
        client.end();
        return client;
      }),
    );
    const answers = await Promise.all(clients.map((client) => client.frame()));
    expect(answers.filter((answer) => answer !== null)).toEqual([]);
    await Promise.all(clients.map((client) => client.closed));
    expect(target.sizes()).toEqual(before);
    await target.expectAlive();
  });

  test.each(requests)(
    '%s, with the length of what is left',
    async (_name, api, version, request) => {
      const before = target.sizes();
      const body = requestFrame(api, version, request as never).subarray(4);
      for (let length = 0; length < body.byteLength; length++) {
        const client = await target.connect();
        client.writeFrame(body.subarray(0, length));
        // Some cuts leave a whole request: tags at the end, or fields that a shorter form may lack.
        await client.frame();
        client.destroy();
      }
      expect(target.sizes()).toEqual(before);
      await target.expectAlive();
    },
  );

  test('a request in pieces of one byte is answered', async () => {
    const client = await target.connect();
    for (const byte of requestFrame(ApiVersions, 0, {})) client.write(Buffer.from([byte]));
    expect(await client.frame()).not.toBeNull();
    client.destroy();
  });
});

describe('hostile lengths', () => {
  const values = [-1, -2, -0x8000_0000, 0x7fff_ffff, 0x7fff_0000, 0x0001_0000, 255, 0];

  test.each(requests)('%s, each four bytes replaced', async (_name, api, version, request) => {
    const body = requestFrame(api, version, request as never).subarray(4);
    // The correlation id and the records themselves are no lengths; the rest is tried byte by byte.
    const head = Math.min(body.byteLength, 90);
    for (let position = 8; position + 4 <= head; position++) {
      const client = await target.connect();
      const hostile = Buffer.from(body);
      hostile.writeInt32BE(values[position % values.length] ?? 0, position);
      client.writeFrame(hostile);
      client.end();
      await client.closed;
    }
    await target.expectAlive();
  });

  test.each(requests)('%s, each varint endless', async (_name, api, version, request) => {
    const body = requestFrame(api, version, request as never).subarray(4);
    for (let position = 8; position < Math.min(body.byteLength, 90); position++) {
      const client = await target.connect();
      const hostile = Buffer.from(body);
      hostile.fill(0xff, position, Math.min(position + 6, hostile.byteLength));
      client.writeFrame(hostile);
      client.end();
      await client.closed;
    }
    await target.expectAlive();
  });

  test('a frame length beyond the limit, or below zero, closes the connection', async () => {
    for (const length of [1_000_001, 0x7fff_ffff, -1, -0x8000_0000]) {
      const client = await target.connect();
      const prefix = Buffer.alloc(4);
      prefix.writeInt32BE(length);
      client.write(prefix);
      await client.closed;
    }
    await target.expectAlive();
  });

  test('a thousand promises of a long frame take no memory to speak of', async () => {
    const before = process.memoryUsage().rss;
    const prefix = Buffer.alloc(5);
    prefix.writeInt32BE(999_999);
    const clients = await Promise.all(Array.from({ length: 500 }, () => target.connect()));
    for (const client of clients) client.write(prefix);
    await target.expectAlive();
    const grown = process.memoryUsage().rss - before;
    // Promised: 500 MB.
    expect(grown).toBeLessThan(200_000_000);
    for (const client of clients) client.destroy();
    await target.expectAlive();
  });
});

test('random bytes close the connection or are answered, and store nothing', async () => {
  const before = target.sizes();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.boolean(), async (bytes, framed) => {
      const client = await target.connect();
      if (framed) client.writeFrame(Buffer.from(bytes));
      else client.write(Buffer.from(bytes));
      client.end();
      await client.closed;
    }),
    { numRuns: amount(40, 300) },
  );
  expect(target.sizes()).toEqual(before);
  await target.expectAlive();
});

test('random bodies behind the header of every API are survived', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(80),
      fc.nat(18),
      fc.uint8Array({ maxLength: 200 }),
      async (key, version, bytes) => {
        const client = await target.connect();
        const header = Buffer.alloc(10);
        header.writeInt16BE(key, 0);
        header.writeInt16BE(version, 2);
        header.writeInt16BE(-1, 8);
        client.writeFrame(Buffer.concat([header, Buffer.from(bytes)]));
        client.end();
        await client.closed;
      },
    ),
    { numRuns: amount(80, 600) },
  );
  await target.expectAlive();
});

test('half-open connections keep nobody else from being served', async () => {
  const frame = requestFrame(Metadata, 1, { topics: [{ name: TOPIC }] });
  const stuck = await Promise.all(Array.from({ length: 200 }, () => target.connect()));
  for (const [index, client] of stuck.entries()) {
    client.write(frame.subarray(0, index % frame.byteLength));
  }
  const client = await target.connect();
  for (let round = 0; round < 20; round++) {
    const answer = await client.call(Metadata, 1, { topics: [{ name: TOPIC }] });
    expect(answer.topics[0]?.errorCode).toBe(0);
  }
  for (const other of stuck) other.destroy();
  client.destroy();
});
