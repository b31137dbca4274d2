// KIP-227 as the client sees it: what is named in requests, and how a session ends.

import { expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import type { FetchPart } from '../../../src/client/fetch-request.ts';
import { FetchSession } from '../../../src/client/fetch-session.ts';
import { Cluster, Fetcher, LogReader, tcpNetwork } from '../../../src/client/index.ts';
import { connect } from '../../../src/index.ts';
import { Fetch, Metadata } from '../../../src/protocol/index.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeBroker, metadataBody } from './fake-broker.ts';

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
    unheard: false,
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

test('a part of which nothing was heard at its place is never taken for told', () => {
  const all = parts(20);
  const session = opened(all);
  const anew = all.map((one) => (one.partition === 3 ? { ...one, unheard: true } : one));
  const everything = { sessionId: 9, sessionEpoch: 0, changed: anew, forgotten: [] };
  expect(session.request(anew)).toEqual(everything);
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
    await eventually(() => expect(new Set(named(before).flat()).size).toBe(40));
  } finally {
    await client.close();
    await broker.close();
  }
});

interface FetchBody {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly topics: readonly { readonly partitions: readonly { readonly partition: number }[] }[];
}

function fetches(broker: TestBroker): FetchBody[] {
  return broker.requests.flatMap(({ api, request }) =>
    api === 'Fetch' ? [request as FetchBody] : [],
  );
}

/** What reads a topic of 20 empty partitions in a session. */
async function idleFetcher() {
  const broker = await startBroker({ topics: { idle: 20 } });
  const client = await connect(broker.bootstrap);
  const { cluster } = client as unknown as { cluster: Cluster };
  const fetcher = new Fetcher(cluster, { maxWaitMs: 50 });
  const place = (partition: number) => ({ topic: 'idle', partition });
  for (let partition = 0; partition < 20; partition++) fetcher.set(place(partition), 0);
  /** Takes until something has come for each of these. */
  const heardOf = async (...partitions: number[]): Promise<void> => {
    const left = new Set(partitions);
    while (left.size > 0) {
      const one = fetcher.take();
      if (one === null) await fetcher.wait();
      else left.delete(one.partition);
    }
  };
  const end = async (): Promise<void> => {
    await fetcher.close();
    await client.close();
    await broker.close();
  };
  return { broker, fetcher, place, heardOf, end };
}

test('a partition that is set anew at its place is told of once more, though nothing came', async () => {
  const { broker, fetcher, place, heardOf, end } = await idleFetcher();
  try {
    await heardOf(...parts(20).map((one) => one.partition));
    // While a request is under way, which then is answered for who is gone …
    await broker.waitFor.until('an incremental request', () => fetches(broker).length > 1);
    fetcher.set(place(3), 0);
    await heardOf(3);
    // … and between two.
    fetcher.stop();
    fetcher.set(place(4), 0);
    fetcher.set(place(5), 0);
    await heardOf(4, 5);
  } finally {
    await end();
  }
});

test('a session is ended when nobody reads any more', async () => {
  const { broker, fetcher, heardOf, end } = await idleFetcher();
  try {
    await heardOf(...parts(20).map((one) => one.partition));
    await broker.waitFor.until('an incremental request', () => fetches(broker).length > 1);
    const { sessionId } = fetches(broker)[1]!;
    expect(sessionId).toBeGreaterThan(0);
    await fetcher.close();
    const last = { sessionId, sessionEpoch: -1, topics: [] };
    // A close does not wait long for a broker that is slow.
    const isEnded = (): boolean => fetches(broker).at(-1)?.sessionEpoch === -1;
    await broker.waitFor.until('the end of the session', isEnded);
    expect(fetches(broker).at(-1)).toMatchObject(last);
    const asked = broker.requests.length;
    await fetcher.close();
    expect(broker.requests.length).toBe(asked);
    // Whoever takes again gets a new one.
    fetcher.take();
    const another = (): boolean =>
      fetches(broker).some((one) => one.sessionId !== 0 && one.sessionId !== sessionId);
    await broker.waitFor.until('another session', another);
  } finally {
    await end();
  }
});

test('a consumer ends its session when it is closed, and so does a loop over a reader', async () => {
  const broker = await startBroker({ topics: { many: 40 } });
  const client = await connect(broker.bootstrap);
  const open = (): number => {
    const all = fetches(broker);
    const ended = all.filter((one) => one.sessionEpoch === -1).map((one) => one.sessionId);
    const begun = new Set(all.map((one) => one.sessionId).filter((id) => id !== 0));
    return [...begun].filter((id) => !ended.includes(id)).length;
  };
  try {
    await broker.produce('many', [{ key: 'k', value: 'v' }]);
    const consumer = client.consumer({ topics: ['many'], value: 'string', maxWaitMs: 20 });
    const records = consumer[Symbol.asyncIterator]();
    expect((await records.next()).value).toMatchObject({ value: 'v' });
    await broker.waitFor.until('a session', () => open() === 1);
    await consumer.close();
    await broker.waitFor.until('its end', () => open() === 0);
    const { cluster } = client as unknown as { cluster: Cluster };
    const reader = new LogReader(cluster, { topic: 'many', maxWaitMs: 20 });
    for (let partition = 0; partition < 40; partition++) reader.set(partition, 0);
    for await (const _ of reader.read()) {
      await broker.waitFor.until('a session', () => open() === 1);
      break;
    }
    await broker.waitFor.until('its end', () => open() === 0);
  } finally {
    await client.close();
    await broker.close();
  }
});

test('a broker that does not answer holds up nobody who ends a session', async () => {
  let silent = false;
  const answer = (partition: number) => ({
    partitionIndex: partition,
    errorCode: 0,
    highWatermark: 0,
    lastStableOffset: 0,
    logStartOffset: 0,
    abortedTransactions: [],
    records: null,
  });
  const broker = new FakeBroker(({ api }) => {
    if (api.key === Metadata.key) return metadataBody('t', 20);
    if (silent) return undefined;
    silent = true;
    const partitions = parts(20).map((one) => answer(one.partition));
    return { errorCode: 0, sessionId: 9, responses: [{ topic: 't', topicId: ID, partitions }] };
  });
  const clock = new VirtualClock();
  const shared = { clock, random: new SeededRandom(4) };
  const tcp = { ...shared, clientId: 'test', connector: broker };
  const network = tcpNetwork([{ host: 'fake', port: 1 }], tcp);
  const fetcher = new Fetcher(new Cluster({ network, ...shared }));
  for (const { topic, partition } of parts(20)) fetcher.set({ topic, partition }, 0);
  await clock.until(fetcher.wait());
  await clock.until(fetcher.close(), 2_000);
  expect(broker.of(Fetch).at(-1)?.body).toMatchObject({ sessionId: 9, sessionEpoch: -1 });
});

test('a leader is asked once whether it still has what was read of all its partitions', async () => {
  const broker = await startBroker({ topics: { many: 40, more: 3 } });
  const client = await connect(broker.bootstrap);
  const read = async (count: number): Promise<void> => {
    const options = { topics: ['many', 'more'], group: 'g', value: 'string' } as const;
    const consumer = client.consumer(options);
    let left = count;
    for await (const _ of consumer) if (--left === 0) break;
    await consumer.commit();
    await consumer.close();
  };
  try {
    const all = Array.from({ length: 40 }, (_, partition) => ({ partition, value: 'a' }));
    await broker.produce('many', all);
    await broker.produce('more', all.slice(0, 3));
    await read(43);
    await broker.produce('many', all);
    await read(40);
    const checked = broker.requests.flatMap(({ api, request }) => {
      const { topics } = request as FetchBody;
      return api === 'OffsetForLeaderEpoch' ? [topics.flatMap((one) => one.partitions).length] : [];
    });
    expect(checked).toEqual([43]);
  } finally {
    await client.close();
    await broker.close();
  }
});
