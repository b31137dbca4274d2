// `--speed`: records come by their own times, whatever partition or topic they lie in.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/base/ports.ts';
import type { Cluster } from '../../../src/client/index.ts';
import { remoteCluster } from '../../../src/compose/index.ts';
import { nodeClock } from '../../../src/host/node-clock.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';
import {
  type JobRecord,
  newJob,
  openBatchSink,
  planStretches,
  runReplay,
  type Sink,
} from '../../../tools/replay/index.ts';
import type { PlacedRecord } from '../../../tools/replay/types.ts';

const TOPICS = ['views', 'orders'];
const PARTITIONS = 3;
const COUNT = 300;
let broker: TestBroker;
let cluster: Cluster;

beforeAll(async () => {
  broker = await startBroker({ topics: { views: PARTITIONS, orders: PARTITIONS } });
  cluster = remoteCluster(broker.bootstrap);
  const now = Date.now();
  for (const [topicAt, topic] of TOPICS.entries()) {
    for (let at = 0; at < COUNT; at += 30) {
      const records = Array.from({ length: 30 }, (_, n) => ({
        key: `k${at + n}`,
        value: 'v',
        partition: (at + n) % PARTITIONS,
        timestamp: now - 100_000 + 10 * (at + n) + topicAt,
      }));
      await broker.produce(topic, records);
    }
  }
});
afterAll(async () => {
  await cluster.close();
  await broker.close();
});

/** Time that passes as it is waited for. */
function hasty(): { readonly clock: Clock; readonly waits: number[] } {
  const waits: number[] = [];
  let ahead = 0;
  const clock: Clock = {
    ...nodeClock,
    now: () => nodeClock.now() + ahead,
    monotonic: () => nodeClock.monotonic() + ahead,
    setTimer(ms, run) {
      waits.push(ms);
      ahead += ms;
      return nodeClock.setTimer(0, run);
    },
  };
  return { clock, waits };
}

const source = {
  topics: TOPICS,
  partitions: null,
  from: { kind: 'earliest' },
  to: { kind: 'latest' },
  group: null,
} as const;

function memorySink(taken: PlacedRecord[], onTaken: () => void = () => {}): Sink {
  return {
    confirmed: 0,
    has: () => false,
    write(record) {
      taken.push(record);
      onTaken();
      return null;
    },
    flush: () => Promise.resolve(),
    positions: () => ({}),
    close: () => Promise.resolve(),
  };
}

async function job(more: Partial<JobRecord> = {}): Promise<JobRecord> {
  const pace = { recordsPerSecond: null, bytesPerSecond: null, speed: 1 };
  return newJob({
    nowMs: 1,
    source,
    target: { kind: 'stdout' },
    pace,
    includeReplayed: false,
    stretches: await planStretches(cluster, source),
    ...more,
  });
}

const usual = () => ({ cluster, store: null, module: null, skipCut: false });

describe('a replay by the original pace', () => {
  test('takes partitions and topics side by side, by the times of their records', async () => {
    const taken: PlacedRecord[] = [];
    const { clock, waits } = hasty();
    const { signal } = new AbortController();
    const ended = await runReplay(await job(), {
      ...usual(),
      clock,
      sink: memorySink(taken),
      signal,
    });
    expect(ended).toMatchObject({ state: 'done', counts: { written: 2 * COUNT } });
    const times = taken.map((one) => one.timestamp);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    // Records lie 1 and 9 ms apart, and waits under 2 ms are saved up.
    expect(waits.filter((ms) => ms > 12)).toEqual([]);
  });

  test('goes on where it was interrupted, with each record once', async () => {
    const taken: PlacedRecord[] = [];
    const { clock } = hasty();
    let left = await job();
    for (const stopAt of [100, 333, 2 * COUNT]) {
      const controller = new AbortController();
      const sink = memorySink(taken, () => taken.length === stopAt && controller.abort());
      left = await runReplay(left, { ...usual(), clock, sink, signal: controller.signal });
    }
    expect(left).toMatchObject({ state: 'done' });
    const places = taken.map((one) => `${one.topic}/${one.partition}/${one.offset}`);
    expect(new Set(places).size).toBe(2 * COUNT);
    expect(places.length).toBe(2 * COUNT);
  });

  test('of a copy as it is goes batch by batch', async () => {
    await broker.createTopics({ copy: PARTITIONS });
    const { clock } = hasty();
    const own = { ...source, topics: ['orders'] };
    const sink = await openBatchSink(cluster, { topic: 'copy', writer: null, resumeFrom: {} });
    const order: number[] = [];
    const takeBatch = sink.takeBatch.bind(sink);
    sink.takeBatch = (partition, bytes, range, lease) => {
      order.push(Number(bytes.readBigInt64BE(27)));
      return takeBatch(partition, bytes, range, lease);
    };
    const { signal } = new AbortController();
    const copied = await job({
      source: own,
      target: { kind: 'topic', topic: 'copy' },
      stretches: await planStretches(cluster, own),
      asIs: true,
    });
    const ended = await runReplay(copied, { ...usual(), clock, sink, signal });
    await sink.close();
    expect(ended).toMatchObject({ state: 'done', counts: { written: COUNT } });
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(await broker.records('copy')).toHaveLength(COUNT);
  });
});
