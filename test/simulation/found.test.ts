// Bugs that the simulation found, each as the smallest history that shows it.

import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/base/ports.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { groupCommandLog } from '../../src/broker/command-log.ts';
import { type AppendRequest, type Engine, openEngine } from '../../src/engine/index.ts';
import { buildBatch } from '../../src/record/index.ts';
import { type Disk, DiskError, openLogStore, type PartitionLog } from '../../src/storage/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../support/simulated-disk.ts';
import { FaultyDisk, readAll, writeAll } from '../unit/engine/support/faulty-disk.ts';
import { readBaseOffsets, testBatch, testConfig } from '../unit/storage/support.ts';

function openOn(disk: Disk): Promise<Engine> {
  const clock = new VirtualClock();
  const random = new SeededRandom(1);
  return openEngine({ disk, root: 'test', clock, random, logger: silentLogger });
}

function refused(path: string): DiskError {
  return new DiskError('io_error', path, `${path}: refused by the test`);
}

/** One batch of small records. */
function appendOf(count: number): AppendRequest {
  const records = Array.from({ length: count }, (_, index) => ({
    timestamp: 1,
    key: null,
    value: Buffer.from(`value ${index}`),
  }));
  return { records: buildBatch(records), acks: -1, origin: 'client' };
}

const names = (engine: Engine): string[] => engine.topics().map(({ name }) => name);

describe('deleting a topic', () => {
  test('whose directory cannot be renamed nor read does not bring it back', async () => {
    const disk = new FaultyDisk();
    const before = await openOn(disk);
    await before.createTopic({ name: 'passing', partitions: 1 });
    disk.refuse = (operation, path) =>
      path.startsWith('passing-0') && (operation === 'rename' || operation === 'open');
    await before.deleteTopic('passing');
    disk.refuse = () => false;
    await before.close();
    const after = await openOn(disk);
    expect(names(after)).toEqual([]);
    await after.close();
  });

  test('nor does it when its directory cannot be read at the next start', async () => {
    const disk = new FaultyDisk();
    const before = await openOn(disk);
    await before.createTopic({ name: 'passing', partitions: 1 });
    const unreadable = (operation: string, path: string): boolean =>
      path.startsWith('passing-0') && (operation === 'rename' || operation === 'open');
    disk.refuse = unreadable;
    await before.deleteTopic('passing');
    await before.close();
    await (await openOn(disk)).close();
    disk.refuse = () => false;
    const after = await openOn(disk);
    expect(names(after)).toEqual([]);
    await after.close();
  });
});

describe('deleting a topic whose directory was renamed, but not durably', () => {
  test('does not bring it back after a power loss', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const disk = new SimulatedDisk({ seed });
      const before = await openOn(disk);
      await before.createTopic({ name: 'passing', partitions: 1 });
      let renamed = false;
      disk.hook = (operation, path) => {
        if (operation === 'rename' && path === 'passing-0') renamed = true;
        if (renamed && operation === 'syncdir') throw refused(path);
      };
      await before.deleteTopic('passing');
      const after = await openOn(disk.crash());
      expect(names(after), `seed ${seed}`).toEqual([]);
      await after.close();
    }
  });
});

describe('a catalogue that the disk will not read', () => {
  test('stops the start, since configs and groups would be lost with it', async () => {
    const disk = new FaultyDisk();
    const before = await openOn(disk);
    await before.createTopic({
      name: 'kept',
      partitions: 1,
      configs: new Map([['segment.ms', '777']]),
    });
    const { clusterId } = before;
    await before.close();
    disk.refuse = (operation, path) => operation === 'read' && path.startsWith('catalogue/');
    await expect(openOn(disk)).rejects.toMatchObject({ code: 'io_error' });
    disk.refuse = () => false;
    const after = await openOn(disk);
    expect(after.clusterId).toBe(clusterId);
    expect(after.topic('kept')?.configs.get('segment.ms')).toBe('777');
    await after.close();
  });
});

describe('a catalogue of which an old snapshot is left without its log', () => {
  test('is not taken for a whole one when the disk will not read the newer ones', async () => {
    const disk = new SimulatedDisk({ seed: 9 });
    const before = await openOn(disk);
    await before.createTopic({ name: 'kept', partitions: 1 });
    await before.close();
    await (await openOn(disk)).close();
    // The start that does without the first generation dies between its log and its snapshot.
    const old = 'catalogue/0000000001.snapshot';
    disk.hook = (operation, path) => {
      if (operation === 'remove' && path === old) throw refused(path);
    };
    await openOn(disk).then(
      (engine) => engine.close(),
      () => {},
    );
    const next = disk.kill();
    expect(next.paths()).toContain(old);
    expect(next.paths()).not.toContain('catalogue/0000000001.log');
    next.hook = (operation, path) => {
      if (operation === 'read' && path.endsWith('.snapshot') && path !== old) throw refused(path);
    };
    await expect(openOn(next)).rejects.toThrow('refused by the test');
    next.hook = () => {};
    const after = await openOn(next);
    expect(names(after)).toEqual(['kept']);
    await after.close();
  });
});

describe('marks that the disk will not read', () => {
  test('stop the start, since deleted records would come back without them', async () => {
    const disk = new SimulatedDisk({ seed: 1 });
    const random = new SeededRandom(2);
    const ports = { root: 'test', clock: new VirtualClock(), random, logger: silentLogger };
    const open = { name: 't-0', topicId: 'id', config: testConfig };
    const store = await openLogStore({ disk, ...ports });
    const log = await store.openLog(open);
    for (let index = 0; index < 5; index++) await log.append(testBatch(index)).committed;
    await log.deleteRecordsBefore(7);
    const next = disk.kill();
    next.hook = (operation, path) => {
      if (operation === 'read' && path === 'marks') throw refused(path);
    };
    await expect(openLogStore({ disk: next, ...ports })).rejects.toMatchObject({
      code: 'io_error',
    });
    next.hook = () => {};
    const again = await openLogStore({ disk: next, ...ports });
    expect((await again.openLog(open)).startOffset).toBe(7);
    await again.close();
  });
});

describe('deleting records', () => {
  test('again, after the disk refused it, is not answered before it is durable', async () => {
    const disk = new SimulatedDisk({ seed: 3 });
    const before = await openOn(disk);
    await before.createTopic({ name: 't', partitions: 1 });
    const partition = before.partition('t', 0)!;
    for (let index = 0; index < 4; index++) await partition.append(appendOf(1));
    disk.hook = (operation, path) => {
      if (operation === 'sync' && path.startsWith('marks')) throw refused(path);
    };
    const stored = expect.objectContaining({ code: 'KAFKA_STORAGE_ERROR' });
    await expect(partition.deleteRecords(3)).rejects.toEqual(stored);
    await expect(partition.deleteRecords(3)).rejects.toEqual(stored);
    disk.hook = () => {};
    expect(await partition.deleteRecords(3)).toBe(3);
    const after = await openOn(disk.crash());
    expect(after.partition('t', 0)?.startOffset).toBe(3);
    await after.close();
  });
});

describe('a change of the catalogue that failed', () => {
  test('does not count when the snapshot made after it is damaged', async () => {
    const disk = new SimulatedDisk({ seed: 6 });
    const before = await openOn(disk);
    await before.createTopic({ name: 'kept', partitions: 1 });
    disk.hook = (operation, path) => {
      if (operation === 'sync' && path.startsWith('catalogue')) throw refused(path);
    };
    const stored = { code: 'KAFKA_STORAGE_ERROR' };
    await expect(before.deleteTopic('kept')).rejects.toMatchObject(stored);
    await expect(before.createTopic({ name: 'other', partitions: 1 })).rejects.toMatchObject(
      stored,
    );
    disk.hook = () => {};
    const { id } = await before.createTopic({ name: 'other', partitions: 1 });
    await before.close();
    const next = disk.kill();
    const snapshots = next.paths().filter((path) => path.endsWith('.snapshot'));
    const newest = snapshots.filter((path) => path.startsWith('catalogue/')).at(-1)!;
    next.flipBit(newest, next.bytesOf(newest) - 2);
    const after = await openOn(next);
    expect(names(after).sort()).toEqual(['kept', 'other']);
    expect(after.topic('other')?.id).toBe(id);
    await after.close();
  });
});

describe('a catalogue with damage in its log', () => {
  test('keeps what is good of it when the next start dies half-way', async () => {
    const disk = new FaultyDisk();
    const before = await openOn(disk);
    const configs = new Map([['segment.ms', '777']]);
    await before.createTopic({ name: 'kept', partitions: 1, configs });
    await before.createTopic({ name: 'more', partitions: 1 });
    await before.createTopic({ name: 'last', partitions: 1 });
    await before.close();
    const path = 'catalogue/0000000001.log';
    const bytes = await readAll(disk, path);
    bytes[bytes.length - 60]! ^= 1;
    await writeAll(disk, path, Buffer.concat([bytes, Buffer.alloc(100)]));
    // The first start finds the damage and can write nothing.
    disk.refuse = (operation, at) => operation === 'write' && at.startsWith('catalogue/');
    await (await openOn(disk)).close();
    disk.refuse = () => false;
    const after = await openOn(disk);
    expect(after.topic('kept')?.configs.get('segment.ms')).toBe('777');
    await after.close();
  });
});

describe('a log whose recovery the disk refuses', () => {
  /** Twenty records, seen and known, and a start on a disk that takes no more writes. */
  async function refusedRecovery(): Promise<Engine> {
    const disk = new SimulatedDisk({ seed: 4 });
    const before = await openOn(disk);
    await before.createTopic({ name: 't', partitions: 1 });
    const partition = before.partition('t', 0)!;
    for (let index = 0; index < 5; index++) await partition.append(appendOf(4));
    expect(partition.highWatermark).toBe(20);
    const next = disk.kill();
    next.hook = (operation, path) => {
      if (operation === 'write' && path.endsWith('.rewrite')) throw refused(path);
    };
    return openOn(next);
  }

  test('sends no reader back whose place it does not reach', async () => {
    const engine = await refusedRecovery();
    const partition = engine.partition('t', 0)!;
    expect(partition.online).toBe(false);
    const spec = { maxBytes: 1000, minOneBatch: true, currentLeaderEpoch: -1 } as const;
    const read = partition.read({ ...spec, offset: 20, isolation: 'read_uncommitted' });
    await expect(read).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
    // Readers that ask where their epoch ended are not told that it was here.
    const ask = () => partition.endOffsetForEpoch(partition.leaderEpoch, -1);
    expect(ask).toThrow(expect.objectContaining({ code: 'KAFKA_STORAGE_ERROR' }));
    await engine.close();
  });
});

describe('groups on a log that takes no writes', () => {
  test('are not loaded from it: it may not hold all, or more than counts', async () => {
    const disk = new SimulatedDisk({ seed: 5 });
    const engine = await openOn(disk);
    const log = groupCommandLog(engine);
    await log.create();
    const record = { key: Buffer.from('k'), value: Buffer.from('v'), timestampMs: 1 };
    await log.append(0, [record]);
    disk.hook = (operation, path) => {
      if (operation === 'sync' && path.endsWith('.log')) throw refused(path);
    };
    await expect(log.append(0, [record])).rejects.toThrow();
    const load = async (): Promise<number> => {
      let count = 0;
      for await (const entry of log.read(0)) if (entry.kind === 'record') count += 1;
      return count;
    };
    await expect(load()).rejects.toMatchObject({ code: 'COORDINATOR_NOT_AVAILABLE' });
    disk.hook = () => {};
    await engine.partition('__consumer_offsets', 0)?.reopen();
    expect(await load()).toBe(2);
    await engine.close();
  });
});

describe('a log whose start is above its late mark', () => {
  test('keeps its start when the recovery is refused and done later', async () => {
    const disk = new SimulatedDisk({ seed: 8 });
    const before = await openOn(disk);
    await before.createTopic({ name: 't', partitions: 1 });
    const partition = before.partition('t', 0)!;
    for (let index = 0; index < 5; index++) await partition.append(appendOf(4));
    await partition.deleteRecords(10);
    const next = disk.kill();
    next.hook = (operation, path) => {
      if (operation === 'write' && path.endsWith('.rewrite')) throw refused(path);
    };
    const after = await openOn(next);
    next.hook = () => {};
    const again = after.partition('t', 0)!;
    await again.reopen();
    expect(again.startOffset).toBe(10);
    expect(again.highWatermark).toBe(20);
    await after.close();
  });
});

describe('a leader-epoch-checkpoint that is damaged and still reads well', () => {
  test.each([
    ['a count of none', '0\n0\n0 0\n'],
    ['an older epoch', '0\n1\n0 0\n'],
  ])('with %s never gives a used epoch again', async (_, text) => {
    const disk = new SimulatedDisk({ seed: 9 });
    const first = await openOn(disk);
    await first.createTopic({ name: 't', partitions: 1 });
    await first.partition('t', 0)!.append(appendOf(1));
    const afterKill = disk.kill();
    const second = await openOn(afterKill);
    const partition = second.partition('t', 0)!;
    await partition.append(appendOf(1));
    const used = partition.leaderEpoch;
    expect(used).toBeGreaterThan(0);
    const next = afterKill.kill();
    await writeAll(next, 't-0/leader-epoch-checkpoint', Buffer.from(text));
    const third = await openOn(next);
    expect(third.partition('t', 0)?.leaderEpoch).toBeGreaterThan(used);
    await third.close();
  });
});

describe('a journal whose logs have unreadable metadata', () => {
  test('is replayed all the same, since it may hold the only copy', async () => {
    for (let seed = 0; seed < 10; seed++) {
      const disk = new SimulatedDisk({ seed });
      const random = new SeededRandom(seed);
      const ports = { root: 'test', clock: new VirtualClock(), random, logger: silentLogger };
      const openAll = async (on: SimulatedDisk): Promise<PartitionLog[]> => {
        const store = await openLogStore({ disk: on, ...ports });
        const logs: PartitionLog[] = [];
        for (let index = 0; index < 24; index++) {
          const name = `t-${index}`;
          logs.push(await store.openLog({ name, topicId: `id-${index}`, config: testConfig }));
        }
        return logs;
      };
      const logs = await openAll(disk);
      for (let round = 0; round < 3; round++) {
        await Promise.all(logs.map((log) => log.append(testBatch(round)).committed));
      }
      const survivor = disk.crash();
      survivor.hook = (operation, path) => {
        if (operation === 'read' && path.endsWith('partition.metadata')) throw refused(path);
      };
      const after = await openAll(survivor);
      for (const log of after) {
        expect(await readBaseOffsets(log), `seed ${seed}, ${log.directory}`).toEqual([0, 3, 6]);
      }
    }
  });
});
