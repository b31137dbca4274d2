import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cluster } from '../../../src/client/index.ts';
import { remoteCluster } from '../../../src/compose/index.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';
import { LoadGenerator } from '../../../tools/demo/index.ts';

let broker: TestBroker;
let cluster: Cluster;

beforeAll(async () => {
  broker = await startBroker();
  cluster = remoteCluster(broker.bootstrap);
});
afterAll(async () => {
  await cluster.close();
  await broker.close();
});

async function contents(prefix: string): Promise<string[]> {
  const generator = new LoadGenerator(cluster, { rate: 2000, prefix, seed: 7 });
  const stop = new AbortController();
  const { written } = await generator.run(stop.signal, {
    onProgress: ({ records }) => {
      if (records >= 500) stop.abort();
    },
  });
  expect(written).toBeGreaterThanOrEqual(500);
  const all: string[] = [];
  for (const topic of ['views', 'orders', 'payments', 'sensors']) {
    const records = await broker.records(prefix + topic);
    expect(records.length).toBeGreaterThan(10);
    for (const { key, value, headers } of records) {
      expect(headers).toMatchObject({ trace: expect.any(String), region: expect.any(String) });
      all.push(`${topic} ${key} ${value} ${headers['trace']}`);
    }
  }
  expect(all).toHaveLength(written);
  return all;
}

test('keys, headers and values, the same for the same seed', async () => {
  const [one, two] = [await contents('a.'), await contents('b.')];
  const [fewer, more] = one.length < two.length ? [one, new Set(two)] : [two, new Set(one)];
  expect(fewer.filter((line) => !more.has(line))).toEqual([]);
});

const RATE = 20;

/** Time goes on by a step at every timer, as a busy machine's does: never by what was asked for. */
class StepClock {
  #nowMs = 0;
  #steps = 0;
  now = (): number => this.#nowMs;
  monotonic = (): number => this.#nowMs;
  defer = (run: () => void): void => queueMicrotask(run);
  setTimer = (_: number, fire: () => void): (() => void) => {
    this.#steps += 1;
    this.#nowMs += this.#steps % 2 === 0 ? 50 : 110;
    const timer = setImmediate(fire);
    return () => clearImmediate(timer);
  };
}

async function countIn(seconds: number, bursts: boolean): Promise<number> {
  const clock = new StepClock();
  // The clients keep their own time.
  const timed = new Proxy(cluster, {
    get: (of, name) => {
      if (name === 'clock') return clock;
      const value: unknown = Reflect.get(of, name, of);
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
  const prefix = bursts ? 'bursts.' : 'steady.';
  const generator = new LoadGenerator(timed, { rate: RATE, prefix, seed: 3, bursts });
  const stop = new AbortController();
  const { written } = await generator.run(stop.signal, {
    onProgress: () => {
      if (clock.monotonic() >= seconds * 1000) stop.abort();
    },
  });
  return written;
}

test('as many records as the rate says, and bursts on top', async () => {
  // A whole wave of two minutes, whose ups and downs are even.
  const steady = await countIn(120, false);
  expect(steady).toBeGreaterThan(0.98 * 120 * RATE);
  expect(steady).toBeLessThan(1.02 * 120 * RATE);
  expect(await countIn(120, true)).toBeGreaterThan(1.1 * steady);
});
