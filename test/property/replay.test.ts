// A replay that is interrupted anywhere, any number of times, writes each selected record once, in order.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Clock } from '../../src/base/ports.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import type { Cluster } from '../../src/client/index.ts';
import { remoteCluster } from '../../src/compose/index.ts';
import { startBroker, type TestBroker } from '../../src/testing/index.ts';
import {
  type JobRecord,
  JobStore,
  newJob,
  openBatchSink,
  openFileSink,
  openTopicSink,
  planStretches,
  type ReplayTarget,
  runReplay,
  type Sink,
} from '../../tools/replay/index.ts';
import { testSeed } from '../support/test-seed.ts';

const SEED = testSeed();
/** Interrupted jobs of each kind; the long suites run more. */
const RUNS = Number(process.env['REPLAY_RUNS'] ?? 1);
const REPLAY = `TIDEMARK_SEED=${SEED} REPLAY_RUNS=${RUNS} npx vitest run --config test/vitest.config.ts test/property/replay.test.ts`;
const RECORDS = 400;

const directory = mkdtempSync(join(tmpdir(), 'tidemark-replay-'));
let broker: TestBroker;
let cluster: Cluster;

beforeAll(async () => {
  broker = await startBroker({ topics: { orders: 3 } });
  cluster = remoteCluster(broker.bootstrap);
  const random = new SeededRandom(SEED);
  const records = Array.from({ length: RECORDS }, (_, n) => ({
    key: random.next() < 0.2 ? null : `k${Math.floor(random.next() * 20)}`,
    value: { n, total: Math.floor(random.next() * 100) },
    partition: Math.floor(random.next() * 3),
  }));
  for (let at = 0; at < RECORDS; at += 37) {
    await broker.produce('orders', records.slice(at, at + 37));
  }
});
afterAll(async () => {
  await cluster.close();
  await broker.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Time that passes when it is looked at, so that checkpoints fall anywhere. */
function restlessClock(random: SeededRandom): Clock {
  let nowMs = 0;
  // Few checkpoints, or so many that some fall where a resumed job skips what is there already.
  const stepMs = [10, 100, 400][Math.floor(random.next() * 3)] ?? 10;
  return {
    now: () => Math.floor(nowMs),
    monotonic: () => {
      nowMs += random.next() * stepMs;
      return nowMs;
    },
    setTimer: (_, fire) => {
      queueMicrotask(fire);
      return () => {};
    },
    defer: queueMicrotask,
  };
}

class Crash extends Error {}

/** A sink whose process dies: after some records, the last few of which were never sent. */
function dying(inner: Sink, afterRecords: number, unsent: number): Sink {
  const held: Parameters<Sink['write']>[] = [];
  let taken = 0;
  const pass = async (keep: number): Promise<void> => {
    while (held.length > keep) {
      const next = held.shift();
      if (next !== undefined) await inner.write(...next);
    }
  };
  return {
    has: (source, record) => inner.has(source, record),
    get confirmed() {
      return inner.confirmed;
    },
    positions: () => inner.positions(),
    close: () => inner.close(),
    async write(source, record) {
      taken += 1;
      if (taken > afterRecords) {
        // What was sent arrives, known to nobody.
        await inner.flush();
        throw new Crash('the process died');
      }
      held.push([source, record]);
      await pass(unsent);
    },
    async flush() {
      if (taken > afterRecords) throw new Crash('the process is dead');
      await pass(0);
      await inner.flush();
    },
  };
}

async function openSink(target: ReplayTarget, job: JobRecord, resumed: boolean): Promise<Sink> {
  if (target.kind === 'file') return openFileSink(target.path, resumed);
  if (target.kind !== 'topic') throw new Error('not in this test');
  return openTopicSink(cluster, {
    job: job.id,
    topic: target.topic,
    sourcePartitions: new Map([['orders', 3]]),
    resumeFrom: resumed ? job.targetPositions : null,
  });
}

/** Runs a job to its end over any number of deaths; answers how often it died. */
async function replayWithDeaths(seed: number, target: ReplayTarget): Promise<number> {
  const random = new SeededRandom(seed);
  const source = {
    topics: ['orders'],
    partitions: null,
    from: { kind: 'earliest' },
    to: { kind: 'latest' },
    group: null,
  } as const;
  const store = new JobStore(cluster);
  await store.prepare();
  const first = newJob({
    id: `job-${seed}-${target.kind}`,
    nowMs: 1,
    source,
    target,
    filter: 'value.total >= 50',
    includeReplayed: false,
    stretches: await planStretches(cluster, source),
  });
  await store.save(first);
  for (let deaths = 0; ; deaths++) {
    const job = await store.get(first.id);
    const inner = await openSink(target, job, deaths > 0);
    const lifeMax = deaths > 8 ? RECORDS : 80;
    const clock = restlessClock(random);
    const sink = dying(inner, Math.floor(random.next() * lifeMax), Math.floor(random.next() * 20));
    try {
      const signal = new AbortController().signal;
      // It may also die at a checkpoint, so soon after a resumption that not all is skipped that is there already.
      const saves = deaths < 12 ? 1 + Math.floor(random.next() * 4) : Number.POSITIVE_INFINITY;
      const mortal = random.next() < 0.5 ? store : new DyingStore(cluster, saves);
      const given = { cluster, clock, store: mortal, sink, module: null, skipCut: false, signal };
      await runReplay(job, given);
      return deaths;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    } finally {
      await inner.close();
    }
  }
}

/** A store whose process dies after some checkpoints; what was sent arrives, known to nobody. */
class DyingStore extends JobStore {
  #left: number;

  constructor(of: Cluster, saves: number) {
    super(of);
    this.#left = saves;
  }

  override save(job: JobRecord): Promise<void> {
    this.#left -= 1;
    return this.#left < 0 ? Promise.reject(new Crash('the process died')) : super.save(job);
  }
}

/** Copies `mixed` as it is, over any number of deaths; answers how often it died. */
async function copyWithDeaths(seed: number, topic: string): Promise<number> {
  const random = new SeededRandom(seed);
  const store = new JobStore(cluster);
  await store.prepare();
  const source = {
    topics: ['mixed'],
    partitions: null,
    from: { kind: 'earliest' },
    to: { kind: 'latest' },
    group: null,
  } as const;
  const id = `copy-${topic}`;
  const stretches = await planStretches(cluster, source);
  const target = { kind: 'topic', topic } as const;
  await store.save(newJob({ id, nowMs: 1, source, target, asIs: true, stretches }));
  for (let deaths = 0; ; deaths++) {
    const job = await store.get(id);
    const { writer = null, targetPositions: resumeFrom } = job;
    const sink = await openBatchSink(cluster, { topic, writer, resumeFrom });
    const dying = deaths < 20 ? new DyingStore(cluster, 1 + Math.floor(random.next() * 3)) : store;
    const clock = restlessClock(random);
    try {
      const signal = new AbortController().signal;
      const options = { cluster, clock, store: dying, sink, module: null, skipCut: false, signal };
      await runReplay(job, options);
      return deaths;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    } finally {
      await sink.close();
    }
  }
}

interface Copy {
  readonly partition: number;
  readonly source: readonly [string, number];
}

function parse(source: string): readonly [string, number] {
  const at = source.lastIndexOf('/');
  return [source.slice(0, at), Number(source.slice(at + 1))];
}

async function selectedSources(): Promise<string[]> {
  const all = await broker.records('orders');
  const chosen = all.filter((one) => (one.json() as { total: number }).total >= 50);
  return chosen.map((one) => `orders/${one.partition}/${one.offset}`).sort();
}

function expectOnceInOrder(copies: readonly Copy[], wanted: readonly string[]): void {
  expect(copies.map(({ source: [place, offset] }) => `${place}/${offset}`).sort()).toEqual(wanted);
  const last = new Map<string, number>();
  for (const { partition, source } of copies) {
    const [place, offset] = source;
    const before = last.get(`${place}>${partition}`) ?? -1;
    expect(offset).toBeGreaterThan(before);
    last.set(`${place}>${partition}`, offset);
  }
}

describe(`replays that are interrupted (${REPLAY})`, () => {
  test.concurrent.each([3, 2, 5])('into a topic of %i partitions', async (partitions) => {
    let deaths = 0;
    const wanted = await selectedSources();
    for (let run = 0; run < RUNS; run++) {
      const topic = `copy-${partitions}-${run}`;
      await broker.createTopics({ [topic]: partitions });
      deaths += await replayWithDeaths(SEED + 1000 * partitions + run, { kind: 'topic', topic });
      const copies = (await broker.records(topic)).map(({ partition, headers }) => ({
        partition,
        source: parse(headers['tidemark.replay.source'] ?? ''),
      }));
      expectOnceInOrder(copies, wanted);
      if (partitions === 3) {
        for (const { partition, source } of copies) expect(source[0]).toBe(`orders/${partition}`);
      }
    }
    expect(deaths).toBeGreaterThan(RUNS);
  });

  test.concurrent('into a file', async () => {
    const wanted = await selectedSources();
    for (let run = 0; run < RUNS; run++) {
      const path = join(directory, `${run}.ndjson`);
      await replayWithDeaths(SEED + 9000 + run, { kind: 'file', path });
      const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
      const copies = lines.map((line) => {
        const { topic, partition, offset } = JSON.parse(line) as Record<string, string | number>;
        return { partition: 0, source: [`${topic}/${partition}`, Number(offset)] as const };
      });
      expectOnceInOrder(copies, wanted);
    }
  });

  test.concurrent('as it is, batches whole', async () => {
    const random = new SeededRandom(SEED + 5);
    await broker.createTopics({ mixed: 3 });
    for (let batch = 0; batch < 60; batch++) {
      const size = random.next() < 0.3 ? 9000 : 20;
      const records = Array.from({ length: 1 + Math.floor(random.next() * 8) }, (_, n) => ({
        key: `k${n}`,
        value: `${batch}-${n} ${'x'.repeat(size)}`,
        headers: { batch: `${batch}` },
        partition: Math.floor(random.next() * 3),
      }));
      await broker.produce('mixed', records);
    }
    const plain = async (topic: string) =>
      (await broker.records(topic)).map(({ partition, offset, timestamp, key, value, headers }) =>
        JSON.stringify([partition, offset, timestamp, key, value?.toString().slice(0, 8), headers]),
      );
    const wanted = await plain('mixed');
    let deaths = 0;
    for (let run = 0; run < 2 * RUNS; run++) {
      const topic = `as-is-${run}`;
      await broker.createTopics({ [topic]: 3 });
      deaths += await copyWithDeaths(SEED + 100 * run, topic);
      expect(await plain(topic)).toEqual(wanted);
    }
    expect(deaths).toBeGreaterThan(RUNS);
  });

  test('a topic replayed into itself takes no copy for a record', async () => {
    await broker.createTopics({ loop: 1 });
    await broker.produce('loop', [{ value: { total: 60 } }, { value: { total: 1 } }]);
    const runOnce = async (id: string): Promise<void> => {
      const source = {
        topics: ['loop'],
        partitions: null,
        from: { kind: 'earliest' },
        to: { kind: 'latest' },
        group: null,
      } as const;
      const target = { kind: 'topic', topic: 'loop' } as const;
      const base = await new JobStore(cluster).list();
      const [any] = base;
      if (any === undefined) throw new Error('jobs ran before');
      const stretches = await planStretches(cluster, source);
      const job = { ...any, id, source, target, stretches, positions: {}, targetPositions: {} };
      const sink = await openSink(target, job, false);
      const clock = restlessClock(new SeededRandom(1));
      const signal = new AbortController().signal;
      const store = new JobStore(cluster);
      await runReplay(job, { cluster, clock, store, sink, module: null, skipCut: false, signal });
      await sink.close();
    };
    await runOnce('loop-1');
    await runOnce('loop-2');
    expect((await broker.records('loop')).map((one) => one.json())).toEqual([
      { total: 60 },
      { total: 1 },
      { total: 60 },
      { total: 60 },
    ]);
  });
});
