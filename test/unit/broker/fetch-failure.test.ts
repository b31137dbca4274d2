// A fetch that fails in the middle lets go of all it held: what it has read, and whom it has asked to be woken by.

import { beforeEach, expect, test } from 'vitest';
import { ErrorCode } from '../../../src/base/kafka-errors.ts';
import { silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { Deadlines } from '../../../src/broker/fetch/deadlines.ts';
import { FetchSessionCache } from '../../../src/broker/fetch/session-cache.ts';
import type { RequestContext } from '../../../src/broker/handler.ts';
import { fetchHandler } from '../../../src/broker/handlers/01-fetch.ts';
import { MemoryGate } from '../../../src/broker/memory-gate.ts';
import { BrokerMetrics } from '../../../src/broker/metrics.ts';
import type { Services } from '../../../src/broker/services.ts';
import { Fetch } from '../../../src/protocol/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { type FakePartition, fakePartition, fakeTopic } from './support/fake-partition.ts';

let clock: VirtualClock;
let gate: MemoryGate;
let sessions: FetchSessionCache;
let partition: FakePartition;
let released: number;
let handle: ReturnType<typeof fetchHandler>;

beforeEach(() => {
  clock = new VirtualClock();
  gate = new MemoryGate(1_000_000);
  const random = new SeededRandom(1);
  sessions = new FetchSessionCache({ clock, random, slots: 10, partitionsMax: 3 });
  partition = fakePartition(fakeTopic('t'));
  released = 0;
  const services = {
    engine: { partition: () => partition, brokerConfig: () => 1_000_000 },
    clock,
    logger: silentLogger,
    metrics: new BrokerMetrics(),
    gate,
    fetchSessions: sessions,
    fetchDeadlines: new Deadlines(clock),
  };
  handle = fetchHandler(services as unknown as Services);
});

function fetch(sessionId = 0, sessionEpoch = 0, waits = true, more: number[] = []) {
  const partitions = (sessionEpoch > 0 ? more : [0]).map((index) => ({
    ...{ partition: index, fetchOffset: 0, partitionMaxBytes: 1000 },
  }));
  const topics = partitions.length === 0 ? [] : [{ topic: 't', partitions }];
  const limits = { maxWaitMs: waits ? 1000 : 0, minBytes: 1, maxBytes: 10_000 };
  const request = Fetch.request.complete({ ...limits, sessionId, sessionEpoch, topics });
  const session = { sendsRegions: true, onGone: () => () => {} };
  const context = { version: 11, clientId: null, session } as unknown as RequestContext;
  const answer = async () => handle.handle(request, context);
  const asked = answer().finally(() => context.whenAnswered?.());
  return asked as Promise<{ sessionId: number; errorCode: number }>;
}

/** From now on the partition's records are in a file that turns out to be nobody's. */
function breakRegions(): void {
  const broken = {
    byteLength: 10,
    source: null,
    isCached: () => {
      throw new Error('a bug');
    },
    release: () => {
      released++;
    },
  };
  const { read } = partition;
  partition.read = async (spec) => ({
    ...(await read.call(partition, spec)),
    byteLength: 10,
    records: broken as never,
  });
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('without a session', async () => {
  breakRegions();
  const failed = expect(fetch(0, -1)).rejects.toThrow('a bug');
  await settle();
  expect(partition.watchers.size).toBe(1);
  partition.commit(10);
  await clock.advance(1);
  await failed;
  expect(partition.watchers.size).toBe(0);
  expect(released).toBe(1);
  await clock.advance(1);
  expect(gate.usedBytes).toBe(0);
});

test('in a session, which then is no more: what its client was told is not known', async () => {
  const { sessionId } = await fetch(0, 0, false);
  expect(sessionId).toBeGreaterThan(0);
  breakRegions();
  const failed = expect(fetch(sessionId, 1)).rejects.toThrow('a bug');
  await settle();
  partition.commit(10);
  await clock.advance(1);
  await failed;
  expect(partition.watchers.size).toBe(0);
  expect(released).toBe(1);
  expect(sessions.size).toBe(0);
});

test('a session that grows beyond what memory is meant for is no more', async () => {
  const { sessionId } = await fetch(0, 0, false);
  expect(await fetch(sessionId, 1, false, [1, 2])).toMatchObject({ sessionId, errorCode: 0 });
  const { errorCode } = await fetch(sessionId, 2, false, [3]);
  expect(errorCode).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
  expect(sessions.size).toBe(0);
});
