import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  BrokerOptionError,
  type BrokerOptions,
  connect,
  type Log,
  openBroker,
  openLog,
  type RunningBroker,
} from '../../../src/compose/index.ts';
import { serveAlone } from '../../../src/compose/serve-alone.ts';

const doors = [openBroker, serveAlone];

describe('options from plain JavaScript', () => {
  test.each([
    [undefined, 'give either dataDir'],
    [{}, 'give either dataDir'],
    [{ memory: true, dataDir: './data' }, 'give either dataDir'],
    [{ memory: true, prot: 0 }, "serve has no option 'prot'; there are"],
    [{ memory: true, port: 'x' }, "port 'x': write a whole number from 0 to 65535"],
    [{ memory: true, metricsPort: 70_000 }, 'metricsPort 70000: write a whole number'],
    [{ memory: 'yes' }, 'give either dataDir'],
    [{ dataDir: 5 }, 'dataDir 5: write text'],
    [{ dataDir: './d', memory: 0 }, 'memory 0: write true or false'],
    [{ memory: true, flush: 'never' }, "flush 'never': write one of sync, os"],
    [{ memory: true, configs: [] }, 'configs (a list): write an object'],
    [{ memory: true, configs: { 'num.partitions': null } }, 'configs (an object): write'],
    [{ memory: true, logger: {} }, 'logger (an object): write an object with the functions debug'],
    [{ memory: true, host: ['::1'] }, 'host (a list): write text'],
    [{ memory: true, advertise: 9092 }, 'advertise 9092: write text'],
    [{ memory: true, tls: true }, 'tls true: write { cert, key }'],
    [{ memory: true, port: 0, advertise: '::::' }, 'no IPv6 address'],
  ])('%j is refused by name', async (options, words) => {
    for (const door of doors) {
      await expect(door(options as unknown as BrokerOptions)).rejects.toThrow(BrokerOptionError);
      await expect(door(options as unknown as BrokerOptions)).rejects.toThrow(words);
    }
  });

  test.each([
    [5, 'takes its options as an object, as { adopt: … }, not 5'],
    [null, 'not null'],
    [{ flush: 1 }, 'flush 1: write one of sync, os'],
    [{ logger: 'debug' }, "logger 'debug': write an object"],
    [{ acceptReplicationFactor: 'yes' }, "acceptReplicationFactor 'yes': write true or false"],
  ])('open tells what to write instead of %j', async (options, words) => {
    const opening = openLog({ memory: true }, options as object);
    await expect(opening).rejects.toThrow(BrokerOptionError);
    await expect(openLog({ memory: true }, options as object)).rejects.toThrow(words);
  });

  test.each([5, '', null, { dataDir: 5 }, { dataDir: './d' }])(
    'open tells how the place is written instead of %j',
    async (place) => {
      await expect(openLog(place as unknown as string)).rejects.toThrow("open('./data')");
    },
  );

  test('a log that is served takes the same options', async () => {
    const log = await openLog({ memory: true });
    await expect(log.serve({ port: '0' } as object)).rejects.toThrow("port '0': write a whole");
    await expect(log.serve(9092 as unknown as object)).rejects.toThrow(
      'takes its options as an object',
    );
    await log.close();
  });

  test('open refuses options where only the place is told, not leave them out in silence', async () => {
    const place = { memory: true, configs: { 'num.partitions': 3 } } as const;
    await expect(openLog(place)).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining('open({ memory: true }, { configs })'),
    });
  });

  test('a config that there is not is refused, not left out in silence', async () => {
    const configs = { 'num.partitionz': 3 };
    await expect(openBroker({ memory: true, port: 0, configs })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('"num.partitionz"'),
    });
  });

  test('config values may be numbers and booleans', async () => {
    const configs = { 'num.partitions': 5, 'auto.create.topics.enable': false };
    const broker = await openBroker({ memory: true, port: 0, configs });
    try {
      await broker.admin().createTopic({ name: 't' });
      expect((await broker.admin().describeTopic('t')).partitions).toHaveLength(5);
    } finally {
      await broker.close();
    }
  });

  test('the broker tells where it listens and keeps its data, as it was started', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'tidemark-told-'));
    const options = { host: '127.0.0.1', port: 0, advertise: 'logs.test:19092' };
    const broker = await openBroker({ dataDir, ...options });
    try {
      const entries = await broker
        .admin()
        .describeConfigs({ type: 'broker', name: `${broker.nodeId}` });
      const told = (name: string) => entries.find((entry) => entry.name === name)?.value;
      expect(told('log.dirs')).toBe(dataDir);
      expect(told('listeners')).toBe('PLAINTEXT://127.0.0.1:0');
      expect(told('advertised.listeners')).toBe('PLAINTEXT://logs.test:19092');
    } finally {
      await broker.close();
      await rm(dataDir, { recursive: true });
    }
  });

  test('a log that is served tells of all its listeners, as long as they listen', async () => {
    const log = await openLog({ memory: true });
    const told = async () => {
      const entries = await log.admin().describeConfigs({ type: 'broker', name: `${log.nodeId}` });
      const value = (name: string) => entries.find((entry) => entry.name === name)?.value;
      return [value('listeners'), value('advertised.listeners')];
    };
    try {
      const before = await told();
      const first = await log.serve({ host: '127.0.0.1', port: 0, advertise: 'logs.test:19092' });
      expect(await told()).toEqual(['PLAINTEXT://127.0.0.1:0', 'PLAINTEXT://logs.test:19092']);
      const second = await log.serve({ port: 0 });
      const both = 'PLAINTEXT://127.0.0.1:0,PLAINTEXT://localhost:0';
      expect(await told()).toEqual([both, 'PLAINTEXT://logs.test:19092']);
      await first.close();
      expect(await told()).toEqual(['PLAINTEXT://localhost:0', before[1]]);
      await second.close();
      expect(await told()).toEqual(before);
    } finally {
      await log.close();
    }
  });

  test('clients of each listener are told its own address', async () => {
    const log = await openLog({ memory: true });
    const inside = await log.serve({ host: '127.0.0.1', port: 0 });
    const outside = await log.serve({ host: '127.0.0.1', port: 0, advertise: 'localhost' });
    const toldBy = async ({ bootstrap }: { bootstrap: string }) => {
      const client = await connect(bootstrap);
      const { nodes } = await client.admin().describeCluster();
      await client.close();
      return nodes.map(({ host, port }) => `${host}:${port}`);
    };
    try {
      expect(await toldBy(inside)).toEqual([inside.bootstrap]);
      expect(await toldBy(outside)).toEqual([`localhost:${outside.addresses[0]?.port}`]);
    } finally {
      await log.close();
    }
  });
});

test('what is internal is no part of what open and serve give', async () => {
  type Internal = 'engine' | 'transport';
  expectTypeOf<Extract<keyof Log | keyof RunningBroker, Internal>>().toBeNever();
  const log = await openLog({ memory: true });
  try {
    const broker = await log.serve({ port: 0 });
    for (const name of ['engine', 'transport'] satisfies Internal[]) {
      expect(name in log).toBe(false);
      expect(name in broker).toBe(false);
    }
  } finally {
    await log.close();
  }
});
