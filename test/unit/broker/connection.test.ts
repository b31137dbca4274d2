import { beforeEach, describe, expect, test } from 'vitest';
import { KafkaError } from '../../../src/base/kafka-errors.ts';
import { silentLogger } from '../../../src/base/ports.ts';
import { AnswerRoom } from '../../../src/broker/answer-room.ts';
import { ConnectionLimits } from '../../../src/broker/connection-limits.ts';
import { ConnectionSet, type ConnectionSetOptions } from '../../../src/broker/connection-set.ts';
import { FrameMemory } from '../../../src/broker/frame-memory.ts';
import { handler, type Session } from '../../../src/broker/handler.ts';
import { apiVersionsHandler } from '../../../src/broker/handlers/18-api-versions.ts';
import { InProcessTransport } from '../../../src/broker/in-process-transport.ts';
import { MemoryGate } from '../../../src/broker/memory-gate.ts';
import { BrokerMetrics } from '../../../src/broker/metrics.ts';
import { Router } from '../../../src/broker/router.ts';
import { ApiVersions, encodeRequest, Heartbeat, Produce } from '../../../src/protocol/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { FakeSocket } from './support/fake-socket.ts';

const heartbeat = { groupId: 'g', generationId: 1, memberId: 'm' };
const produce = (acks = -1) => ({ acks, timeoutMs: 1, topicData: [] });

/** A request that waits in a handler until the test answers it. */
interface Parked {
  readonly api: string;
  readonly session: Session;
  answer(response?: object): void;
  fail(error: Error): void;
  answerNothing(): void;
}

let parked: Parked[];
let metrics: BrokerMetrics;
let gate: MemoryGate;
let clock: VirtualClock;
let services: ConnectionSetOptions;
let connections: ConnectionSet;
let mayProduce: boolean;
let resumeProducing: (() => void)[];

function park<T extends object>(api: string, session: Session, response: T): Promise<T | null> {
  return new Promise((resolve, reject) => {
    parked.push({
      api,
      session,
      answer: (other) => resolve((other as T | undefined) ?? response),
      fail: reject,
      answerNothing: () => resolve(null),
    });
  });
}

beforeEach(() => {
  parked = [];
  metrics = new BrokerMetrics();
  gate = new MemoryGate(10_000);
  clock = new VirtualClock();
  mayProduce = true;
  resumeProducing = [];
  const router = new Router(metrics, silentLogger);
  router.register([
    handler(Heartbeat, {
      handle: async (_request, { session }) =>
        (await park('Heartbeat', session, { errorCode: 0 })) ?? { errorCode: 0 },
    }),
    handler(Produce, {
      announcedFrom: 0,
      overlaps: true,
      handle: (_request, { session }) => park('Produce', session, { responses: [] }),
    }),
    apiVersionsHandler(() => router.announced()),
  ]);
  services = {
    router,
    metrics,
    gate,
    frames: new FrameMemory(Produce.key),
    answerRoom: new AnswerRoom(),
    clock,
    logger: silentLogger,
    requestBytesMax: 5000,
    idleMs: 600_000,
    limits: new ConnectionLimits(() => 1000),
    mayProduce: (resume) => {
      if (!mayProduce) resumeProducing.push(resume);
      return mayProduce;
    },
  };
  connections = new ConnectionSet(services);
});

function connect(): FakeSocket {
  const socket = new FakeSocket();
  socket.handler = connections.accept(socket);
  return socket;
}

/** Lets promise callbacks run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('order', () => {
  test('a request waits for the one before it', async () => {
    const socket = connect();
    socket.request(Heartbeat, 4, 1, heartbeat);
    socket.request(Heartbeat, 4, 2, heartbeat);
    expect(parked).toHaveLength(1);
    expect(socket.paused).toBe(true);
    parked[0]?.answer();
    await settle();
    expect(parked).toHaveLength(2);
    expect(socket.paused).toBe(false);
    parked[1]?.answer();
    await settle();
    expect(socket.correlationIds()).toEqual([1, 2]);
  });

  test('produce requests overlap, and are answered in order', async () => {
    const socket = connect();
    for (const id of [1, 2, 3]) socket.request(Produce, 9, id, produce());
    expect(parked).toHaveLength(3);
    parked[2]?.answer();
    parked[1]?.answer();
    await settle();
    expect(socket.correlationIds()).toEqual([]);
    parked[0]?.answer();
    await settle();
    expect(socket.correlationIds()).toEqual([1, 2, 3]);
  });

  test('a client that sends much at once goes on in later turns of the event loop', async () => {
    const [greedy, modest] = [connect(), connect()];
    for (let id = 1; id <= 3; id++) greedy.request(Heartbeat, 4, id, heartbeat);
    expect(parked).toHaveLength(1);
    // Its first request took long.
    await clock.advance(5);
    parked[0]?.answer();
    await settle();
    expect(parked).toHaveLength(1);
    modest.request(Heartbeat, 4, 1, heartbeat);
    expect(parked).toHaveLength(2);
    await clock.advance(0);
    expect(parked).toHaveLength(3);
    parked[2]?.answer();
    await settle();
    expect(greedy.correlationIds()).toEqual([1, 2]);
    expect(parked).toHaveLength(4);
  });

  test('nothing overlaps with another kind of request', async () => {
    const socket = connect();
    socket.request(Produce, 9, 1, produce());
    socket.request(Heartbeat, 4, 2, heartbeat);
    socket.request(Produce, 9, 3, produce());
    expect(parked.map(({ api }) => api)).toEqual(['Produce']);
    parked[0]?.answer();
    await settle();
    expect(parked.map(({ api }) => api)).toEqual(['Produce', 'Heartbeat']);
    parked[1]?.answer();
    await settle();
    expect(parked.map(({ api }) => api)).toEqual(['Produce', 'Heartbeat', 'Produce']);
  });

  test('a request without an answer leaves no hole', async () => {
    const socket = connect();
    for (const id of [1, 2]) socket.request(Produce, 9, id, produce(0));
    parked[0]?.answerNothing();
    parked[1]?.answer();
    await settle();
    expect(socket.correlationIds()).toEqual([2]);
  });

  test('one connection waits for no other', async () => {
    const [first, second] = [connect(), connect()];
    first.request(Heartbeat, 4, 1, heartbeat);
    second.request(Heartbeat, 4, 7, heartbeat);
    expect(parked).toHaveLength(2);
    parked[1]?.answer();
    await settle();
    expect(first.correlationIds()).toEqual([]);
    expect(second.correlationIds()).toEqual([7]);
  });
});

describe('bounds', () => {
  test('no request starts for a peer that does not read what it was sent', async () => {
    const socket = connect();
    socket.slow = true;
    const name = 'n'.repeat(1000);
    const responses = Array.from({ length: 300 }, () => ({ name, partitionResponses: [] }));
    socket.request(Produce, 3, 1, produce());
    parked[0]?.answer({ responses });
    await settle();
    expect(gate.usedBytes).toBeGreaterThan(300_000);
    socket.request(Produce, 3, 2, produce());
    expect(parked).toHaveLength(1);
    expect(socket.paused).toBe(true);
    socket.drain();
    expect(parked).toHaveLength(2);
    expect(socket.paused).toBe(false);
    parked[1]?.answer();
    await settle();
    expect(gate.usedBytes).toBe(0);
  });

  test('memory in flight is counted and given back, also when the peer goes away', async () => {
    const socket = connect();
    socket.request(Heartbeat, 4, 1, heartbeat);
    socket.request(Heartbeat, 4, 2, heartbeat);
    socket.send(Buffer.from([0, 0, 4, 0, 1, 2, 3]));
    expect(gate.usedBytes).toBeGreaterThan(1024);
    socket.destroy();
    await settle();
    parked[0]?.answer();
    await settle();
    expect(gate.usedBytes).toBe(0);
    expect(metrics.connections).toBe(0);
  });

  test('beyond the limit nobody reads on, except who is within a frame', async () => {
    const [greedy, within, other] = [connect(), connect(), connect()];
    within.send(Buffer.from([0, 0, 0, 100, 1]));
    for (let id = 0; id < 400; id++) greedy.request(Produce, 9, id, produce());
    expect(gate.open).toBe(true);
    gate.take(10_000);
    within.send(Buffer.alloc(1));
    other.send(Buffer.alloc(0));
    other.request(Heartbeat, 4, 1, heartbeat);
    expect(within.paused).toBe(false);
    expect(other.paused).toBe(true);
    gate.give(10_000);
    for (const request of parked) request.answer();
    await settle();
    expect(other.paused).toBe(false);
  });

  test('beyond the limit frames are finished one at a time, so unfinished ones take no more memory', async () => {
    const peers = Array.from({ length: 20 }, () => connect());
    const frame = Buffer.alloc(4004, 1);
    frame.writeInt32BE(4000, 0);
    for (const peer of peers) if (!peer.paused) peer.send(frame.subarray(0, 3000));
    for (const peer of peers) if (!peer.paused) peer.send(frame.subarray(3000, 3001));
    const reading = peers.filter((peer) => !peer.paused);
    expect(reading).toHaveLength(1);
    // The one that is let through goes; the next one is let through.
    reading[0]?.destroy();
    await settle();
    const next = peers.filter((peer) => !peer.paused && peer.closedBy === null);
    expect(next.length).toBeGreaterThan(0);
    expect(next).not.toContain(reading[0]);
  });

  test('who may finish alone and only trickles is closed', async () => {
    const peers = Array.from({ length: 6 }, () => connect());
    const head = Buffer.alloc(2500);
    head.writeInt32BE(4900, 0);
    for (const peer of peers) if (!peer.paused) peer.send(head);
    for (const peer of peers) if (!peer.paused) peer.send(Buffer.alloc(1));
    const slow = peers.find((peer) => !peer.paused);
    for (let seconds = 0; seconds < 50; seconds += 5) {
      if (slow?.closedBy === null) slow.send(Buffer.alloc(1));
      await clock.advance(5_000);
    }
    expect(slow?.closedBy).toBe('destroy');
  });

  test('produce requests wait while appends wait for the disk', () => {
    const socket = connect();
    mayProduce = false;
    socket.request(Produce, 9, 1, produce());
    expect(parked).toHaveLength(0);
    expect(socket.paused).toBe(true);
    mayProduce = true;
    for (const resume of resumeProducing) resume();
    expect(parked).toHaveLength(1);
    expect(socket.paused).toBe(false);
  });

  test('an idle connection is closed, one with a request at work is not', async () => {
    const [idle, busy] = [connect(), connect()];
    busy.request(Heartbeat, 4, 1, heartbeat);
    await clock.advance(611_000);
    expect(idle.closedBy).toBe('destroy');
    expect(busy.closedBy).toBeNull();
    expect(metrics.connectionsClosedIdle).toBe(1);
  });
});

describe('bad input', () => {
  test('ApiVersions of a version to come is answered in version 0, with error 35', async () => {
    const socket = connect();
    // Header v2 with a client id and tags, then bytes that nobody can read.
    const frame = Buffer.from('0012270f000000090002686900ffffff', 'hex');
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(frame.byteLength);
    socket.send(Buffer.concat([prefix, frame]));
    await settle();
    expect(socket.correlationIds()).toEqual([9]);
    expect(socket.response(0, ApiVersions, 0)).toMatchObject({
      errorCode: 35,
      apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
    });
    expect(socket.closedBy).toBeNull();
  });

  test('ApiVersions tells what is served, and Produce from 0', async () => {
    const socket = connect();
    socket.request(ApiVersions, 3, 1, { clientSoftwareName: 'a', clientSoftwareVersion: '1' });
    await settle();
    expect(socket.response(0, ApiVersions, 3)).toMatchObject({
      errorCode: 0,
      apiKeys: [
        { apiKey: 0, minVersion: 0, maxVersion: 13 },
        { apiKey: 12, minVersion: 0, maxVersion: 4 },
        { apiKey: 18, minVersion: 0, maxVersion: 4 },
      ],
    });
  });

  test.each([
    ['an unknown API', '7fff0000000000010000', 'version'],
    ['an API that nobody serves', '00010004000000010000', 'version'],
    ['a version to come', '000c0063000000010000', 'version'],
    ['a negative version', '000cffff000000010000', 'version'],
    ['a refused version of Produce', '00000000000000010000', 'version'],
    ['a header that is cut', '000c00', 'header'],
    ['a body that is cut', '000c000000000001ffff00', 'body'],
    ['an empty frame', '', 'header'],
  ] as const)('%s closes the connection', async (_name, hex, cause) => {
    const socket = connect();
    const frame = Buffer.from(hex, 'hex');
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(frame.byteLength);
    socket.send(Buffer.concat([prefix, frame]));
    await settle();
    expect(socket.closedBy).toBe('destroy');
    expect(metrics.badFrames[cause]).toBe(1);
    expect(gate.usedBytes).toBe(0);
    expect(connections.size).toBe(0);
  });

  test.each([
    ['a body that is cut', '000c000000000001ffff00'],
    ['a version to come', '000c0063000000010000'],
  ])('nothing is begun of what came behind %s', async (_name, hex) => {
    const socket = connect();
    const frame = Buffer.from(hex, 'hex');
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(frame.byteLength);
    const identity = { correlationId: 2, clientId: 'test' };
    const behind = encodeRequest(Heartbeat, 4, identity, heartbeat as never) as Buffer[];
    socket.send(Buffer.concat([prefix, frame, ...behind]));
    expect(parked).toEqual([]);
    await settle();
    expect(socket.closedBy).toBe('destroy');
    expect(gate.usedBytes).toBe(0);
  });

  test.each([-1, 5001, 0x7fff_ffff])(
    'a frame of %d bytes closes the connection',
    async (length) => {
      const socket = connect();
      const prefix = Buffer.alloc(4);
      prefix.writeInt32BE(length);
      socket.send(prefix);
      await settle();
      expect(socket.closedBy).toBe('destroy');
      expect(metrics.badFrames.size).toBe(1);
      expect(gate.usedBytes).toBe(0);
    },
  );

  test('a handler that fails answers with the error where the response can tell it', async () => {
    const socket = connect();
    socket.request(Heartbeat, 4, 1, heartbeat);
    parked[0]?.fail(new KafkaError('NOT_COORDINATOR', 'not here'));
    await settle();
    expect(socket.response(0, Heartbeat, 4)).toMatchObject({ errorCode: 16 });
  });

  test('a handler that breaks is UNKNOWN_SERVER_ERROR, and the connection goes on', async () => {
    const socket = connect();
    socket.request(Heartbeat, 4, 1, heartbeat);
    parked[0]?.fail(new TypeError('a bug'));
    await settle();
    expect(socket.response(0, Heartbeat, 4)).toMatchObject({ errorCode: -1 });
    expect(socket.closedBy).toBeNull();
  });

  test('a failure that the response cannot tell closes the connection, and nothing behind it is begun', async () => {
    const socket = connect();
    socket.request(Produce, 9, 1, produce());
    socket.request(Heartbeat, 4, 2, heartbeat);
    parked[0]?.fail(new TypeError('a bug'));
    await settle();
    expect(socket.closedBy).toBe('destroy');
    expect(parked).toHaveLength(1);
    expect(gate.usedBytes).toBe(0);
  });
});

describe('ends', () => {
  test('a peer that is done sending gets its answers first', async () => {
    const socket = connect();
    socket.request(Heartbeat, 4, 1, heartbeat);
    socket.request(Heartbeat, 4, 2, heartbeat);
    socket.handler?.onEnd();
    parked[0]?.answer();
    await settle();
    parked[1]?.answer();
    await settle();
    expect(socket.correlationIds()).toEqual([1, 2]);
    expect(socket.closedBy).toBe('end');
  });

  test('a stop lets requests finish, and takes no more', async () => {
    const socket = connect();
    socket.request(Heartbeat, 4, 1, heartbeat);
    let stopped = false;
    const stop = connections.close(1000).then(() => {
      stopped = true;
    });
    socket.request(Heartbeat, 4, 2, heartbeat);
    await settle();
    expect(stopped).toBe(false);
    parked[0]?.answer();
    await stop;
    expect(socket.correlationIds()).toEqual([1]);
    expect(parked).toHaveLength(1);
  });

  test('a stop waits no longer than it is told to', async () => {
    const socket = connect();
    socket.request(Heartbeat, 4, 1, heartbeat);
    const stop = connections.close(1000);
    await clock.advance(1000);
    await stop;
    expect(socket.closedBy).toBe('destroy');
  });

  test('those who wait on the peer are told once that it is gone', async () => {
    const socket = connect();
    socket.request(Heartbeat, 4, 1, heartbeat);
    const told: string[] = [];
    parked[0]?.session.onGone(() => told.push('kept'));
    parked[0]?.session.onGone(() => told.push('forgotten'))();
    socket.handler?.onEnd();
    socket.destroy();
    await settle();
    expect(told).toEqual(['kept']);
    parked[0]?.session.onGone(() => told.push('late'));
    expect(told).toEqual(['kept', 'late']);
  });
});

describe('a fault of ours', () => {
  test.each(['at once', 'later'])(
    'after an answer (%s) ends the connection, nothing else',
    async (when) => {
      const router = new Router(metrics, silentLogger);
      router.register([
        handler(Heartbeat, {
          handle: (_request, context) => {
            context.whenAnswered = () => {
              throw new Error('a bug');
            };
            const answer = { errorCode: 0 };
            return when === 'at once' ? answer : Promise.resolve(answer);
          },
        }),
      ]);
      connections = new ConnectionSet({ ...services, router });
      const socket = connect();
      socket.request(Heartbeat, 4, 1, heartbeat);
      await settle();
      expect(socket.closedBy).toBe('destroy');
      const transport = new InProcessTransport({ id: -1, router, clock, onClosed: () => {} });
      await expect(transport.send(Heartbeat, heartbeat)).rejects.toThrow('a fault of the broker');
    },
  );
});
