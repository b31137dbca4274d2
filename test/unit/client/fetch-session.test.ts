// KIP-227 as the client sees it: what is named in requests, and how a session ends.

import { expect, test, vi } from 'vitest';
import type { FetchPart } from '../../../src/client/fetch-request.ts';
import { FetchSession } from '../../../src/client/fetch-session.ts';
import { connect } from '../../../src/index.ts';
import { startBroker } from '../../../src/testing/index.ts';

const NOT_FOUND = 70;
const WRONG_EPOCH = 71;
const ID = 'AAAAAAAAAAAAAAAAAAAAAg';

function parts(count: number, change: Partial<FetchPart> = {}): FetchPart[] {
  return Array.from({ length: count }, (_, partition) => ({
    topic: 't',
    topicId: ID,
    partition,
    offset: 0,
    leaderEpoch: 0,
    ...change,
  }));
}

/** A session that the broker has given the id 9. */
function opened(asked = parts(20)): FetchSession<FetchPart> {
  const session = new FetchSession<FetchPart>();
  session.request(asked);
  session.answered(0, 9);
  return session;
}

test('everything is named once, then what changed', () => {
  const session = new FetchSession<FetchPart>();
  const all = parts(20);
  const none = { forgotten: [] };
  expect(session.request(all)).toEqual({ sessionId: 0, sessionEpoch: 0, changed: all, ...none });
  expect(session.answered(0, 9)).toBe(false);
  expect(session.request(all)).toEqual({ sessionId: 9, sessionEpoch: 1, changed: [], ...none });
  session.answered(0, 9);
  const moved = all.map((one) => (one.partition === 3 ? { ...one, offset: 7 } : one));
  const changed = [moved[3]];
  expect(session.request(moved)).toEqual({ sessionId: 9, sessionEpoch: 2, changed, ...none });
  expect(session.partOf('', ID, 3)).toBe(moved[3]);
  expect(session.partOf('t', '', 19)).toBe(moved[19]);
  expect(session.partOf('', 'BAAAAAAAAAAAAAAAAAAAAg', 3)).toBeUndefined();
});

test('what is left out is forgotten, and told when it is back', () => {
  const all = parts(20);
  const session = opened(all);
  const [first, ...others] = all;
  expect(session.request(others)).toMatchObject({ changed: [], forgotten: [first] });
  session.answered(0, 9);
  expect(session.partOf('t', '', 0)).toBeUndefined();
  expect(session.request(all)).toMatchObject({ changed: [first], forgotten: [] });
});

// Before version 13 topics are named, not told by id: Kafka then takes what is forgotten out of what is named.
test('a topic that was made anew is never forgotten and named in one request', () => {
  const before = parts(20);
  const session = opened(before);
  const after = parts(20, { topicId: 'BAAAAAAAAAAAAAAAAAAAAg' });
  const anew = { sessionId: 9, sessionEpoch: 0, changed: after, forgotten: [] };
  expect(session.request(after)).toEqual(anew);
  session.answered(0, 10);
  expect(session.request(after)).toMatchObject({ sessionId: 10, sessionEpoch: 1, changed: [] });
});

test('few partitions need none, and a broker without room gives none', () => {
  const session = new FetchSession<FetchPart>();
  const few = parts(2);
  for (let round = 0; round < 2; round++) {
    expect(session.request(few)).toMatchObject({ sessionEpoch: -1, changed: few });
    session.answered(0, 0);
  }
  const many = parts(20);
  for (let round = 0; round < 2; round++) {
    expect(session.request(many)).toMatchObject({ sessionEpoch: 0, changed: many });
    session.answered(0, 0);
  }
});

test.each([
  ['unknown to the broker', NOT_FOUND, 0],
  ['out of step', WRONG_EPOCH, 9],
])('a session %s begins anew', (_, code, sessionId) => {
  const all = parts(20);
  const session = opened(all);
  session.request(all);
  expect(session.answered(code, 0)).toBe(true);
  expect(session.request(all)).toMatchObject({ sessionId, sessionEpoch: 0, changed: all });
});

test('an answer that never came leaves nothing to count on', () => {
  const all = parts(20);
  const session = opened(all);
  session.request(all);
  session.lost();
  expect(session.request(all)).toMatchObject({ sessionId: 9, sessionEpoch: 0, changed: all });
  // What is wrong with the request is not the session's.
  expect(session.answered(1, 0)).toBe(false);
});

test('a consumer of many partitions names them once, and gets every record', async () => {
  const broker = await startBroker({ topics: { many: 40 } });
  const client = await connect(broker.bootstrap);
  try {
    const producer = client.producer({ value: 'string' });
    const consumer = client.consumer({ topics: ['many'], value: 'string' });
    const records = consumer[Symbol.asyncIterator]();
    const named = (from = 0): number[][] =>
      broker.requests.slice(from).flatMap(({ api, request }) => {
        const { topics } = request as { topics: { partitions: { partition: number }[] }[] };
        const all = (): number[] => topics.flatMap((one) => one.partitions.map((p) => p.partition));
        return api === 'Fetch' ? [all()] : [];
      });
    const sent = Array.from({ length: 80 }, (_, n) => `r${n}`);
    for (const [n, value] of sent.entries()) {
      await producer.send({ topic: 'many', partition: (n * 7) % 40, value });
      const next = await records.next();
      expect(next.value).toMatchObject({ value, partition: (n * 7) % 40 });
    }
    const [first, ...rest] = named().map((one) => one.length);
    expect(first).toBe(40);
    expect(rest.length).toBeGreaterThan(sent.length / 2);
    expect(Math.max(...rest)).toBeLessThan(40);
    // A broker that lost its sessions is asked for everything again.
    const before = broker.requests.length;
    await broker.restart();
    await producer.send({ topic: 'many', partition: 5, value: 'after' });
    expect((await records.next()).value).toMatchObject({ value: 'after' });
    await vi.waitFor(() => expect(new Set(named(before).flat()).size).toBe(40));
  } finally {
    await client.close();
    await broker.close();
  }
});
