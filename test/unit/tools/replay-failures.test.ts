// Whatever goes wrong during a replay: the error says where, the job remembers how far it came, and once the cause is
// gone it goes on and has each record once.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/base/ports.ts';
import { type Cluster, deleteRecords } from '../../../src/client/index.ts';
import { remoteCluster } from '../../../src/compose/index.ts';
import { nodeClock } from '../../../src/host/node-clock.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';
import {
  type JobRecord,
  JobStore,
  type ModuleRunner,
  newJob,
  openBatchSink,
  openFileSink,
  openHttpSink,
  openTopicSink,
  planStretches,
  type ReplayTarget,
  runReplay,
  type Sink,
} from '../../../tools/replay/index.ts';

/** As it was built: a worker's entry cannot be TypeScript on Node 20. */
const built = '../../../dist/tools/replay/record-module.js';

const COUNT = 200;
const directory = mkdtempSync(join(tmpdir(), 'tidemark-replay-failures-'));
let broker: TestBroker;
let cluster: Cluster;
let server: Server | null = null;

beforeAll(async () => {
  broker = await startBroker({ topics: { orders: 2 } });
  cluster = remoteCluster(broker.bootstrap);
  const value = 'x'.repeat(100);
  for (let at = 0; at < COUNT; at += 20) {
    const records = Array.from({ length: 20 }, (_, n) => ({
      key: `k${at + n}`,
      value: { n: at + n, value },
      partition: (at / 20) % 2,
    }));
    await broker.produce('orders', records);
  }
  await new JobStore(cluster).prepare();
});
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});
afterAll(async () => {
  await cluster.close();
  await broker.close();
  rmSync(directory, { recursive: true, force: true });
});

const source = {
  topics: ['orders'],
  partitions: null,
  from: { kind: 'earliest' },
  to: { kind: 'latest' },
  group: null,
} as const;

async function jobTo(target: ReplayTarget, more: Partial<JobRecord> = {}): Promise<JobRecord> {
  const stretches = await planStretches(cluster, source);
  return newJob({ nowMs: 1, source, target, includeReplayed: false, stretches, ...more });
}

function toTopic(job: JobRecord, resumed = false): Promise<Sink> {
  if (job.target.kind !== 'topic') throw new Error('not a topic');
  return openTopicSink(cluster, {
    job: job.id,
    topic: job.target.topic,
    sourcePartitions: new Map([['orders', 2]]),
    resumeFrom: resumed ? job.targetPositions : null,
  });
}

type Way = Pick<Parameters<typeof runReplay>[1], 'sink'> & Partial<Parameters<typeof runReplay>[1]>;

async function run(job: JobRecord, way: Way): Promise<JobRecord> {
  const signal = new AbortController().signal;
  const store = new JobStore(cluster);
  const usual = { cluster, clock: nodeClock, store, module: null, skipCut: false, signal };
  try {
    return await runReplay(job, { ...usual, ...way });
  } finally {
    await way.sink.close();
  }
}

test('a target that does not answer any more does not keep a failure of the source from who waits', async () => {
  const job = await jobTo({ kind: 'stdout' });
  const sink: Sink = {
    confirmed: 0,
    has: () => false,
    write: () => null,
    flush: () => new Promise(() => {}),
    positions: () => ({}),
    close: () => Promise.resolve(),
  };
  const select = () => Promise.reject(new Error('the module threw'));
  const clock: Clock = {
    now: () => nodeClock.now(),
    monotonic: () => nodeClock.monotonic(),
    setTimer: (ms, done) => nodeClock.setTimer(ms / 100, done),
    defer: (done) => nodeClock.defer(done),
  };
  await expect(run(job, { sink, select, clock })).rejects.toThrow('the module threw');
}, 20_000);

/** What stopped the job, and what is remembered of it. */
async function failure(job: JobRecord, way: Way): Promise<{ words: string; left: JobRecord }> {
  const error: unknown = await run(job, way).then(
    () => null,
    (reason: unknown) => reason,
  );
  const left = await new JobStore(cluster).get(job.id);
  expect(error).toBeInstanceOf(Error);
  const words = (error as Error).message;
  expect(left).toMatchObject({ state: 'failed', error: words });
  return { words, left };
}

const confirmed = ({ counts, confirmedSince = 0 }: JobRecord) => counts.written + confirmedSince;

async function sources(topic: string): Promise<string[]> {
  const copies = await broker.records(topic);
  return copies.map(({ headers }) => headers['tidemark.replay.source'] ?? '');
}

/** Goes on, and the topic has each record once. */
async function expectWhole(left: JobRecord, way: Partial<Way> = {}): Promise<void> {
  if (left.target.kind !== 'topic') throw new Error('not a topic');
  const { topic } = left.target;
  const before = (await sources(topic)).length;
  expect(confirmed(left)).toBe(before);
  const sink = await toTopic(left, true);
  expect(await run(left, { sink, ...way })).toMatchObject({ state: 'done', error: null });
  const copies = await sources(topic);
  expect(copies).toHaveLength(COUNT);
  expect(new Set(copies).size).toBe(COUNT);
}

async function newTopic(configs: Record<string, string | number> = {}): Promise<ReplayTarget> {
  const topic = `copy-${Math.random().toString(36).slice(2)}`;
  await broker.createTopics({ [topic]: { partitions: 2, configs } });
  return { kind: 'topic', topic };
}

function moduleFile(source: string, ending = 'mjs'): string {
  const path = join(directory, `${Math.random().toString(36).slice(2)}.${ending}`);
  writeFileSync(path, source);
  return path;
}

async function load(path: string): Promise<ModuleRunner> {
  const { ModuleRunner: Runner } = (await import(
    built
  )) as typeof import('../../../tools/replay/index.ts');
  return Runner.load(path, nodeClock, 1000);
}

async function withModule<T>(source: string, use: (runner: ModuleRunner) => Promise<T>) {
  const runner = await load(moduleFile(source));
  try {
    return await use(runner);
  } finally {
    await runner.close();
  }
}

const at150 = (then: string) =>
  `export async function transform(record) {
     const { n } = JSON.parse(record.value);
     ${then}
     return { value: { n } };
   }`;

describe('a module that', () => {
  test.each([
    ['throws', `if (n === 150) throw new Error('no price');`, /: no price \(line 3\)$/],
    ['hangs', `if (n === 150) for (;;);`, /: it took longer than 1000 ms$/],
    ['waits for ever', `if (n === 150) await new Promise(() => {});`, /longer than 1000 ms$/],
    ['ends its thread', `if (n === 150) process.exit(3);`, /process\.exit\(3\)$/],
    ['gives no time', `if (n === 150) return { timestamp: 'now' };`, /gave now for the timestamp/],
    ['gives no bytes', `if (n === 150) return { value: 5 };`, /gave number for the value/],
    ['gives a number', `if (n === 150) return 42;`, /gave number: give \{ key, value, /],
    ['gives text', `if (n === 150) return 'x';`, /gave string: give \{ key, value, /],
    ['gives bytes', `if (n === 150) return Buffer.from('x');`, /gave object: give \{ key, value, /],
    [
      'gives nothing',
      `if (n === 150) return;`,
      /gave nothing: .* or null to leave the record out$/,
    ],
    [
      'gives what it parsed',
      `if (n === 150) return { n };`,
      /gave 'n', which is no part of a record/,
    ],
    [
      'gives no value',
      `if (n === 150) return { value: undefined };`,
      /undefined for value: leave it/,
    ],
    [
      'moves it',
      `if (n === 150) return { ...record, offset: 1 };`,
      /gave another offset: only its/,
    ],
    ['gives odd headers', `if (n === 150) return { headers: 'a' };`, /gave string for headers/],
  ])(
    '%s: the place is told, what came before is kept, and a mended one goes on',
    async (_, then, words) => {
      const target = await newTopic();
      const job = await jobTo(target);
      const failed = await withModule(at150(then), async (module) =>
        failure(job, { sink: await toTopic(job), module }),
      );
      expect(failed.words).toMatch(/^the module .*\.mjs failed at orders\/1 offset 70: /);
      expect(failed.words).toMatch(words);
      await withModule(at150(''), (module) => expectWhole(failed.left, { module }));
    },
  );

  test('fails later, on its own: the record that it has is named, and no later one is waited for', async () => {
    const late = at150(`if (n === 150) {
      setTimeout(() => { throw new Error('late'); });
      await new Promise(() => {});
    }`);
    await withModule(late, async (module) => {
      const job = await jobTo(await newTopic());
      const { words } = await failure(job, { sink: await toTopic(job), module });
      expect(words).toMatch(/failed at orders\/1 offset 70: late/);
      await expect(module.run([])).resolves.toEqual([]);
    });
  });

  test('speaks: not on standard output, where records may go', async () => {
    const path = moduleFile(`console.log('a word'); export const transform = (record) => record;`);
    const main = moduleFile(`
      const { ModuleRunner } = await import(process.argv[2]);
      const clock = { setTimer: (ms, fire) => { const t = setTimeout(fire, ms); return () => clearTimeout(t); } };
      const runner = await ModuleRunner.load(process.argv[3], clock);
      setTimeout(() => runner.close(), 300);
    `);
    const args = [main, new URL(built, import.meta.url).href, path];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect([stdout, stderr]).toEqual(['', 'a word\n']);
  });

  test('is one of CommonJS', async () => {
    const path = moduleFile(`module.exports = { filter: (record) => record.offset < 2 };`, 'cjs');
    const runner = await load(path);
    const record = {
      topic: 'orders',
      partition: 0,
      timestamp: 1,
      key: null,
      value: null,
      headers: [],
    };
    const left = await runner.run([1, 2].map((offset) => ({ ...record, offset })));
    await runner.close();
    expect(left.map((one) => one !== null)).toEqual([true, false]);
  });

  test('does not parse: the line is told', async () => {
    const path = moduleFile('export function transform() {\n  return { value: 1\n}\n');
    await expect(load(path)).rejects.toThrow(/failed: Unexpected .* \(line 4\)/);
  });

  test('headers may be given as records have them, or as producers take them', async () => {
    const target = await newTopic();
    const job = await jobTo(target, { filter: 'value.n < 2' });
    const source = `export const transform = ({ headers, value }) =>
      JSON.parse(value).n === 0 ? { headers: { a: '1' } } : { headers: [{ key: 'a', value: '1' }] };`;
    await withModule(source, async (module) => {
      await run(job, { sink: await toTopic(job), module });
    });
    if (target.kind !== 'topic') throw new Error('not a topic');
    const copies = await broker.records(target.topic);
    expect(copies.map((one) => one.headers['a'])).toEqual(['1', '1']);
  });
});

describe('a topic that', () => {
  test('refuses a record for its size: the record is named, and the job goes on once it may', async () => {
    const target = await newTopic({ 'max.message.bytes': 150 });
    const job = await jobTo(target);
    const { words, left } = await failure(job, { sink: await toTopic(job) });
    expect(words).toMatch(
      /^topic copy-\w+ refused orders\/[01]\/0: .*more than max\.message\.bytes=150/,
    );
    if (target.kind !== 'topic') throw new Error('not a topic');
    const wide = await newTopic();
    await expectWhole({ ...left, target: wide, targetPositions: {} });
  });

  test('refuses whole batches: the last record of the batch is named', async () => {
    const target = await newTopic({ 'max.message.bytes': 150 });
    if (target.kind !== 'topic') throw new Error('not a topic');
    const job = await jobTo(target, { asIs: true, includeReplayed: true });
    const sink = await openBatchSink(cluster, {
      topic: target.topic,
      writer: null,
      resumeFrom: {},
    });
    const { words } = await failure(job, { sink });
    expect(words).toMatch(
      /refused records up to offset \d+ of partition [01]: .*max\.message\.bytes/,
    );
  });

  test('may not be written: the error is the broker’s, and the job goes on once it may', async () => {
    const target = await newTopic();
    if (target.kind !== 'topic') throw new Error('not a topic');
    const { id } = await cluster.topic(target.topic);
    const job = await jobTo(target);
    const sink = await toTopic(job);
    // The jobs topic is written to as well: only what goes to the copy is refused.
    const mend = broker.fail('Produce', {
      error: 'TOPIC_AUTHORIZATION_FAILED',
      times: Number.POSITIVE_INFINITY,
      when: (request) => JSON.stringify(request).includes(id),
    });
    const { words, left } = await failure(job, { sink }).finally(mend);
    expect(words).toMatch(/^topic copy-\w+ refused orders\/[01]\/0: TOPIC_AUTHORIZATION_FAILED: /);
    await expectWhole(left);
  });
});

test('a disk that is full: the partition is told, and the job goes on once there is room', async () => {
  const full = await startBroker({ topics: { orders: 1, copy: 1 } });
  const to = remoteCluster(full.bootstrap);
  try {
    await new JobStore(to).prepare();
    await full.produce(
      'orders',
      Array.from({ length: 50 }, (_, n) => ({ value: { n } })),
    );
    const stretches = await planStretches(to, source);
    const job = await jobTo({ kind: 'topic', topic: 'copy' }, { stretches });
    const open = (from: JobRecord, resumed: boolean) =>
      openTopicSink(to, {
        job: job.id,
        topic: 'copy',
        sourcePartitions: new Map([['orders', 1]]),
        resumeFrom: resumed ? from.targetPositions : null,
        deliveryTimeoutMs: 200,
      });
    let last: JobRecord | null = null;
    const store = new JobStore(to);
    const inner = await open(job, false);
    let taken = 0;
    const filling = withWrite(inner, async (record, copy) => {
      taken += 1;
      if (taken === 20) {
        await inner.flush();
        full.fillDisk();
      }
      await inner.write(record, copy);
    });
    const way = { cluster: to, store, onSave: (saved: JobRecord) => (last = saved) };
    await expect(run(job, { ...way, sink: filling })).rejects.toThrow(
      /^topic copy refused orders\/0\/19: .*copy-0: .*(disk|storage)/i,
    );
    expect(last).toMatchObject({ state: 'failed', confirmedSince: 19 });
    await full.freeDisk();
    const left = await store.get(job.id);
    expect(await run(left, { ...way, sink: await open(left, true) })).toMatchObject({
      state: 'done',
      counts: { written: 31, skipped: 19 },
    });
    const copies = (await full.records('copy')).map((one) => one.json());
    expect(copies).toEqual(Array.from({ length: 50 }, (_, n) => ({ n })));
  } finally {
    await to.close();
    await full.close();
  }
}, 30_000);

describe('an endpoint that', () => {
  async function listen(handle: RequestListener): Promise<string> {
    server = createServer(handle);
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/orders`;
  }
  const post = (job: JobRecord, url: string, more: object = {}) =>
    openHttpSink({ job: job.id, url, clock: hasty, signal: new AbortController().signal, ...more });

  test('refuses a record: its words are told, and how many were taken', async () => {
    const url = await listen((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { partition, offset } = JSON.parse(Buffer.concat(parts).toString());
        response.statusCode = partition === 1 && offset === 30 ? 422 : 204;
        response.end(response.statusCode === 422 ? 'no field\n  "price"' : undefined);
      });
    });
    const job = await jobTo({ kind: 'http', url }, { source: { ...source, partitions: [1] } });
    const only = { ...job, stretches: job.stretches.filter((one) => one.partition === 1) };
    const { words, left } = await failure(only, { sink: post(only, url) });
    expect(words).toBe(`${url} did not take orders/1/30: it answered 422 no field "price"`);
    expect(confirmed(left)).toBe(30);
  });

  /** Waits are over at once. */
  const hasty: Clock = {
    now: () => nodeClock.now(),
    monotonic: () => nodeClock.monotonic(),
    defer: (run) => nodeClock.defer(run),
    setTimer: (_, fire) => nodeClock.setTimer(0, fire),
  };

  test('is not there: the place and the reason are told', async () => {
    const url = await listen(() => {});
    server?.close();
    const job = await jobTo({ kind: 'http', url }, { filter: 'value.n == 150' });
    const heard: string[] = [];
    const sink = post(job, url, { onRetry: (what: string) => heard.push(what) });
    const { words } = await failure(job, { sink });
    expect(words).toMatch(/did not take orders\/1\/70: connect ECONNREFUSED/);
    expect(heard[0]).toMatch(/^orders\/1\/70: connect ECONNREFUSED .* \(attempt 1 of 6\)$/);
  });

  test.each([301, 302, 307])(
    'sends elsewhere (%i): no record counts as taken there',
    async (status) => {
      const methods: (string | undefined)[] = [];
      const url = await listen((request, response) => {
        methods.push(request.method);
        if (request.url === '/new') response.end('welcome');
        else response.writeHead(status, { location: '/new' }).end();
      });
      const job = await jobTo({ kind: 'http', url }, { filter: 'value.n == 150' });
      const { words } = await failure(job, { sink: post(job, url) });
      const why = `it answered ${status}, a redirection to /new: name that address`;
      expect(words).toBe(`${url} did not take orders/1/70: ${why}`);
      expect(methods).toEqual(['POST']);
    },
  );

  test('hangs: an interruption does not wait for it, and the job can go on', async () => {
    let ask = (): void => {};
    const asked = new Promise<void>((resolve) => {
      ask = resolve;
    });
    const url = await listen(() => ask());
    const job = await jobTo({ kind: 'http', url });
    const stop = new AbortController();
    const sink = post(job, url, { signal: stop.signal });
    const ended = run(job, { sink, signal: stop.signal });
    await asked;
    stop.abort();
    const error = expect.stringMatching(/did not take orders\/[01]\/0: the job was interrupted$/);
    expect(await ended).toMatchObject({ state: 'interrupted', error });
    expect(await new JobStore(cluster).get(job.id)).toMatchObject({ state: 'interrupted', error });
  });

  test('hangs: it is told after how long nobody waits any more', async () => {
    const url = await listen(() => {});
    const job = await jobTo({ kind: 'http', url }, { filter: 'value.n == 0' });
    const { words } = await failure(job, { sink: post(job, url, { timeoutMs: 20 }) });
    expect(words).toMatch(/did not take orders\/0\/0: no answer within 20 ms/);
  });
});

describe('a source that', () => {
  test('is cut during the job: the place is told, and --skip-cut goes on behind', async () => {
    await broker.createTopics({ cut: 1 });
    const value = 'y'.repeat(400_000);
    for (let n = 0; n < 12; n++) await broker.produce('cut', [{ key: `${n}`, value }]);
    const cutSource = { ...source, topics: ['cut'] };
    const stretches = await planStretches(cluster, cutSource);
    const target = await newTopic();
    const job = await jobTo(target, { source: cutSource, stretches });
    const inner = await toTopic(job);
    let left = 3;
    const cutting = withWrite(inner, async (record, copy) => {
      left -= 1;
      // What is read ahead is in memory; what lies behind it is gone.
      if (left === 0) await deleteRecords(cluster, 'cut', new Map([[0, 11]]));
      await inner.write(record, copy);
    });
    const failed = await failure(job, { sink: cutting });
    expect(failed.words).toMatch(/retention took records .*\(cut\/0 at \d+\): go on behind them/);
    const at = Number(/cut\/0 at (\d+)/.exec(failed.words)?.[1]);
    expect(confirmed(failed.left)).toBe(at);
    const again = await run(failed.left, {
      sink: await toTopic(failed.left, true),
      skipCut: true,
    });
    expect(again.state).toBe('done');
    if (target.kind !== 'topic') throw new Error('not a topic');
    const offsets = (await sources(target.topic)).map((one) => Number(one.split('/').pop()));
    expect(offsets.sort((a, b) => a - b)).toEqual([...Array(at).keys(), 11]);
  });
});

/** The sink with another way to write. */
function withWrite(inner: Sink, write: Sink['write']): Sink {
  return {
    get confirmed() {
      return inner.confirmed;
    },
    has: (...of) => inner.has(...of),
    write,
    flush: () => inner.flush(),
    positions: () => inner.positions(),
    close: () => inner.close(),
  };
}

test('a file that cannot take more keeps failing, so that nothing is skipped later', async () => {
  const path = join(directory, 'closed.ndjson');
  const sink = await openFileSink(path, false);
  await sink.close();
  const record = { key: null, value: null, headers: [], timestamp: 0 };
  const place = { ...record, topic: 'orders', partition: 0, offset: 0 } as never;
  await sink.write(place, record);
  await expect(sink.flush()).rejects.toThrow(/cannot write .*closed\.ndjson/);
  await expect(sink.flush()).rejects.toThrow(/cannot write .*closed\.ndjson/);
  expect(sink.confirmed).toBe(0);
});
