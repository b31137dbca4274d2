// Peers that take long to read what they have asked for: who is closed for it, and who is not.

import { beforeEach, expect, test } from 'vitest';
import type { FileRegion } from '../../../src/base/payload.ts';
import { silentLogger } from '../../../src/base/ports.ts';
import { AnswerRoom } from '../../../src/broker/answer-room.ts';
import { ConnectionLimits } from '../../../src/broker/connection-limits.ts';
import { ConnectionSet } from '../../../src/broker/connection-set.ts';
import { FrameMemory } from '../../../src/broker/frame-memory.ts';
import { handler } from '../../../src/broker/handler.ts';
import { MemoryGate } from '../../../src/broker/memory-gate.ts';
import { BrokerMetrics } from '../../../src/broker/metrics.ts';
import { Router } from '../../../src/broker/router.ts';
import { Fetch, Produce } from '../../../src/protocol/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { FakeSocket } from './support/fake-socket.ts';

let clock: VirtualClock;
let gate: MemoryGate;
let connections: ConnectionSet;
/** What every fetch is answered with. */
let records: Buffer | FileRegion;

beforeEach(() => {
  clock = new VirtualClock();
  gate = new MemoryGate(10_000);
  const metrics = new BrokerMetrics();
  const router = new Router(metrics, silentLogger);
  const answer = () => {
    const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 1, records };
    return { responses: [{ topic: 't', partitions: [partition] }] };
  };
  router.register([handler(Fetch, { handle: () => Promise.resolve(answer()) })]);
  connections = new ConnectionSet({
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
    mayProduce: () => true,
  });
});

/** Bytes that are still in a file. */
function region(bytes: number): FileRegion {
  return {
    byteLength: bytes,
    source: null,
    isCached: () => true,
    warm: () => Promise.resolve(),
    load: () => Promise.resolve(Buffer.alloc(bytes)),
    release: () => {},
  };
}

/** A peer that has asked and does not read the answer to its end. */
async function slowPeer(): Promise<FakeSocket> {
  const socket = new FakeSocket();
  socket.handler = connections.accept(socket);
  socket.slow = socket.takesRegions = true;
  socket.request(Fetch, 4, 1, { replicaId: -1, maxWaitMs: 0, minBytes: 0, topics: [] });
  await new Promise((resolve) => setImmediate(resolve));
  return socket;
}

test('who holds memory that others wait for is closed, also when it takes a little now and then', async () => {
  records = Buffer.alloc(12_000);
  const peer = await slowPeer();
  expect(gate.open).toBe(false);
  for (let seconds = 0; seconds < 50; seconds += 5) {
    peer.progress++;
    await clock.advance(5_000);
  }
  expect(peer.closedBy).toBe('destroy');
  expect(gate.open).toBe(true);
});

test('who reads what is in files holds nothing that others wait for', async () => {
  records = region(1_000_000);
  const peer = await slowPeer();
  gate.take(10_000);
  expect(gate.open).toBe(false);
  await clock.advance(120_000);
  expect(peer.closedBy).toBeNull();
});

test('of many who hold memory, those are closed who hold more than their share', async () => {
  records = Buffer.alloc(9_000);
  const greedy = await slowPeer();
  records = Buffer.alloc(1_000);
  const modest = await slowPeer();
  expect(gate.open).toBe(false);
  await clock.advance(50_000);
  expect([greedy, modest].map((peer) => peer.closedBy)).toEqual(['destroy', null]);
});

test('an answer may take longer than connections.max.idle.ms, while its reader goes on', async () => {
  records = region(1_000_000);
  const [reading, hanging] = [await slowPeer(), await slowPeer()];
  for (let minutes = 0; minutes < 25; minutes++) {
    reading.progress += 1000;
    await clock.advance(60_000);
  }
  expect(reading.closedBy).toBeNull();
  expect(hanging.closedBy).toBe('destroy');
  await clock.advance(620_000);
  expect(reading.closedBy).toBe('destroy');
});
