// Incremental fetch sessions over the wire (KIP-227). The sequence of the first test was run against Apache Kafka 4.3.1,
// which answers the same.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorName } from '../../../src/base/kafka-errors.ts';
import { CreateTopics, DeleteTopics, Fetch } from '../../../src/protocol/index.ts';
import {
  type BrokerUnderAttack,
  brokerUnderAttack,
  goodBatch,
  produce,
  TOPIC,
} from '../../hostile/support/broker-under-attack.ts';
import type { WireClient } from '../../hostile/support/wire-client.ts';

let target: BrokerUnderAttack;
let client: WireClient;

beforeAll(async () => {
  target = await brokerUnderAttack(3);
  client = await target.connect();
});

afterAll(async () => {
  client.destroy();
  await target.close();
});

interface Asked {
  readonly partition: number;
  readonly fetchOffset: number;
  readonly partitionMaxBytes: number;
}

const from = (partition: number, fetchOffset = 0): Asked => ({
  partition,
  fetchOffset,
  partitionMaxBytes: 100_000,
});

async function fetch(
  sessionId: number,
  sessionEpoch: number,
  partitions: readonly Asked[] = [],
  options: { topic?: string; forgotten?: readonly number[]; maxBytes?: number } = {},
) {
  const { topic = TOPIC, forgotten = [], maxBytes = 1_000_000 } = options;
  const answer = await client.call(Fetch, 11, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes,
    sessionId,
    sessionEpoch,
    topics: partitions.length === 0 ? [] : [{ topic, partitions }],
    forgottenTopicsData: forgotten.length === 0 ? [] : [{ topic, partitions: forgotten }],
  });
  const told = answer.responses.flatMap((response) =>
    response.partitions.map(({ partitionIndex, errorCode, highWatermark, records }) => ({
      partition: partitionIndex,
      error: errorName(errorCode),
      highWatermark,
      bytes: records?.byteLength ?? 0,
    })),
  );
  return { error: errorName(answer.errorCode), sessionId: answer.sessionId, told };
}

describe('a session', () => {
  test('tells what is new, holds the client to its epochs, and ends when it is empty', async () => {
    await produce(client, [goodBatch()]);
    const opened = await fetch(0, 0, [from(0)]);
    const id = opened.sessionId;
    expect(id).toBeGreaterThan(0);
    expect(opened.told).toMatchObject([{ partition: 0, highWatermark: 3 }]);
    // The client has not moved on, so it is given the same again.
    expect((await fetch(id, 1)).told).toEqual(opened.told);
    expect(await fetch(id, 1)).toEqual({
      error: 'INVALID_FETCH_SESSION_EPOCH',
      sessionId: 0,
      told: [],
    });
    expect((await fetch(id, 2, [from(0, 3)])).told).toEqual([]);
    expect((await fetch(id, 3)).told).toEqual([]);
    await produce(client, [goodBatch()]);
    expect((await fetch(id, 4)).told).toMatchObject([{ partition: 0, highWatermark: 6 }]);
    expect((await fetch(999, 1)).error).toBe('FETCH_SESSION_ID_NOT_FOUND');
    expect(await fetch(id, 5, [], { forgotten: [0] })).toMatchObject({ error: 'NONE', told: [] });
    expect((await fetch(id, 6)).error).toBe('FETCH_SESSION_ID_NOT_FOUND');
  });

  test('a first answer names every partition, later ones only those with news', async () => {
    const opened = await fetch(0, 0, [from(1), from(2)]);
    expect(opened.told).toHaveLength(2);
    expect((await fetch(opened.sessionId, 1)).told).toEqual([]);
    await produce(client, [null, null, goodBatch()]).catch(() => []);
    const { told } = await fetch(opened.sessionId, 2);
    expect(told).toMatchObject([{ partition: 2, error: 'NONE', highWatermark: 3 }]);
    await fetch(opened.sessionId, -1);
    expect((await fetch(opened.sessionId, 3)).error).toBe('FETCH_SESSION_ID_NOT_FOUND');
  });

  test('partitions take turns when one answer cannot hold them all', async () => {
    const size = goodBatch().byteLength;
    await produce(client, [goodBatch(), goodBatch(), goodBatch()]);
    const opened = await fetch(0, 0, [from(0), from(1), from(2)], { maxBytes: size });
    const served = [opened.told.filter(({ bytes }) => bytes > 0).map((told) => told.partition)];
    for (let epoch = 1; epoch < 3; epoch++) {
      const { told } = await fetch(opened.sessionId, epoch, [], { maxBytes: size });
      served.push(told.filter(({ bytes }) => bytes > 0).map(({ partition }) => partition));
    }
    // Whatever the client does not fetch on with, the next partition comes first.
    expect(served.map(([first]) => first)).toEqual([0, 1, 2]);
    await fetch(opened.sessionId, -1);
  });

  test('a topic that is deleted is told once more, as unknown', async () => {
    const topic = 'passing';
    const created = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
    await client.call(CreateTopics, 7, { topics: [{ name: topic, ...created }] });
    const opened = await fetch(0, 0, [from(0)], { topic });
    expect((await fetch(opened.sessionId, 1)).told).toEqual([]);
    await client.call(DeleteTopics, 5, { topicNames: [topic], timeoutMs: 1000 });
    const { told } = await fetch(opened.sessionId, 2);
    expect(told).toMatchObject([{ partition: 0, error: 'UNKNOWN_TOPIC_OR_PARTITION' }]);
    await fetch(opened.sessionId, -1);
  });
});

test('a session that is opened by a long poll survives that its topic is made anew', async () => {
  const admin = await target.connect();
  const topic = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  const name = 'made-anew';
  const create = () => admin.call(CreateTopics, 7, { topics: [{ name, ...topic }] });
  await create();
  const waiting = await target.connect();
  const fetches = () =>
    /requests_total\{api="Fetch"\} (\d+)/.exec(target.broker.metricsText())?.[1];
  const before = Number(fetches());
  const polled = waiting.call(Fetch, 11, {
    maxWaitMs: 60_000,
    minBytes: 1,
    maxBytes: 1_000_000,
    sessionId: 0,
    sessionEpoch: 0,
    topics: [{ topic: name, partitions: [from(0)] }],
    forgottenTopicsData: [],
  });
  await expect.poll(() => Number(fetches()), { timeout: 20_000 }).toBe(before + 1);
  await admin.call(DeleteTopics, 5, { topicNames: [name], timeoutMs: 5000 });
  const opened = await polled;
  expect(errorName(opened.responses[0]?.partitions[0]?.errorCode ?? 0)).toBe(
    'UNKNOWN_TOPIC_OR_PARTITION',
  );
  await create();
  await produce(admin, [goodBatch()], { topic: name });
  expect((await fetch(opened.sessionId, 1)).told).toMatchObject([
    { partition: 0, error: 'NONE', highWatermark: 3 },
  ]);
  waiting.destroy();
  admin.destroy();
});
