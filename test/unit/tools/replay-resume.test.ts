// What a job that stopped leaves behind, so that whoever goes on writes nothing twice and leaves nothing out.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  openFileSink,
  openTopicSink,
  planStretches,
  ReplayError,
  type ReplayTarget,
  runReplay,
  type Sink,
  streamSink,
  takeOver,
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
    await expect(run(job, sink)).rejects.toThrow(/^damaged-0: .*offset 1\d/);
    job = await new JobStore(cluster).get(job.id);
  }
  const copies = await broker.records('damaged-copy');
  expect(copies.map((one) => (one.json() as { n: number }).n)).toEqual([
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
  ]);
  const byRecord = await jobFrom('damaged', { kind: 'stdout' });
  const printing = run(
    byRecord,
    streamSink(() => Promise.resolve()),
  );
  await expect(printing).rejects.toThrow(/^damaged-0: .*offset 1\d/);
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

test('a job that runs is told to leave by who goes on with it, so that nothing is written twice', async () => {
  await broker.createTopics({ many: 1, target: 2 });
  const records = Array.from({ length: 400 }, (_, n) => ({ key: `k${n % 7}`, value: { n } }));
  await broker.produce('many', records);
  const target = { kind: 'topic', topic: 'target' } as const;
  const pace = { recordsPerSecond: 50, bytesPerSecond: null, speed: null };
  const job = await jobFrom('many', target, { pace });
  const store = new JobStore(cluster);
  const open = (resumeFrom: JobRecord['targetPositions'] | null) => {
    const sourcePartitions = new Map([['many', 1]]);
    return openTopicSink(cluster, { job: job.id, topic: 'target', sourcePartitions, resumeFrom });
  };
  const first = run(job, await open(null));
  const copied = async (): Promise<number> => (await broker.records('target')).length;
  await expect.poll(copied, { timeout: 20_000 }).toBeGreaterThan(5);

  const waits: number[] = [];
  const taken = await takeOver(store, job.id, {
    clock: nodeClock,
    onWait: (waitMs) => waits.push(waitMs),
  });
  expect(waits).toEqual([5000]);
  // It is how the first run left it, and that run knows why it ends.
  expect(taken.job).toMatchObject({ state: 'interrupted', error: null });
  expect(await first).toMatchObject({
    state: 'interrupted',
    error: 'another run goes on with the job',
  });

  const sink = await open(taken.job.targetPositions);
  const signal = new AbortController().signal;
  const usual = { cluster, clock: nodeClock, store, module: null, skipCut: false, signal };
  const fast = { ...taken.job, pace: { ...pace, recordsPerSecond: null } };
  expect(await runReplay(fast, { ...usual, sink, run: taken.run })).toMatchObject({
    state: 'done',
  });
  await sink.close();
  const found = (await broker.records('target')).map((one) => (one.json() as { n: number }).n);
  expect(found.sort((a, b) => a - b)).toEqual(records.map((one) => one.value.n));

  // Nobody is waited for where nothing runs.
  await takeOver(store, job.id, { clock: nodeClock, onWait: (waitMs) => waits.push(waitMs) });
  expect(waits.length).toBe(1);
});

test('of several that go on with a dead job at once one does, and nothing is written twice', async () => {
  await broker.createTopics({ few: 1, once: 1 });
  const records = Array.from({ length: 100 }, (_, n) => ({ value: { n } }));
  await broker.produce('few', records);
  const target = { kind: 'topic', topic: 'once' } as const;
  const pace = { recordsPerSecond: 50, bytesPerSecond: null, speed: null };
  const dead = await jobFrom('few', target, { pace, state: 'failed' });
  await new JobStore(cluster).save(dead);
  const goOn = async (): Promise<JobRecord> => {
    const store = new JobStore(cluster);
    const taken = await takeOver(store, dead.id, { clock: nodeClock });
    const sink = await openTopicSink(cluster, {
      job: dead.id,
      topic: 'once',
      sourcePartitions: new Map([['few', 1]]),
      resumeFrom: taken.job.targetPositions,
    });
    const { signal } = new AbortController();
    const usual = { cluster, clock: nodeClock, store, module: null, skipCut: false, signal };
    try {
      return await runReplay(taken.job, { ...usual, sink, run: taken.run });
    } finally {
      await sink.close();
    }
  };
  const ended = await Promise.allSettled([goOn(), goOn(), goOn()]);
  const done = ended.filter((one) => one.status === 'fulfilled' && one.value.state === 'done');
  expect(done).toHaveLength(1);
  for (const one of ended) {
    if (done.includes(one)) continue;
    const why = one.status === 'rejected' ? String(one.reason) : one.value.error;
    expect(why).toMatch(/another run goes on with (the job|it)/);
  }
  const found = (await broker.records('once')).map((one) => (one.json() as { n: number }).n);
  expect(found).toEqual(records.map((one) => one.value.n));
});

test('a file that lost what was written to it is no target to go on with', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-replay-file-'));
  const path = join(directory, 'copy.ndjson');
  try {
    const record = { key: null, value: Buffer.from('3'), timestamp: 1, headers: [] };
    const sink = await openFileSink(path, false);
    for (const offset of [0, 1, 2]) {
      await sink.write({ topic: 'orders', partition: 0, offset, ...record }, record);
    }
    await sink.flush();
    await sink.close();
    await (await openFileSink(path, true, 3)).close();
    await expect(openFileSink(path, true, 4)).rejects.toThrow(/has 3 of the 4 records/);
    rmSync(path);
    await expect(openFileSink(path, true, 3)).rejects.toThrow(/has 0 of the 3 records/);
    // The refusal leaves nothing behind.
    expect(existsSync(path)).toBe(false);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
