// A change of topics that the disk refused did not happen: what is answered afterwards holds for the next start, too.

import { expect, test } from 'vitest';
import { errorName } from '../../../src/base/kafka-errors.ts';
import { silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { assembleBroker } from '../../../src/compose/index.ts';
import { CreateTopics, DeleteTopics, ZERO_UUID } from '../../../src/protocol/index.ts';
import type { Disk } from '../../../src/storage/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { copyDisk, FaultyDisk } from '../engine/support/faulty-disk.ts';

async function start(disk: Disk) {
  const ports = {
    disk,
    root: 'data',
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    logger: silentLogger,
  };
  const assembled = await assembleBroker(ports, {
    config: new Map(),
    memory: false,
    acceptReplicationFactor: false,
  });
  const transport = assembled.broker.transport();
  return {
    topics: () => assembled.engine.topics().map(({ name }) => name),
    async create(name: string): Promise<string> {
      const plan = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
      const topics = [{ name, ...plan }];
      const answer = await transport.send(CreateTopics, { topics, timeoutMs: 1000 });
      return errorName(answer.topics[0]?.errorCode ?? 0);
    },
    async delete(name: string): Promise<string> {
      const answer = await transport.send(DeleteTopics, {
        topics: [{ name, topicId: ZERO_UUID }],
        timeoutMs: 1000,
      });
      return errorName(answer.responses[0]?.errorCode ?? 0);
    },
    async close(): Promise<void> {
      await transport.close();
      await assembled.close(0);
    },
  };
}

async function topicsAfterKill(disk: Disk): Promise<readonly string[]> {
  const next = await start(await copyDisk(disk));
  const topics = next.topics();
  await next.close();
  return topics;
}

const noSyncs = (what: string, path: string) => what === 'datasync' && path.includes('catalogue');

test('a topic that could not be made is not said to be unknown while a start might make it', async () => {
  const disk = new FaultyDisk();
  const broker = await start(disk);
  disk.refuse = noSyncs;
  expect(await broker.create('t')).toBe('KAFKA_STORAGE_ERROR');
  expect(await broker.delete('t')).toBe('KAFKA_STORAGE_ERROR');
  disk.refuse = () => false;
  expect(await broker.delete('t')).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  expect(await topicsAfterKill(disk)).not.toContain('t');
  await broker.close();
});

test('one that could not be deleted is not said to be there while a start might delete it', async () => {
  const disk = new FaultyDisk();
  const broker = await start(disk);
  expect(await broker.create('t')).toBe('NONE');
  disk.refuse = noSyncs;
  expect(await broker.delete('t')).toBe('KAFKA_STORAGE_ERROR');
  expect(await broker.create('t')).toBe('KAFKA_STORAGE_ERROR');
  disk.refuse = () => false;
  expect(await broker.create('t')).toBe('TOPIC_ALREADY_EXISTS');
  expect(await topicsAfterKill(disk)).toContain('t');
  await broker.close();
});
