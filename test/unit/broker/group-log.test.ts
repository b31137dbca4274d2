import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { GROUP_METADATA_TOPIC, groupCommandLog } from '../../../src/broker/command-log.ts';
import { encodeRecord, type LogEntry } from '../../../src/coordinator/index.ts';
import { openEngine } from '../../../src/engine/index.ts';
import { buildBatch } from '../../../src/record/index.ts';
import { type Disk, MemoryDisk, writeTopicId } from '../../../src/storage/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { transactionState } from '../engine/support/transaction-state.ts';
import { writeFile } from '../inspect/directory.ts';

test('the topic of the groups is made as the broker configs say, whoever asks for it first', async () => {
  const config = new Map([
    ['offsets.topic.num.partitions', '3'],
    ['offsets.topic.segment.bytes', '2000000'],
  ]);
  const ports = { clock: new VirtualClock(), random: new SeededRandom(1), logger: silentLogger };
  const made = await Promise.all(
    ['by a group', 'by a request for it'].map(async (by) => {
      const engine = await openEngine({ ...ports, disk: new MemoryDisk(), root: 'data', config });
      if (by === 'by a group') expect(await groupCommandLog(engine).create()).toBe(3);
      else await engine.autoCreateTopic(GROUP_METADATA_TOPIC);
      const topic = engine.topic(GROUP_METADATA_TOPIC);
      await engine.close();
      return topic;
    }),
  );
  for (const topic of made) {
    expect(topic).toMatchObject({ partitionCount: 3, internal: true });
    expect(topic?.configs.get('segment.bytes')).toBe('2000000');
    expect(topic?.configs.get('cleanup.policy')).toBe('compact');
  }
});

const DIRECTORY = `${GROUP_METADATA_TOPIC}-0`;

/** Kafka's log of the groups, with an offset each that two producers have committed in a transaction without an end. */
async function kafkas(): Promise<Disk> {
  const disk = new MemoryDisk();
  await disk.makeDirectory(DIRECTORY);
  await writeTopicId(disk, DIRECTORY, 'G'.repeat(21).concat('A'));
  const batches = [9, 10].map((producerId, baseOffset) => {
    const value = {
      ...{ offset: producerId, leaderEpoch: -1, metadata: '', commitTimestamp: 0 },
      ...{ expireTimestamp: -1, topicId: 'A'.repeat(22) },
    };
    const at = { group: `by ${producerId}`, topic: 'orders', partition: 0 };
    const { key, value: bytes } = encodeRecord({ kind: 'offset', ...at, value }, 1);
    // Kafka's coordinator counts no batches of its own.
    const producer = { producerId, producerEpoch: 0, baseSequence: -1 };
    const place = { baseOffset, partitionLeaderEpoch: 0 };
    const how = { ...place, producer, transactional: true };
    return buildBatch([{ timestamp: 1, key, value: bytes }], how);
  });
  await writeFile(disk, `${DIRECTORY}/${'0'.repeat(20)}.log`, Buffer.concat(batches));
  return disk;
}

test('offsets of a transaction that Kafka had decided to commit count, those of others do not', async () => {
  const disk = await kafkas();
  const partitions = { [GROUP_METADATA_TOPIC]: [0] };
  const one = { id: 'a', producerId: 9, partitions } as const;
  const two = { id: 'b', producerId: 10, partitions } as const;
  await transactionState(disk, [
    { ...one, state: 'PrepareCommit' },
    { ...two, state: 'PrepareAbort' },
  ]);
  const ports = { clock: new VirtualClock(), random: new SeededRandom(1), logger: silentLogger };
  for (const start of ['first', 'second']) {
    const engine = await openEngine({ ...ports, disk, root: 'data', adopt: true });
    const ends: LogEntry[] = [];
    for await (const entry of groupCommandLog(engine).read(0)) {
      if (entry.kind === 'marker') ends.push(entry);
    }
    const transaction = { producerId: 9, producerEpoch: 0 };
    expect({ start, ends }).toEqual({
      start,
      ends: [{ kind: 'marker', transaction, outcome: 'commit' }],
    });
    await engine.close();
  }
});
