import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KafkaError } from '../../../src/base/kafka-errors.ts';
import type { Clock } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import type { Cluster } from '../../../src/client/index.ts';
import { remoteCluster } from '../../../src/compose/index.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';
import {
  deadLetters,
  factsOf,
  Ledger,
  LetterHeader,
  type LetterWriter,
  type ReceivedRecord,
  readLetters,
  redrive,
  unfinishedRedrive,
} from '../../../tools/dlq/index.ts';
import { type JobRecord, JobStore, newJob, planStretches } from '../../../tools/replay/index.ts';
import { testSeed } from '../../support/test-seed.ts';

const SEED = testSeed();
let broker: TestBroker;
let cluster: Cluster;

beforeAll(async () => {
  broker = await startBroker({ topics: { orders: 3, payments: 2 } });
  cluster = remoteCluster(broker.bootstrap);
});
afterAll(async () => {
  await cluster.close();
  await broker.close();
});

function received(more: Partial<ReceivedRecord> = {}): ReceivedRecord {
  return {
    topic: 'orders',
    partition: 1,
    offset: 42,
    timestamp: 1_763_800_000_000,
    headers: [{ key: 'trace', value: Buffer.from('t1') }],
    raw: { key: Buffer.from('k'), value: Buffer.from('v') },
    error: null,
    ...more,
  };
}

type Sent = Parameters<LetterWriter['send']>[0];

function collecting(): { sent: Sent[]; producer: LetterWriter } {
  const sent: Sent[] = [];
  const send = (letter: Sent): Promise<void> => {
    sent.push(letter);
    return Promise.resolve();
  };
  return { sent, producer: { send } };
}

describe('deadLetters', () => {
  test('tries again, and writes nothing when that helps', async () => {
    const { sent, producer } = collecting();
    let calls = 0;
    const handler = deadLetters({ producer, backoffMs: 1 })(() => {
      calls += 1;
      if (calls < 3) throw new Error('not yet');
    });
    await handler(received());
    expect([calls, sent]).toEqual([3, []]);
  });

  test('gives up, and the letter tells everything', async () => {
    const { sent, producer } = collecting();
    const heard: unknown[] = [];
    const safely = deadLetters({
      producer,
      attempts: 2,
      backoffMs: 1,
      group: 'billing',
      onLetter: (_, error) => heard.push(error),
    });
    const error = new TypeError('no total');
    await safely(() => Promise.reject(error))(received());
    expect(heard).toEqual([error]);
    expect(sent).toMatchObject([{ topic: 'orders.dlq', timestamp: 1_763_800_000_000 }]);
    expect(sent[0]?.value?.toString()).toBe('v');
    expect(sent[0]?.headers[0]).toEqual({ key: 'trace', value: Buffer.from('t1') });
    expect(factsOf(sent[0]?.headers ?? [])).toEqual({
      origin: { topic: 'orders', partition: 1, offset: 42, timestamp: 1_763_800_000_000 },
      error: 'TypeError',
      message: 'no total',
      attempts: 2,
      failedMs: expect.any(Number),
      group: 'billing',
    });
  });

  test('does not try what cannot be decoded, nor what will not change', async () => {
    const { sent, producer } = collecting();
    let calls = 0;
    const safely = deadLetters({ producer, retriable: (error) => !(error instanceof RangeError) });
    const handler = safely(() => {
      calls += 1;
      throw new RangeError('never');
    });
    await handler(received({ error: new SyntaxError('no JSON') }));
    await handler(received());
    expect(calls).toBe(1);
    expect(sent.map((one) => factsOf(one.headers).attempts)).toEqual([0, 1]);
  });

  test('what is not the fault of the record makes no letter of it', async () => {
    const { sent, producer } = collecting();
    let calls = 0;
    const isFault = (error: unknown): boolean => !(error instanceof RangeError);
    const safely = deadLetters({ producer, backoffMs: 1, isFault });
    const handler = safely(() => {
      calls += 1;
      throw new RangeError('no broker');
    });
    await expect(handler(received())).rejects.toThrow('no broker');
    expect([calls, sent]).toEqual([3, []]);
  });

  /** A topic that takes letters of at most so many bytes. */
  function narrow(bytesMax: number): { sent: Sent[]; tries: () => number; producer: LetterWriter } {
    const sent: Sent[] = [];
    let tries = 0;
    const send = (letter: Sent): Promise<void> => {
      tries += 1;
      const own = [letter.key, letter.value, ...letter.headers.map(({ value }) => value)];
      const bytes = own.reduce((sum, one) => sum + (one?.length ?? 0), 0);
      if (bytes <= bytesMax) sent.push(letter);
      else return Promise.reject(new KafkaError('MESSAGE_TOO_LARGE', 'orders.dlq-1: too large'));
      return Promise.resolve();
    };
    return { sent, tries: () => tries, producer: { send } };
  }

  test('a letter that is too large goes without what the error said', async () => {
    const { sent, producer } = narrow(400);
    const error = Object.assign(new Error('x'.repeat(500)), { code: 'no_total' });
    await deadLetters({ producer, attempts: 1 })(() => Promise.reject(error))(received());
    expect(sent).toHaveLength(1);
    const { origin, ...facts } = factsOf(sent[0]?.headers ?? []);
    expect(origin).toMatchObject({ topic: 'orders', partition: 1, offset: 42 });
    expect(facts).toMatchObject({ error: 'no_total', message: null, attempts: 1 });
    expect(sent[0]?.headers.map(({ key }) => key)).not.toContain(LetterHeader.stack);
    expect(sent[0]?.headers[0]).toEqual({ key: 'trace', value: Buffer.from('t1') });
  });

  test('one that is too large in itself says which limit it is', async () => {
    const { sent, tries, producer } = narrow(400);
    const large = received({ raw: { key: null, value: Buffer.alloc(500) } });
    const safely = deadLetters({ producer, attempts: 1 })(() => Promise.reject(new Error('x')));
    const refused = safely(large);
    await expect(refused).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
    await expect(refused).rejects.toThrow(
      /record 42 of orders-1 .*max\.message\.bytes of 'orders\.dlq'/,
    );
    expect([sent.length, tries()]).toEqual([0, 2]);
  });

  test('rejects when the letter cannot be written, or it is told to stop', async () => {
    const refusing = { send: () => Promise.reject(new Error('disk full')) };
    const fails = (): never => {
      throw new Error('x');
    };
    const never = deadLetters({ producer: refusing, attempts: 1 })(fails);
    await expect(never(received())).rejects.toThrow('disk full');
    const stop = new AbortController();
    const { sent, producer } = collecting();
    const waiting = deadLetters({ producer, backoffMs: 60_000, signal: stop.signal })(fails)(
      received(),
    );
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    expect(sent).toEqual([]);
  });
});

test('letters of Kafka Connect and of Spring are understood', () => {
  const text = (key: string, value: string) => ({ key, value: Buffer.from(value) });
  const connect = factsOf([
    text('__connect.errors.topic', 'orders'),
    text('__connect.errors.partition', '2'),
    text('__connect.errors.offset', '77'),
    text('__connect.errors.exception.class.name', 'org.apache.kafka.connect.errors.DataException'),
  ]);
  expect(connect.origin).toMatchObject({ topic: 'orders', partition: 2, offset: 77 });
  expect(connect.error).toContain('DataException');
  const int64 = Buffer.alloc(8);
  int64.writeBigInt64BE(99n);
  const spring = factsOf([
    text('kafka_dlt-original-topic', 'orders'),
    { key: 'kafka_dlt-original-partition', value: Buffer.from([0, 0, 0, 3]) },
    { key: 'kafka_dlt-original-offset', value: int64 },
    text('kafka_dlt-exception-message', 'boom'),
  ]);
  expect(spring).toMatchObject({ origin: { partition: 3, offset: 99 }, message: 'boom' });
  expect(factsOf([]).origin).toBeNull();
});

/** Time that passes when it is looked at, so that checkpoints fall anywhere. */
function restlessClock(random: SeededRandom): Clock {
  let nowMs = 0;
  return {
    now: () => Math.floor(nowMs),
    monotonic: () => {
      nowMs += random.next() * 20;
      return nowMs;
    },
    setTimer: (_, fire) => {
      queueMicrotask(fire);
      return () => {};
    },
    defer: queueMicrotask,
  };
}

async function fill(topic: string, letters: number, random: SeededRandom): Promise<void> {
  const records = Array.from({ length: letters }, (_, n) => {
    const origin = random.next() < 0.7 ? 'orders' : 'payments';
    const headers = {
      trace: `t${n}`,
      [LetterHeader.topic]: origin,
      [LetterHeader.partition]: String(Math.floor(random.next() * 2)),
      [LetterHeader.error]: n % 2 === 0 ? 'TypeError' : 'RangeError',
    };
    return { key: `k${n % 9}`, value: { n }, headers };
  });
  await broker.createTopics({ [topic]: 2 });
  await broker.produce(topic, records);
}

class Crash extends Error {}

/** A store whose process dies after some checkpoints. */
class DyingStore extends JobStore {
  #left: number;

  constructor(of: Cluster, saves: number) {
    super(of);
    this.#left = saves;
  }

  override save(job: JobRecord): Promise<void> {
    this.#left -= 1;
    // The failure itself is not noted either: the process is gone.
    return this.#left < 0 ? Promise.reject(new Crash('the process died')) : super.save(job);
  }
}

async function redriveJob(topic: string, id: string, filter: string | null): Promise<JobRecord> {
  const source = {
    topics: [topic],
    partitions: null,
    from: { kind: 'earliest' },
    to: { kind: 'latest' },
    group: null,
  } as const;
  const stretches = await planStretches(cluster, source);
  const target = { kind: 'origin', topic: null } as const;
  return newJob({ id, nowMs: 1, source, target, filter, stretches });
}

/** Saves that a job lives to see: the first run dies with its first one, whatever is drawn. */
const savesBefore = (deaths: number, random: SeededRandom): number =>
  deaths === 0 ? 1 : 1 + Math.floor(random.next() * 3);

/** Runs a redrive to its end over any number of deaths; answers how often it died. */
async function redriven(
  topic: string,
  id: string,
  filter: string | null,
  seed: number,
): Promise<number> {
  const random = new SeededRandom(seed);
  const store = new JobStore(cluster);
  const first = await redriveJob(topic, id, filter);
  await store.prepare();
  await store.save(first);
  for (let deaths = 0; ; deaths++) {
    const ledger = new Ledger(cluster);
    await ledger.prepare();
    await ledger.load();
    try {
      const job = await store.get(id);
      await redrive(job, {
        cluster,
        clock: restlessClock(random),
        store: deaths < 12 ? new DyingStore(cluster, savesBefore(deaths, random)) : store,
        ledger,
        choice: { only: null, filter },
        module: null,
        topics: deaths === 0 ? ['orders', 'payments'] : [],
        resumed: deaths > 0,
        changed: false,
        signal: new AbortController().signal,
      });
      return deaths;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
  }
}

async function states(topic: string): Promise<Record<string, number>> {
  const ledger = new Ledger(cluster);
  await ledger.load();
  const { stretches } = await redriveJob(topic, 'x', null);
  const counts: Record<string, number> = {};
  for await (const letters of readLetters(cluster, stretches, ledger)) {
    for (const { state } of letters) counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
}

const REPLAY = `TIDEMARK_SEED=${SEED} npx vitest run --config test/vitest.config.ts test/unit/tools/dlq.test.ts`;

describe(`redrive (${REPLAY})`, () => {
  test('each letter once, where it came from, however often the job dies', async () => {
    let deaths = 0;
    for (let round = 0; round < 3; round++) {
      const topic = `letters-${round}`;
      const random = new SeededRandom(SEED + round);
      await fill(topic, 300, random);
      const before = [...(await broker.records('orders')), ...(await broker.records('payments'))];
      const filter = 'header["tidemark.dlq.error"] == "TypeError"';
      deaths += await redriven(topic, `job-${round}`, filter, SEED + round);
      expect(await states(topic)).toEqual({ redriven: 150, pending: 150 });
      const copies: { n: number; partition: number; topic: string; offset: number }[] = [];
      for (const origin of ['orders', 'payments']) {
        for (const one of await broker.records(origin)) {
          const isNew = one.headers['tidemark.replay.job'] === `job-${round}`;
          if (!isNew) continue;
          expect(Object.keys(one.headers).filter((key) => key.startsWith('tidemark.dlq'))).toEqual(
            [],
          );
          expect(one.headers['trace']).toMatch(/^t\d+$/);
          const { n } = one.json() as { n: number };
          copies.push({ n, partition: one.partition, topic: origin, offset: one.offset });
        }
      }
      const wanted = Array.from({ length: 150 }, (_, at) => 2 * at);
      expect(copies.map((one) => one.n).sort((a, b) => a - b)).toEqual(wanted);
      const letters = new Map(
        (await broker.records(topic)).map((one) => [(one.json() as { n: number }).n, one]),
      );
      for (const { n, partition, topic: origin } of copies) {
        const headers = letters.get(n)?.headers;
        expect([origin, String(partition)]).toEqual([
          headers?.[LetterHeader.topic],
          headers?.[LetterHeader.partition],
        ]);
      }
      // Nothing is left for a second one.
      await redriven(topic, `again-${round}`, filter, SEED);
      const after = [...(await broker.records('orders')), ...(await broker.records('payments'))];
      expect(after.length - before.length).toBe(150);
    }
    expect(deaths).toBeGreaterThanOrEqual(3);
    expect(await unfinishedRedrive(new JobStore(cluster), 'letters-0')).toBeNull();
  });
});
