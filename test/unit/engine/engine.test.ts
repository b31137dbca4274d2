import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Logger, silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { type Engine, type OpenEngineOptions, openEngine } from '../../../src/engine/index.ts';
import { nodeClock } from '../../../src/host/node-clock.ts';
import { NodeDisk } from '../../../src/host/node-disk.ts';
import { batchBytes, iterateBatches, readRecords } from '../../../src/record/index.ts';
import type { Disk } from '../../../src/storage/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { batchOf, producerBatch } from './support/batches.ts';
import { FakeStore } from './support/fake-store.ts';
import { copyDisk, FaultyDisk } from './support/faulty-disk.ts';

const code = (name: string) => expect.objectContaining({ code: name });

let clock: VirtualClock;
let disk: FaultyDisk;
let seed: number;
const opened: Engine[] = [];

beforeEach(() => {
  clock = new VirtualClock();
  disk = new FaultyDisk();
  seed = 1;
});

afterEach(async () => {
  for (const engine of opened.splice(0)) await engine.close().catch(() => {});
});

async function open(on: Disk = disk, rest: Partial<OpenEngineOptions> = {}): Promise<Engine> {
  const engine = await openEngine({
    disk: on,
    root: 'data',
    clock,
    random: new SeededRandom(seed++),
    logger: silentLogger,
    ...rest,
  });
  opened.push(engine);
  return engine;
}

function config(values: Record<string, string>): Partial<OpenEngineOptions> {
  return { config: new Map(Object.entries(values)) };
}

async function append(engine: Engine, topic: string, ...values: string[]): Promise<number> {
  const request = { records: batchOf(values), acks: -1, origin: 'client' } as const;
  const { baseOffset } = await engine.partition(topic, 0)!.append(request);
  return baseOffset;
}

/** Values of all records that a consumer sees. */
async function values(engine: Engine, topic: string, index = 0): Promise<string[]> {
  const partition = engine.partition(topic, index)!;
  const found: string[] = [];
  let offset = partition.startOffset;
  while (offset < partition.highWatermark) {
    const { records } = await partition.read({
      offset,
      maxBytes: 1 << 20,
      minOneBatch: true,
      isolation: 'read_uncommitted',
      currentLeaderEpoch: -1,
    });
    const bytes = Buffer.isBuffer(records)
      ? records
      : 'load' in records
        ? await records.load()
        : Buffer.concat(records);
    for (const header of iterateBatches(bytes)) {
      for (const record of readRecords(batchBytes(header))) found.push(record.value!.toString());
      offset = header.nextOffset;
    }
  }
  return found;
}

describe('topics', () => {
  test('a new one takes records and gives them back', async () => {
    const engine = await open();
    const topic = await engine.createTopic({ name: 't', partitions: 3 });
    expect(topic).toMatchObject({ name: 't', partitionCount: 3, internal: false });
    expect(topic.id).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(engine.topicById(topic.id)).toBe(topic);
    expect(engine.partition('t', 2)).toBeDefined();
    expect(engine.partition('t', 3)).toBeUndefined();
    expect(await append(engine, 't', 'a', 'b')).toBe(0);
    expect(await append(engine, 't', 'c')).toBe(2);
    expect(await values(engine, 't')).toEqual(['a', 'b', 'c']);
  });

  test('what cannot be made is refused with the code of Kafka, and leaves nothing', async () => {
    const engine = await open();
    await engine.createTopic({ name: 'a.b', partitions: 1 });
    const refused: [string, number, Record<string, string>, string][] = [
      ['a.b', 1, {}, 'TOPIC_ALREADY_EXISTS'],
      ['a_b', 1, {}, 'INVALID_TOPIC_EXCEPTION'],
      ['..', 1, {}, 'INVALID_TOPIC_EXCEPTION'],
      ['x/y', 1, {}, 'INVALID_TOPIC_EXCEPTION'],
      ['t', 0, {}, 'INVALID_PARTITIONS'],
      ['t', -2, {}, 'INVALID_PARTITIONS'],
      ['t', 2 ** 31 - 1, {}, 'POLICY_VIOLATION'],
      ['t', 1, { 'no.such': '1' }, 'INVALID_CONFIG'],
      ['t', 1, { 'retention.ms': 'x' }, 'INVALID_CONFIG'],
      ['t', 1, { 'min.compaction.lag.ms': '9', 'max.compaction.lag.ms': '8' }, 'INVALID_CONFIG'],
    ];
    for (const [name, partitions, configs, error] of refused) {
      const spec = { name, partitions, configs: new Map(Object.entries(configs)) };
      await expect(engine.createTopic(spec), `${name} ${partitions}`).rejects.toThrow(code(error));
    }
    expect(engine.topics().map((topic) => topic.name)).toEqual(['a.b']);
  });

  test('one whose deletion was refused is there for nobody who asks until it cannot come true', async () => {
    const engine = await open();
    await engine.createTopic({ name: 't', partitions: 1 });
    await engine.autoCreateTopic('__consumer_offsets');
    disk.refuse = (what, path) =>
      path.startsWith('catalogue/') && (what === 'datasync' || what === 'truncate');
    const failure = code('KAFKA_STORAGE_ERROR');
    await expect(engine.deleteTopic('t')).rejects.toThrow(failure);
    await expect(engine.autoCreateTopic('t')).rejects.toThrow(failure);
    // Nobody deletes these.
    await expect(engine.autoCreateTopic('__consumer_offsets')).resolves.toBeDefined();
    disk.refuse = () => false;
    await engine.autoCreateTopic('t');
    await append(engine, 't', 'a');
    const after = await open(await copyDisk(disk));
    expect(await values(after, 't')).toEqual(['a']);
  });

  test('validateOnly answers as if, and makes nothing', async () => {
    const engine = await open();
    const topic = await engine.createTopic({ name: 't', partitions: -1, validateOnly: true });
    expect(topic.partitionCount).toBe(1);
    expect(engine.topics()).toEqual([]);
  });

  test('-1 partitions: num.partitions', async () => {
    const engine = await open(disk, config({ 'num.partitions': '4' }));
    expect((await engine.createTopic({ name: 't', partitions: -1 })).partitionCount).toBe(4);
  });

  test('everybody who asks for a missing topic at once gets the same one', async () => {
    const engine = await open();
    const told: (readonly string[])[] = [];
    engine.onTopicsChanged((names) => told.push(names));
    const asked = await Promise.all(
      Array.from({ length: 50 }, () => engine.autoCreateTopic('fresh')),
    );
    expect(new Set(asked.map((topic) => topic.id)).size).toBe(1);
    expect(told).toEqual([['fresh']]);
    expect((await engine.autoCreateTopic('fresh')).id).toBe(asked[0]!.id);
    await expect(engine.autoCreateTopic('..')).rejects.toThrow(code('INVALID_TOPIC_EXCEPTION'));
  });

  test("the broker's own topics get its settings, once", async () => {
    const engine = await open(disk, config({ 'offsets.topic.num.partitions': '3' }));
    const made = await engine.autoCreateTopic('__consumer_offsets');
    expect(made).toMatchObject({ internal: true, partitionCount: 3 });
    expect(Object.fromEntries(made.configs)).toEqual({
      'cleanup.policy': 'compact',
      'compression.type': 'producer',
      'segment.bytes': '104857600',
    });
    expect(await engine.autoCreateTopic('__consumer_offsets')).toBe(made);
    await expect(append(engine, '__consumer_offsets', 'x')).rejects.toThrow(
      code('INVALID_TOPIC_EXCEPTION'),
    );
    await expect(engine.deleteTopic('__consumer_offsets')).rejects.toThrow(
      code('POLICY_VIOLATION'),
    );
  });

  test('partitions are added, never taken away', async () => {
    const engine = await open();
    await engine.createTopic({ name: 't', partitions: 2 });
    await append(engine, 't', 'a');
    const told: (readonly string[])[] = [];
    engine.onTopicsChanged((names) => told.push(names));
    await engine.createPartitions('t', 4, true);
    expect(engine.topic('t')!.partitionCount).toBe(2);
    await engine.createPartitions('t', 4, false);
    expect(engine.topic('t')!.partitionCount).toBe(4);
    expect(engine.partition('t', 0)!.topic.partitionCount).toBe(4);
    expect(engine.partition('t', 3)!.online).toBe(true);
    expect(told).toEqual([['t']]);
    for (const count of [4, 3, 0]) {
      await expect(engine.createPartitions('t', count, false)).rejects.toThrow(
        code('INVALID_PARTITIONS'),
      );
    }
    await expect(engine.createPartitions('no', 4, false)).rejects.toThrow(
      code('UNKNOWN_TOPIC_OR_PARTITION'),
    );
  });

  test('a deleted topic is gone; one of the same name is another', async () => {
    const engine = await open();
    const first = await engine.createTopic({ name: 't', partitions: 1 });
    await append(engine, 't', 'old');
    const old = engine.partition('t', 0)!;
    await engine.deleteTopic('t');
    expect(engine.topic('t')).toBeUndefined();
    expect(engine.topicById(first.id)).toBeUndefined();
    await expect(old.listOffset(-1, 'read_uncommitted', -1)).rejects.toThrow(
      code('UNKNOWN_TOPIC_OR_PARTITION'),
    );
    const second = await engine.createTopic({ name: 't', partitions: 1 });
    expect(second.id).not.toBe(first.id);
    expect(await append(engine, 't', 'new')).toBe(0);
    await engine.close();
    const after = await open();
    expect(after.topic('t')!.id).toBe(second.id);
    expect(await values(after, 't')).toEqual(['new']);
    await expect(after.deleteTopic('no')).rejects.toThrow(code('UNKNOWN_TOPIC_OR_PARTITION'));
  });

  test('delete.topic.enable=false keeps them', async () => {
    const engine = await open(disk, config({ 'delete.topic.enable': 'false' }));
    await engine.createTopic({ name: 't', partitions: 1 });
    await expect(engine.deleteTopic('t')).rejects.toThrow(code('TOPIC_DELETION_DISABLED'));
  });
});

describe('configs', () => {
  test("a topic's changes act at once and are shown as written", async () => {
    const engine = await open();
    await engine.createTopic({ name: 't', partitions: 1 });
    const set = (name: string, value: string) =>
      engine.alterTopicConfigs('t', [{ name, operation: 'set', value }], false);
    await set('max.message.bytes', '100');
    await expect(append(engine, 't', 'x'.repeat(200))).rejects.toThrow(code('MESSAGE_TOO_LARGE'));
    await set('max.message.bytes', '1000');
    await expect(append(engine, 't', 'x'.repeat(200))).resolves.toBe(0);
    await set('retention.ms', '9223372036854775807');
    const shown = engine.topicConfigs('t').find((value) => value.name === 'retention.ms');
    expect(shown).toMatchObject({ value: '9223372036854775807', source: 'topic' });
    await expect(set('retention.ms', '-5')).rejects.toThrow(code('INVALID_CONFIG'));
    await expect(set('no.such', '1')).rejects.toThrow(code('INVALID_CONFIG'));
    await engine.close();
    const after = await open();
    expect(after.topic('t')!.configs.get('retention.ms')).toBe('9223372036854775807');
    expect(() => after.topicConfigs('no')).toThrow(code('UNKNOWN_TOPIC_OR_PARTITION'));
  });

  test('a broker config changed at run time acts on topics and outlives the process', async () => {
    const engine = await open();
    await engine.createTopic({ name: 't', partitions: 1 });
    const set = (name: string, value: string, validateOnly = false) =>
      engine.alterBrokerConfigs([{ name, operation: 'set', value }], validateOnly);
    await set('message.max.bytes', '100', true);
    await append(engine, 't', 'x'.repeat(200));
    await set('message.max.bytes', '100');
    await expect(append(engine, 't', 'x'.repeat(200))).rejects.toThrow(code('MESSAGE_TOO_LARGE'));
    expect(engine.brokerConfig('message.max.bytes')).toBe(100);
    await expect(set('num.partitions', '3')).rejects.toThrow(code('INVALID_REQUEST'));
    await expect(set('message.max.bytes', '-1')).rejects.toThrow(code('INVALID_REQUEST'));
    await engine.close();
    const after = await open();
    expect(after.brokerConfig('message.max.bytes')).toBe(100);
    await expect(append(after, 't', 'x'.repeat(200))).rejects.toThrow(code('MESSAGE_TOO_LARGE'));
    const shown = after.brokerConfigs().find((value) => value.name === 'message.max.bytes');
    expect(shown).toMatchObject({ value: '100', source: 'dynamic-broker' });
  });

  test('a group has configs of its own, within the bounds of the broker, and they outlive the process', async () => {
    const engine = await open();
    const session = 'consumer.session.timeout.ms';
    const heartbeat = 'consumer.heartbeat.interval.ms';
    const set = (group: string, name: string, value: string | null, validateOnly = false) =>
      engine.alterGroupConfigs(
        group,
        [{ name, operation: value === null ? 'delete' : 'set', value }],
        validateOnly,
      );
    expect(engine.groupConfig('g', session)).toBe(null);
    await set('g', session, '50000', true);
    expect(engine.groupsWithConfigs()).toEqual([]);
    await set('g', session, '50000');
    await set('other', heartbeat, '6000');
    await set('other', heartbeat, null);
    await set('other', heartbeat, null);
    for (const [name, value] of [
      [session, '1000'],
      [session, '60001'],
      [session, 'soon'],
      [heartbeat, '4999'],
      [heartbeat, '0'],
      ['consumer.assignment.interval.ms', '15001'],
      ['share.session.timeout.ms', '45000'],
    ] as const) {
      await expect(set('g', name, value), `${name}=${value}`).rejects.toThrow(
        code('INVALID_CONFIG'),
      );
    }
    // The second, read from bytes that are no text, is longer than what could be told of it.
    for (const name of ['', '\ufffd'.repeat(20_000)]) {
      await expect(set(name, session, '50000')).rejects.toThrow(code('INVALID_REQUEST'));
    }
    expect(() => engine.groupConfigs('')).toThrow(code('INVALID_REQUEST'));
    const check = (now: Engine): void => {
      expect(now.groupsWithConfigs()).toEqual(['g']);
      expect(now.groupConfig('g', session)).toBe(50_000);
      expect(now.groupConfigs('g').find(({ name }) => name === session)).toMatchObject({
        value: '50000',
        source: 'group',
        readOnly: false,
        synonyms: [
          { name: session, value: '50000', source: 'group' },
          { name: `group.${session}`, value: '45000', source: 'default' },
        ],
      });
      expect(now.groupConfigs('nobody').find(({ name }) => name === session)).toMatchObject({
        value: '45000',
        source: 'default',
      });
    };
    check(engine);
    await engine.close();
    // The second start reads the snapshot that the first one made.
    for (let start = 0; start < 2; start++) {
      const after = await open();
      check(after);
      await after.close();
    }
  });

  test('a group has no longer a session than the broker allows now', async () => {
    const engine = await open();
    const name = 'consumer.session.timeout.ms';
    const long = { name, operation: 'set', value: '60000' } as const;
    await engine.alterGroupConfigs('g', [long], false);
    await engine.close();
    const after = await open(disk, config({ [`group.consumer.max.session.timeout.ms`]: '46000' }));
    expect(after.groupConfig('g', name)).toBe(46_000);
  });

  test.each([
    [
      'session.timeout.ms',
      '44999',
      'greater than or equal to group.consumer.min.session.timeout.ms',
    ],
    [
      'heartbeat.interval.ms',
      '15001',
      'less than or equal to group.consumer.max.heartbeat.interval.ms',
    ],
    [
      'assignment.interval.ms',
      '15001',
      'less than or equal to group.consumer.max.assignment.interval.ms',
    ],
    [
      'max.heartbeat.interval.ms',
      '4999',
      'less than or equal to group.consumer.max.heartbeat.interval.ms',
    ],
  ])('%s=%s for all groups is refused by the start', async (name, value, words) => {
    const refused = open(disk, config({ [`group.consumer.${name}`]: value }));
    await expect(refused).rejects.toThrow(code('INVALID_CONFIG'));
    await expect(refused).rejects.toThrow(words);
  });

  test('heartbeats of all groups further apart than their sessions are refused by the start', async () => {
    const refused = open(
      disk,
      config({
        'group.consumer.max.heartbeat.interval.ms': '45000',
        'group.consumer.heartbeat.interval.ms': '45000',
      }),
    );
    await expect(refused).rejects.toThrow('group.consumer.session.timeout.ms must be greater than');
  });

  test('a session is longer than the interval between heartbeats', async () => {
    const bounds = {
      'group.consumer.min.session.timeout.ms': '1',
      'group.consumer.min.heartbeat.interval.ms': '1',
    };
    const engine = await open(disk, config(bounds));
    const change = (name: string, value: string) => ({ name, operation: 'set', value }) as const;
    const session = change('consumer.session.timeout.ms', '900');
    await expect(engine.alterGroupConfigs('g', [session], false)).rejects.toThrow(
      code('INVALID_CONFIG'),
    );
    const heartbeat = change('consumer.heartbeat.interval.ms', '300');
    await engine.alterGroupConfigs('g', [session, heartbeat], false);
    expect(engine.groupConfig('g', session.name)).toBe(900);
  });

  test('an unknown config given at the start is told of and ignored; a wrong one ends the start', async () => {
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (_fields, message) => warnings.push(message) };
    await open(disk, { ...config({ 'no.such.config': '1' }), logger });
    expect(warnings.join()).toContain('no.such.config');
    await expect(open(new FaultyDisk(), config({ 'num.partitions': 'x' }))).rejects.toThrow(
      code('INVALID_CONFIG'),
    );
  });
});

describe('restarts', () => {
  test('the cluster and node id stay, node.id wins when it is given', async () => {
    const first = await open();
    const { clusterId } = first;
    expect(clusterId).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(first.nodeId).toBe(1);
    await first.close();
    const second = await open(disk, config({ 'node.id': '7' }));
    expect(second).toMatchObject({ clusterId, nodeId: 7 });
    await second.close();
    expect(await open()).toMatchObject({ clusterId, nodeId: 7 });
  });

  test.each(['closed', 'gone without a word'])(
    'when the process before was %s, topics, records and producers are there',
    async (how) => {
      const engine = await open();
      await engine.createTopic({ name: 'a', partitions: 2 });
      await engine.createTopic({ name: 'b', partitions: 1 });
      const sent: string[] = [];
      for (let batch = 0; batch < 20; batch += 1) {
        const request = {
          records: producerBatch(9, batch, [`v${batch}`]),
          acks: -1,
          origin: 'client',
        } as const;
        await engine.partition('a', 0)!.append(request);
        sent.push(`v${batch}`);
      }
      if (how === 'closed') await engine.close();
      const after = await open(await copyDisk(disk));
      expect(
        after
          .topics()
          .map((topic) => topic.name)
          .sort(),
      ).toEqual(['a', 'b']);
      expect(await values(after, 'a')).toEqual(sent);
      const retry = (sequence: number) =>
        after.partition('a', 0)!.append({
          records: producerBatch(9, sequence, [`v${sequence}`]),
          acks: -1,
          origin: 'client',
        });
      // All five batches that are remembered.
      for (let sequence = 15; sequence < 20; sequence += 1) {
        expect(await retry(sequence)).toMatchObject({ baseOffset: sequence });
      }
      await expect(retry(14)).rejects.toThrow(code('OUT_OF_ORDER_SEQUENCE_NUMBER'));
      expect(await retry(20)).toMatchObject({ baseOffset: 20 });
      expect(await values(after, 'a')).toHaveLength(21);
    },
  );

  test('producer state is found again over rolled segments', async () => {
    const engine = await open();
    const configs = new Map([['internal.segment.bytes', '300']]);
    await engine.createTopic({ name: 't', partitions: 1, configs });
    const send = (on: Engine, producerId: number, sequence: number) =>
      on.partition('t', 0)!.append({
        records: producerBatch(producerId, sequence, ['x'.repeat(50)]),
        acks: -1,
        origin: 'client',
      });
    await send(engine, 1, 0);
    for (let sequence = 0; sequence < 30; sequence += 1) await send(engine, 2, sequence);
    const after = await open(await copyDisk(disk));
    expect(await send(after, 1, 0)).toMatchObject({ baseOffset: 0 });
    expect(await send(after, 2, 29)).toMatchObject({ baseOffset: 30 });
    await expect(send(after, 2, 5)).rejects.toThrow(code('OUT_OF_ORDER_SEQUENCE_NUMBER'));
  });

  test('one partition that cannot be opened does not stop the others', async () => {
    const store = new FakeStore();
    const engine = await open(disk, { openStore: async () => store });
    await engine.createTopic({ name: 'good', partitions: 1 });
    await engine.createTopic({ name: 'bad', partitions: 2 });
    await engine.close();
    store.broken.add('bad-1');
    const after = await open(disk, { openStore: async () => store });
    expect(after.partition('good', 0)!.online).toBe(true);
    expect(after.partition('bad', 0)!.online).toBe(true);
    expect(after.partition('bad', 1)!.online).toBe(false);
    expect(await append(after, 'good', 'a')).toBe(0);
    await after.deleteTopic('bad');
    expect(after.topic('bad')).toBeUndefined();
  });

  test('a lost catalogue: every topic comes back under its id and keeps its records', async () => {
    const engine = await open();
    const topic = await engine.createTopic({ name: 't', partitions: 2 });
    await append(engine, 't', 'a', 'b');
    const before = await engine.nextProducerId();
    await engine.close();
    await disk.removeDirectory('catalogue');
    const after = await open();
    expect(after.topic('t')).toMatchObject({ id: topic.id, partitionCount: 2 });
    expect(after.topic('t')!.configs.get('retention.ms')).toBe('-1');
    expect(await values(after, 't')).toEqual(['a', 'b']);
    expect(await after.nextProducerId()).toBeGreaterThan(before + 1_000_000);
  });

  test('a crash in the middle of deleting a topic is finished at the next start', async () => {
    const engine = await open();
    await engine.createTopic({ name: 't', partitions: 3 });
    await engine.createTopic({ name: 'kept', partitions: 1 });
    await append(engine, 't', 'a');
    // The catalogue has it, the directories are still there.
    disk.refuse = (operation, path) =>
      (operation === 'rename' || operation === 'remove') && path.startsWith('t-');
    await engine.deleteTopic('t');
    expect((await disk.list('.')).filter((name) => name.startsWith('t-'))).toHaveLength(3);
    const crashed = await copyDisk(disk);
    const after = await open(crashed);
    expect(after.topics().map((topic) => topic.name)).toEqual(['kept']);
    expect((await crashed.list('.')).filter((name) => name.startsWith('t-'))).toEqual([]);
    await after.createTopic({ name: 't', partitions: 1 });
    expect(await values(after, 't')).toEqual([]);
  });

  test('a deleted topic that its successor found on disk goes at the next start', async () => {
    const engine = await open();
    await engine.createTopic({ name: 't', partitions: 1 });
    await append(engine, 't', 'old');
    disk.refuse = (operation, path) =>
      (operation === 'rename' || operation === 'remove') && path.startsWith('t-');
    await engine.deleteTopic('t');
    disk.refuse = () => false;
    await engine.createTopic({ name: 't', partitions: 1 });
    await append(engine, 't', 'new');
    const strays = async (): Promise<string[]> =>
      (await disk.list('.')).filter((name) => name.endsWith('-stray'));
    expect(await strays()).toHaveLength(1);
    await engine.close();
    const after = await open();
    expect(await strays()).toEqual([]);
    expect(await values(after, 't')).toEqual(['new']);
  });

  test('a deleted topic goes at the next start, too, where a directory is that nobody can account for', async () => {
    const engine = await open();
    await engine.createTopic({ name: 't', partitions: 1 });
    disk.refuse = (operation, path) =>
      (operation === 'rename' || operation === 'remove') && path.startsWith('t-');
    await engine.deleteTopic('t');
    const crashed = await copyDisk(disk);
    await crashed.makeDirectory('stray-0');
    await (await open(crashed)).close();
    expect(await crashed.stat('t-0')).toBeUndefined();
    expect(await crashed.stat('stray-0')).toBeDefined();
  });

  test('a directory that nobody can account for is left alone', async () => {
    const engine = await open();
    await engine.close();
    await disk.makeDirectory('stray-0');
    const after = await open();
    expect(after.topics()).toEqual([]);
    expect(await disk.stat('stray-0')).toBeDefined();
  });

  test('in memory, no producer id of an earlier process is given again', async () => {
    const first = await open(new FaultyDisk(), { memory: true });
    const ids = [await first.nextProducerId(), await first.nextProducerId()];
    await clock.advance(5);
    const second = await open(new FaultyDisk(), { memory: true });
    const next = await second.nextProducerId();
    expect(next).toBeGreaterThan(Math.max(...ids));
    expect(Number.isSafeInteger(next + 1_000_000)).toBe(true);
  });
});

describe('housekeeping and closing', () => {
  test('retention runs by itself', async () => {
    const engine = await open();
    const configs = new Map([
      ['retention.ms', '1000'],
      ['segment.ms', '1000'],
    ]);
    await engine.createTopic({ name: 't', partitions: 1, configs });
    await append(engine, 't', 'old');
    await clock.advance(29_999);
    expect(engine.partition('t', 0)!.startOffset).toBe(0);
    await clock.advance(1);
    expect(engine.partition('t', 0)!.startOffset).toBe(1);
    await append(engine, 't', 'new');
    await clock.advance(299_999);
    expect(engine.partition('t', 0)!.startOffset).toBe(1);
    await clock.advance(1);
    expect(engine.partition('t', 0)!.startOffset).toBe(2);
  });

  test('the first look at retention waits for log.initial.task.delay.ms', async () => {
    const config = new Map([['log.initial.task.delay.ms', '7']]);
    const engine = await open(new FaultyDisk(), { config });
    await engine.createTopic({
      name: 't',
      partitions: 1,
      configs: new Map([['retention.ms', '1']]),
    });
    await append(engine, 't', 'old');
    await clock.advance(7);
    expect(engine.partition('t', 0)!.startOffset).toBe(1);
  });

  test('DeleteRecords does not bring retention forward', async () => {
    const engine = await open();
    const configs = new Map([['retention.ms', '1000']]);
    await engine.createTopic({ name: 't', partitions: 1, configs });
    await append(engine, 't', 'a', 'b', 'c');
    await clock.advance(10_000);
    expect(await engine.partition('t', 0)!.deleteRecords(1)).toBe(1);
    expect(engine.partition('t', 0)!.startOffset).toBe(1);
  });

  test('after close nothing is taken any more, and closing twice is harmless', async () => {
    const engine = await open();
    await engine.createTopic({ name: 't', partitions: 1 });
    const partition = engine.partition('t', 0)!;
    await Promise.all([engine.close(), engine.close()]);
    await expect(engine.createTopic({ name: 'u', partitions: 1 })).rejects.toThrow(
      code('BROKER_NOT_AVAILABLE'),
    );
    const request = { records: batchOf(['a']), acks: -1, origin: 'client' } as const;
    await expect(partition.append(request)).rejects.toThrow(code('NOT_LEADER_OR_FOLLOWER'));
    expect(clock.pending()).toBe(0);
  });

  test('a topic that is being made while the engine closes is there afterwards', async () => {
    const engine = await open();
    const making = engine.createTopic({ name: 't', partitions: 5 });
    await engine.close();
    await making;
    expect((await open()).topic('t')!.partitionCount).toBe(5);
  });
});

describe('on a real disk', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-engine-'));
  });
  afterEach(async () => {
    for (const engine of opened.splice(0)) await engine.close();
    await rm(directory, { recursive: true, force: true });
  });

  test('topics, records and configs outlive the process', async () => {
    const engine = await open(new NodeDisk(directory), { clock: nodeClock });
    await engine.createTopic({ name: 't', partitions: 2 });
    await append(engine, 't', 'a', 'b');
    await engine.close();
    const after = await open(new NodeDisk(directory), { clock: nodeClock });
    expect(await values(after, 't')).toEqual(['a', 'b']);
    expect(await append(after, 't', 'c')).toBe(2);
    expect(await after.freeBytes()).toBeGreaterThan(0);
    await after.deleteTopic('t');
  });
});
