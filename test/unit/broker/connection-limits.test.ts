import { beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { AnswerRoom } from '../../../src/broker/answer-room.ts';
import { ConnectionLimits } from '../../../src/broker/connection-limits.ts';
import { ConnectionSet } from '../../../src/broker/connection-set.ts';
import { FrameMemory } from '../../../src/broker/frame-memory.ts';
import { MemoryGate } from '../../../src/broker/memory-gate.ts';
import { BrokerMetrics } from '../../../src/broker/metrics.ts';
import { Router } from '../../../src/broker/router.ts';
import { openEngine } from '../../../src/engine/index.ts';
import { Produce } from '../../../src/protocol/index.ts';
import { MemoryDisk } from '../../../src/storage/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { FakeSocket } from './support/fake-socket.ts';

let configs: Record<string, string | number>;
let metrics: BrokerMetrics;
let connections: ConnectionSet;

let clock: VirtualClock;

beforeEach(() => {
  clock = new VirtualClock();
  configs = {
    'max.connections': 1000,
    'max.connections.per.ip': 1000,
    'max.connections.per.ip.overrides': '',
  };
  metrics = new BrokerMetrics();
  connections = connectionsOf(600_000);
});

function connectionsOf(idleMs: number): ConnectionSet {
  return new ConnectionSet({
    router: new Router(metrics, silentLogger),
    metrics,
    gate: new MemoryGate(10_000),
    frames: new FrameMemory(Produce.key),
    answerRoom: new AnswerRoom(),
    clock,
    logger: silentLogger,
    requestBytesMax: 5000,
    idleMs,
    limits: new ConnectionLimits((name) => configs[name] ?? null),
    mayProduce: () => true,
  });
}

function connect(host?: string): FakeSocket {
  const socket = new FakeSocket(host);
  socket.handler = connections.accept(socket);
  return socket;
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const refused = (socket: FakeSocket): boolean => socket.closedBy === 'destroy';

test('no more peers are taken than max.connections, as it is now', async () => {
  configs['max.connections'] = 2;
  const [first, second, third] = [connect('a'), connect('b'), connect('c')];
  expect([first, second, third].map(refused)).toEqual([false, false, true]);
  expect(metrics.connectionsRefused).toBe(1);
  await settle();
  expect(connections.size).toBe(2);
  first.destroy();
  await settle();
  expect(refused(connect('d'))).toBe(false);
  expect(refused(connect('e'))).toBe(true);
  configs['max.connections'] = 3;
  await settle();
  expect(refused(connect('f'))).toBe(false);
});

test('one address may have no more than max.connections.per.ip, or what its override says', async () => {
  configs['max.connections.per.ip'] = 2;
  configs['max.connections.per.ip.overrides'] = '10.0.0.1:3, ::1:0';
  const peers = ['a', 'a', 'a', 'b', '10.0.0.1', '10.0.0.1', '10.0.0.1', '10.0.0.1', '::1'];
  const sockets = peers.map(connect);
  expect(peers.filter((_, index) => refused(sockets[index] as FakeSocket))).toEqual([
    'a',
    '10.0.0.1',
    '::1',
  ]);
  sockets[0]?.destroy();
  await settle();
  expect(refused(connect('a'))).toBe(false);
  expect(refused(connect('a'))).toBe(true);
});

test('a negative connections.max.idle.ms closes nobody, as in Kafka', async () => {
  connections = connectionsOf(-1);
  const peer = connect();
  await clock.advance(3_600_000);
  expect(peer.closedBy).toBe(null);
});

test.each(['10.0.0.1', '10.0.0.1:', '10.0.0.1:-1', '10.0.0.1:many', ':5', '10.0.0.1:1,b'])(
  'overrides "%s" are refused',
  async (text) => {
    const ports = { clock: new VirtualClock(), random: new SeededRandom(1), logger: silentLogger };
    const config = new Map([['max.connections.per.ip.overrides', text]]);
    const opening = openEngine({ ...ports, disk: new MemoryDisk(), root: 'data', config });
    await expect(opening).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  },
);
