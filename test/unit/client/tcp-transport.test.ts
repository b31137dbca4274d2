import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { TcpTransport } from '../../../src/client/index.ts';
import { CreateTopics, Fetch, ListGroups, Metadata, Produce } from '../../../src/protocol/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { FakeBroker, metadataBody } from './fake-broker.ts';

function transportTo(broker: FakeBroker, options: { requestTimeoutMs?: number } = {}) {
  const clock = new VirtualClock();
  const shared = { clientId: 'test', connector: broker, clock, random: new SeededRandom(1) };
  const transport = new TcpTransport({ host: 'fake', port: 1 }, { ...shared, ...options });
  return { clock, transport };
}

const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const groups = { errorCode: 0, groups: [] };

describe('versions', () => {
  test('the newest version that both sides have is used', async () => {
    const broker = new FakeBroker(() => groups);
    broker.announced = [{ apiKey: ListGroups.key, minVersion: 0, maxVersion: 2 }];
    const { transport } = transportTo(broker);
    await transport.send(ListGroups, {});
    expect(broker.of(ListGroups).map((one) => [one.version, one.clientId])).toEqual([[2, 'test']]);
    expect(await transport.versions(ListGroups)).toEqual([0, 2]);
    expect(await transport.versions(Metadata)).toBeNull();
  });

  test('a broker that only knows ApiVersions 0 is asked again in 0', async () => {
    const broker = new FakeBroker(() => groups);
    broker.apiVersionsMax = 0;
    const { transport } = transportTo(broker);
    await expect(transport.send(ListGroups, {})).resolves.toMatchObject({ groups: [] });
  });

  test('an API without a common version is refused with both ranges', async () => {
    const broker = new FakeBroker();
    broker.announced = [{ apiKey: CreateTopics.key, minVersion: 90, maxVersion: 99 }];
    const { transport } = transportTo(broker);
    await expect(transport.send(ListGroups, {})).rejects.toMatchObject({ code: 'unsupported_api' });
    const request = { topics: [] };
    await expect(transport.send(CreateTopics, request)).rejects.toThrow(
      /offers CreateTopics 90 to 99/,
    );
  });
});

describe('requests', () => {
  test('several under way are answered in order on one connection', async () => {
    const broker = new FakeBroker((request) =>
      request.api.key === ListGroups.key ? groups : metadataBody('a', 1),
    );
    const { transport } = transportTo(broker);
    const replies = await Promise.all([
      transport.send(Metadata, { topics: [] }),
      transport.send(ListGroups, {}),
      transport.send(Metadata, { topics: [] }),
    ]);
    expect(replies[0].clusterId).toBe('fake');
    expect(replies[1].groups).toEqual([]);
    expect(replies[2].clusterId).toBe('fake');
    expect(broker.connections).toHaveLength(1);
  });

  test.each([1, 2, 3, 7])(
    'answers that arrive %i bytes at a time are put together',
    async (step) => {
      const broker = new FakeBroker(() => metadataBody('topic', 3));
      broker.step = step;
      const { transport } = transportTo(broker);
      const response = await transport.send(Metadata, { topics: [] });
      expect(response.topics[0]?.partitions).toHaveLength(3);
    },
  );

  test('a long poll does not hold up other requests: it has a connection of its own', async () => {
    const broker = new FakeBroker((request) =>
      request.api.key === Fetch.key ? undefined : groups,
    );
    const { transport } = transportTo(broker);
    const poll = transport.send(Fetch, { maxWaitMs: 1000, minBytes: 1, topics: [] });
    poll.catch(() => {});
    await expect(transport.send(ListGroups, {})).resolves.toBeDefined();
    expect(broker.connections).toHaveLength(2);
    await transport.close();
    await expect(poll).rejects.toMatchObject({ code: 'closed' });
  });

  test('produce with acks 0 resolves without an answer, and the next request is not confused', async () => {
    const broker = new FakeBroker((request) =>
      request.api.key === Produce.key ? undefined : groups,
    );
    const { transport } = transportTo(broker);
    const sent = { transactionalId: null, acks: 0, timeoutMs: 1, topicData: [] };
    await expect(transport.send(Produce, sent)).resolves.toMatchObject({ responses: [] });
    await expect(transport.send(ListGroups, {})).resolves.toMatchObject({ groups: [] });
  });

  test('one that is not answered in time ends the connection, the next opens another', async () => {
    const broker = new FakeBroker(() => (broker.requests.length === 1 ? undefined : groups));
    const { transport, clock } = transportTo(broker, { requestTimeoutMs: 500 });
    const late = transport.send(ListGroups, {});
    late.catch(() => {});
    await clock.advance(600);
    await expect(late).rejects.toMatchObject({ code: 'request_timed_out', retriable: true });
    expect(broker.connections[0]?.closed).toBe(true);
    await expect(clock.until(transport.send(ListGroups, {}))).resolves.toBeDefined();
    expect(broker.connections).toHaveLength(2);
  });

  test('a connection that ends rejects what was under way, with the count', async () => {
    const broker = new FakeBroker((request) => {
      request.connection.hangUp(null);
      return undefined;
    });
    const { transport } = transportTo(broker);
    const error = transport.send(ListGroups, {});
    await expect(error).rejects.toMatchObject({ code: 'connection_lost' });
    await expect(error).rejects.toThrow(/1 request had no answer/);
  });

  test('an aborted wait rejects with the reason of the signal', async () => {
    const broker = new FakeBroker();
    const { transport } = transportTo(broker);
    const controller = new AbortController();
    const wait = transport.send(ListGroups, {}, { signal: controller.signal });
    wait.catch(() => {});
    controller.abort(new Error('enough'));
    await expect(wait).rejects.toThrow('enough');
    await transport.close();
  });
});

describe('bad answers', () => {
  test.each([
    ['a huge length', Buffer.from([0x7f, 0xff, 0xff, 0xff])],
    ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['an answer to nothing', Buffer.from([0, 0, 0, 4, 0, 0, 0x30, 0x39])],
    ['a cut answer', Buffer.from([0, 0, 0, 5, 0, 0, 0, 1, 0])],
  ])('%s ends the connection with bad_response', async (_, bytes) => {
    const broker = new FakeBroker((request) => {
      request.connection.push(bytes);
      return undefined;
    });
    const { transport } = transportTo(broker);
    await expect(transport.send(ListGroups, {})).rejects.toMatchObject({ code: 'bad_response' });
    expect(broker.connections[0]?.closed).toBe(true);
  });
});

describe('reconnecting', () => {
  test('a refused connection names the address and the reason', async () => {
    const broker = new FakeBroker();
    broker.refuse = refused;
    const { transport } = transportTo(broker);
    const error = transport.send(ListGroups, {});
    await expect(error).rejects.toMatchObject({ code: 'cannot_connect', retriable: true });
    await expect(error).rejects.toThrow('cannot connect to fake:1: nothing listens there');
  });

  test('attempts after failures wait longer and longer, up to a second', async () => {
    const broker = new FakeBroker();
    broker.refuse = refused;
    const { transport, clock } = transportTo(broker);
    const waits: number[] = [];
    for (let attempt = 0; attempt < 8; attempt++) {
      const before = clock.monotonic();
      await clock.until(transport.send(ListGroups, {}).catch(() => {}));
      waits.push(clock.monotonic() - before);
    }
    expect(waits[0]).toBe(0);
    expect(waits[2]).toBeGreaterThan(waits[1]!);
    expect(waits[4]).toBeGreaterThan(waits[3]!);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1200);
    broker.refuse = null;
    broker.answer = () => groups;
    await expect(clock.until(transport.send(ListGroups, {}))).resolves.toBeDefined();
  });

  test('callers that come while a connection opens share it', async () => {
    const broker = new FakeBroker(() => groups);
    const { transport } = transportTo(broker);
    await Promise.all([1, 2, 3].map(() => transport.send(ListGroups, {})));
    expect(broker.attempts).toBe(1);
  });

  test('closing ends the wait for a connection', async () => {
    const broker = new FakeBroker();
    broker.connect = () => new Promise(() => {});
    const { clock, transport } = transportTo(broker);
    const waiting = expect(transport.send(ListGroups, {})).rejects.toMatchObject({
      code: 'closed',
    });
    await clock.advance(10);
    await transport.close();
    await clock.until(waiting, 10);
  });

  test('a closed transport refuses and does not connect again', async () => {
    const broker = new FakeBroker(() => groups);
    const { transport } = transportTo(broker);
    await transport.send(ListGroups, {});
    await transport.close();
    await expect(transport.send(ListGroups, {})).rejects.toMatchObject({ code: 'closed' });
    expect(broker.attempts).toBe(1);
  });
});
