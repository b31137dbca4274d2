// What a job that stopped leaves behind, so that whoever goes on writes nothing twice and leaves nothing out.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, openBatchSender } from '../../../src/client/index.ts';
import { remoteCluster } from '../../../src/compose/index.ts';
import { nodeClock } from '../../../src/host/node-clock.ts';
import { BATCH_HEADER_BYTES, buildBatch, rewriteBatchCrc } from '../../../src/record/index.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';
import {
  type BatchSink,
  type JobRecord,
  JobStore,
  newJob,
  openBatchSink,
  openTopicSink,
  planStretches,
  ReplayError,
  type ReplayTarget,
  runReplay,
  type Sink,
} from '../../../tools/replay/index.ts';

let broker: TestBroker;
let cluster: Cluster;

beforeAll(async () => {
  broker = await startBroker({ topics: { orders: 1, copy: 1, damaged: 1, 'damaged-copy': 1 } });
  cluster = remoteCluster(broker.bootstrap);
  const records = Array.from({ length: 20 }, (_, n) => ({ value: { n } }));
  await broker.produce('orders', records);
  await new JobStore(cluster).prepare();
});
afterAll(async () => {
  await cluster.close();
  await broker.close();
});

async function jobFrom(
  topic: string,
  target: ReplayTarget,
  more: Partial<JobRecord> = {},
): Promise<JobRecord> {
  const range = { from: { kind: 'earliest' }, to: { kind: 'latest' } } as const;
  const source = { topics: [topic], partitions: null, group: null, ...range };
  const stretches = await planStretches(cluster, source);
  return newJob({ nowMs: 1, source, target, stretches, ...more });
}

async function run(job: JobRecord, sink: Sink | BatchSink, stop = new AbortController()) {
  const store = new JobStore(cluster);
  const { signal } = stop;
  const usual = { cluster, clock: nodeClock, store, module: null, skipCut: false, signal };
  try {
    return await runReplay(job, { ...usual, sink });
  } finally {
    await sink.close();
  }
}

test('an interrupted job whose target failed at the end says so', async () => {
  const job = await jobFrom('orders', { kind: 'topic', topic: 'nowhere' });
  const stop = new AbortController();
  let taken = 0;
  const sink: Sink = {
    confirmed: 0,
    has: () => false,
    write: () => {
      taken += 1;
      if (taken === 5) stop.abort();
      return null;
    },
    flush: () => Promise.reject(new ReplayError('target_refused', 'topic nowhere is full')),
    positions: () => ({}),
    close: () => Promise.resolve(),
  };
  const ended = await run(job, sink, stop);
  expect(ended).toMatchObject({ state: 'interrupted', error: 'topic nowhere is full' });
  expect(await new JobStore(cluster).get(job.id)).toMatchObject({
    state: 'interrupted',
    error: 'topic nowhere is full',
    counts: { written: 0 },
  });
});

test('a batch that turns out damaged in the middle is copied not at all, however often the job goes on', async () => {
  const sender = await openBatchSender(cluster, { topic: 'damaged' });
  const records = (from: number) =>
    Array.from({ length: 10 }, (_, n) => ({
      timestamp: 1,
      key: null,
      value: Buffer.from(JSON.stringify({ n: from + n })),
    }));
  const damaged = buildBatch(records(10));
  // The length of its sixth record: the checksum is right, as of a producer that wrote nonsense.
  const recordBytes = (damaged.length - BATCH_HEADER_BYTES) / 10;
  damaged[BATCH_HEADER_BYTES + 5 * recordBytes] = 0x7f;
  rewriteBatchCrc(damaged);
  await sender.send(0, buildBatch(records(0)), (error) => expect(error).toBe(null));
  await sender.send(0, damaged, (error) => expect(error).toBe(null));
  await sender.flush();

  const target = { kind: 'topic', topic: 'damaged-copy' } as const;
  let job = await jobFrom('damaged', target, { asIs: true });
  for (let round = 0; round < 3; round++) {
    const { targetPositions: resumeFrom, writer = null } = job;
    const sink = await openBatchSink(cluster, { topic: target.topic, writer, resumeFrom });
    await expect(run(job, sink)).rejects.toThrow();
    job = await new JobStore(cluster).get(job.id);
  }
  const copies = await broker.records('damaged-copy');
  expect(copies.map((one) => (one.json() as { n: number }).n)).toEqual([
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
  ]);
});

test('a record that the broker had already, and no longer knows where, moves no position', async () => {
  await broker.produce('copy', [{ value: 1 }, { value: 2 }]);
  const job = await jobFrom('orders', { kind: 'topic', topic: 'copy' });
  const sourcePartitions = new Map([['orders', 1]]);
  const options = { job: job.id, topic: 'copy', sourcePartitions, resumeFrom: null };
  const sink = await openTopicSink(cluster, options);
  broker.fail('Produce', { error: 'DUPLICATE_SEQUENCE_NUMBER', times: 1 });
  const record = { key: null, value: Buffer.from('3'), timestamp: 1, headers: [] };
  const source = { topic: 'orders', partition: 0, offset: 0, ...record };
  await sink.write(source, record);
  await sink.flush();
  expect(sink.positions()).toEqual({ 0: 2 });
  await sink.close();
});
