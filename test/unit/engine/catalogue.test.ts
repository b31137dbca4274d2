import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import { Catalogue } from '../../../src/engine/catalogue.ts';
import type { CatalogueRecord } from '../../../src/engine/catalogue-state.ts';
import { ProducerIds } from '../../../src/engine/producer-ids.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { copyDisk, FaultyDisk, readAll, writeAll } from './support/faulty-disk.ts';

const code = (name: string) => expect.objectContaining({ code: name });

function topic(name: string): CatalogueRecord {
  return {
    kind: 'topic',
    topic: {
      name,
      id: name.padEnd(22, '0'),
      internal: false,
      partitionCount: 2,
      configs: { 'retention.ms': '9223372036854775807' },
      createdMs: 1_700_000_000_000,
    },
  };
}

const identity: CatalogueRecord = { kind: 'identity', clusterId: 'c'.repeat(22), nodeId: 3 };

let disk: FaultyDisk;
let clock: VirtualClock;
beforeEach(() => {
  disk = new FaultyDisk();
  clock = new VirtualClock();
});

async function open(from: FaultyDisk = disk, ...records: CatalogueRecord[]): Promise<Catalogue> {
  const catalogue = await Catalogue.load(from, silentLogger, clock);
  await catalogue.start(records);
  return catalogue;
}

const names = (catalogue: Catalogue): string[] =>
  [...catalogue.state.topics.values()].map((item) => item.name).sort();

/** The newest file of a kind. */
async function newest(kind: 'log' | 'snapshot', on: FaultyDisk = disk): Promise<string> {
  const files = (await on.list('catalogue')).filter((name) => name.endsWith(`.${kind}`));
  return `catalogue/${files.at(-1)}`;
}

describe('the catalogue', () => {
  test('gives back every kind of change after a crash', async () => {
    const catalogue = await open(disk, identity);
    expect(catalogue.origin).toBe('new');
    await catalogue.commit(topic('a'), topic('b'));
    await catalogue.commit({ kind: 'topic-grown', id: 'a'.padEnd(22, '0'), partitionCount: 9 });
    await catalogue.commit({
      kind: 'topic-configs',
      id: 'a'.padEnd(22, '0'),
      configs: { 'segment.ms': '5' },
    });
    await catalogue.commit({ kind: 'topic-deleted', id: 'b'.padEnd(22, '0') });
    await catalogue.commit({ kind: 'broker-configs', configs: { 'message.max.bytes': '7' } });
    await catalogue.commit({ kind: 'producer-ids', next: 2000 });
    const after = await open(await copyDisk(disk));
    expect(after.origin).toBe('whole');
    expect(after.state).toEqual(catalogue.state);
    expect(after.state.topics.get('a'.padEnd(22, '0'))).toEqual({
      name: 'a',
      id: 'a'.padEnd(22, '0'),
      internal: false,
      partitionCount: 9,
      configs: new Map([['segment.ms', '5']]),
      createdMs: 1_700_000_000_000,
    });
    expect([...after.state.deleted]).toEqual(['b'.padEnd(22, '0')]);
  });

  test('survives any number of starts, and keeps only two generations', async () => {
    let catalogue = await open(disk, identity);
    for (let start = 0; start < 5; start += 1) {
      await catalogue.commit(topic(`t${start}`));
      await catalogue.close();
      catalogue = await open();
    }
    expect(names(catalogue)).toEqual(['t0', 't1', 't2', 't3', 't4']);
    expect((await disk.list('catalogue')).length).toBe(4);
  });

  test('cut at every byte of its log, it holds the records before the cut, without a report', async () => {
    const catalogue = await open(disk, identity);
    const ends: number[] = [];
    for (const name of ['a', 'b', 'c']) {
      await catalogue.commit(topic(name));
      ends.push((await readAll(disk, await newest('log'))).length);
    }
    const path = await newest('log');
    const bytes = await readAll(disk, path);
    for (let length = 0; length <= bytes.length; length += 1) {
      const cut = await copyDisk(disk);
      await writeAll(cut, path, bytes.subarray(0, length));
      const errors: unknown[] = [];
      const logger = { ...silentLogger, error: (fields: object) => errors.push(fields) };
      const after = await Catalogue.load(cut, logger, clock);
      expect(after.state.topics.size, `cut at ${length}`).toBe(
        ends.filter((end) => end <= length).length,
      );
      expect(after.state.clusterId).toBe('c'.repeat(22));
      expect(errors, `cut at ${length}`).toEqual([]);
      expect(after.origin).toBe('whole');
    }
  });

  test.each([
    ['costs its record alone', 20, ['a', 'c']],
    ['that hides where the next record begins costs those behind it too', 3, ['a']],
  ])(
    'damage in the middle is reported, set aside and never removed; it %s',
    async (_, at, left) => {
      const catalogue = await open(disk, identity);
      await catalogue.commit(topic('a'));
      const end = (await readAll(disk, await newest('log'))).length;
      await catalogue.commit(topic('b'));
      await catalogue.commit(topic('c'));
      const path = await newest('log');
      const bytes = await readAll(disk, path);
      bytes[end + at]! ^= 1;
      await writeAll(disk, path, bytes);
      const errors: object[] = [];
      const logger = { ...silentLogger, error: (fields: object) => errors.push(fields) };
      const after = await Catalogue.load(disk, logger, clock);
      await after.start([]);
      expect(names(after)).toEqual(left);
      expect(after.origin).toBe('partial');
      expect(errors).toEqual([expect.objectContaining({ path, position: end })]);
      expect(await readAll(disk, `${path}.damaged`)).toEqual(bytes);
      // The next starts find nothing to complain of, and leave the damaged file alone.
      for (let start = 0; start < 3; start += 1) {
        const again = await open();
        expect(again.origin).toBe('whole');
        expect(names(again)).toEqual(left);
      }
      expect(await readAll(disk, `${path}.damaged`)).toEqual(bytes);
    },
  );

  test.each(['changed', 'cut', 'empty', 'unreadable'])(
    'with its newest snapshot %s it starts from the generation before',
    async (how) => {
      const first = await open(disk, identity);
      await first.commit(topic('a'));
      await first.close();
      const second = await open();
      await second.commit(topic('b'));
      const path = await newest('snapshot');
      const bytes = await readAll(disk, path);
      if (how === 'changed') bytes[bytes.length - 3]! ^= 8;
      const length = how === 'cut' ? bytes.length - 1 : how === 'empty' ? 0 : bytes.length;
      await writeAll(disk, path, bytes.subarray(0, length));
      if (how === 'unreadable')
        disk.refuse = (operation, at) => operation === 'read' && at === path;
      const after = await open();
      expect(names(after)).toEqual(['a', 'b']);
      expect(after.state.clusterId).toBe('c'.repeat(22));
      expect(after.origin).toBe('partial');
    },
  );

  test.each(['write', 'datasync'] as const)(
    'a refused %s changes nothing, and the next change goes to a new file',
    async (operation) => {
      const catalogue = await open(disk, identity);
      await catalogue.commit(topic('a'));
      const path = await newest('log');
      disk.refuse = (what, at) => what === operation && at === path;
      await expect(catalogue.commit(topic('b'))).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
      expect(names(catalogue)).toEqual(['a']);
      await catalogue.commit(topic('c'));
      expect(await newest('log')).not.toBe(path);
      const after = await open(await copyDisk(disk));
      expect(names(after)).toEqual(['a', 'c']);
    },
  );

  const deleted: CatalogueRecord = { kind: 'topic-deleted', id: 'a'.padEnd(22, '0') };

  test.each([
    ['making of a topic', topic('b')],
    ['deletion', deleted],
  ])('a %s whose sync was refused is not found by the next start', async (_, change) => {
    const catalogue = await open(disk, identity);
    await catalogue.commit(topic('a'));
    const path = await newest('log');
    disk.refuse = (what, at) => what === 'datasync' && at === path;
    await expect(catalogue.commit(change)).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    expect(names(await open(await copyDisk(disk)))).toEqual(['a']);
  });

  test('refused by a disk that takes writes again, it is forgotten by settling, and by the close', async () => {
    for (const end of ['settle', 'close'] as const) {
      disk = new FaultyDisk();
      const catalogue = await open(disk, identity);
      await catalogue.commit(topic('a'));
      disk.refuse = (what) => what === 'datasync' || what === 'truncate';
      await expect(catalogue.commit(topic('b'))).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
      expect(names(await open(await copyDisk(disk)))).toEqual(['a', 'b']);
      await expect(catalogue.settle()).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
      disk.refuse = () => false;
      await catalogue[end]();
      expect(names(await open(await copyDisk(disk))), end).toEqual(['a']);
    }
  });

  test('refused by a disk that takes writes again, it is forgotten though nothing else changes', async () => {
    const catalogue = await open(disk, identity);
    await catalogue.commit(topic('a'));
    disk.refuse = (what) => what === 'datasync' || what === 'truncate';
    await expect(catalogue.commit(deleted)).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    await clock.advance(60_000);
    disk.refuse = () => false;
    await clock.advance(60_000);
    expect(catalogue.settled).toBe(true);
    expect(names(await open(await copyDisk(disk)))).toEqual(['a']);
    // Nothing is left to be done then, nor after the close.
    const files = await disk.list('catalogue');
    await clock.advance(60_000);
    expect(await disk.list('catalogue')).toEqual(files);
  });

  test('refused by a disk that takes no more writes, it is not found after a crash of the process', async () => {
    const catalogue = await open(disk, identity);
    await catalogue.commit(topic('a'));
    disk.refuse = (what) => what === 'datasync' || what === 'open';
    await expect(catalogue.commit(deleted)).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    disk.refuse = () => false;
    expect(names(await open(await copyDisk(disk)))).toEqual(['a']);
  });

  test('a catalogue that is closed does not write any more, whatever was refused', async () => {
    const catalogue = await open(disk, identity);
    disk.refuse = (what) => what === 'datasync';
    await expect(catalogue.commit(topic('a'))).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    await catalogue.close();
    disk.refuse = () => false;
    const files = await disk.list('catalogue');
    await clock.advance(60_000);
    expect(await disk.list('catalogue')).toEqual(files);
  });

  test('whichever operations are refused after a change that was, what was acknowledged is there', async () => {
    for (let first = 0, reached = true; reached; first += 1) {
      disk = new FaultyDisk();
      const catalogue = await open(disk, identity);
      const path = await newest('log');
      let count = -1;
      reached = false;
      disk.refuse = (what, at) => {
        if (what === 'datasync' && at === path) return true;
        reached ||= count === first;
        return count++ === first;
      };
      const acknowledged: string[] = [];
      for (const name of ['a', 'b', 'c', 'd']) {
        await catalogue.commit(topic(name)).then(
          () => acknowledged.push(name),
          () => {},
        );
      }
      disk.refuse = () => false;
      expect(acknowledged.length).toBeGreaterThanOrEqual(2);
      const after = await open(await copyDisk(disk));
      expect(names(after), `operation ${first} refused`).toEqual(acknowledged);
    }
  });

  test('changes that are refused leave no file open', async () => {
    const catalogue = await open(disk, identity);
    const opened = disk.openFiles;
    disk.refuse = (what) => what === 'datasync' || what === 'syncdir';
    await expect(catalogue.commit(topic('a'))).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    disk.refuse = (what) => what === 'syncdir';
    for (const name of ['b', 'c', 'd']) {
      await expect(catalogue.commit(topic(name))).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    }
    expect(disk.openFiles).toBeLessThanOrEqual(opened);
  });

  /** Puts zeroes into the newest snapshot. */
  async function spoilSnapshot(): Promise<void> {
    const path = await newest('snapshot');
    await writeAll(disk, path, Buffer.alloc((await readAll(disk, path)).length));
  }

  test('damage of two snapshots, one after the other, costs nothing', async () => {
    const first = await open(disk, identity);
    await first.commit(topic('a'));
    await first.close();
    for (let start = 0; start < 3; start += 1) {
      await (await open()).close();
      await spoilSnapshot();
      const after = await open();
      expect(names(after)).toEqual(['a']);
      expect(after.state.clusterId).toBe('c'.repeat(22));
      await after.close();
      await spoilSnapshot();
    }
  });

  test('a damaged snapshot costs nothing after a change that the disk refused', async () => {
    const catalogue = await open(disk, identity);
    await catalogue.commit(topic('a'));
    const path = await newest('log');
    disk.refuse = (what, at) => what === 'datasync' && at === path;
    await expect(catalogue.commit(topic('b'))).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    disk.refuse = () => false;
    await catalogue.commit(topic('c'));
    await catalogue.close();
    await spoilSnapshot();
    const after = await open();
    expect(names(after)).toEqual(['a', 'c']);
    expect(after.state.clusterId).toBe('c'.repeat(22));
  });

  test('a crash at any operation of a start loses nothing', async () => {
    const before = await open(disk, identity);
    await before.commit(topic('a'));
    await before.close();
    for (let allowed = 0; ; allowed += 1) {
      const crashed = await copyDisk(disk);
      let count = 0;
      crashed.refuse = (operation) => operation !== 'read' && ++count > allowed;
      let finished = true;
      try {
        const catalogue = await Catalogue.load(crashed, silentLogger, clock);
        await catalogue.start([]);
        finished = count <= allowed;
      } catch {
        finished = false;
      }
      crashed.refuse = () => false;
      expect(names(await open(crashed)), `after ${allowed} operations`).toEqual(['a']);
      if (finished) break;
    }
  });

  test('on a disk that takes no writes a catalogue found there still serves', async () => {
    const before = await open(disk, identity);
    await before.commit(topic('a'));
    await before.close();
    disk.refuse = (operation) => operation === 'write';
    const catalogue = await open();
    expect(names(catalogue)).toEqual(['a']);
    await expect(catalogue.commit(topic('b'))).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    disk.refuse = () => false;
    await catalogue.commit(topic('b'));
    expect(names(await open())).toEqual(['a', 'b']);
  });

  test('files of old generations that the disk keeps are no error: they go later', async () => {
    await (await open(disk, identity)).close();
    await (await open()).close();
    const catalogue = await open();
    disk.refuse = (what, path) =>
      (what === 'remove' && !path.endsWith('.tmp')) ||
      (what === 'datasync' && path.endsWith('.log'));
    await expect(catalogue.commit(topic('a'))).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    expect(catalogue.settled).toBe(true);
    disk.refuse = (what, path) => what === 'remove' && !path.endsWith('.tmp');
    await catalogue.commit(topic('b'));
    await catalogue.close();
    const errors: unknown[] = [];
    const logger = { ...silentLogger, error: (fields: object) => errors.push(fields) };
    const next = await Catalogue.load(disk, logger, clock);
    await next.start([]);
    expect(names(next)).toEqual(['b']);
    expect(errors).toEqual([]);
    disk.refuse = () => false;
    await (await open()).close();
    expect(await disk.list('catalogue')).toHaveLength(4);
  });

  test('a large log gives way to a snapshot', async () => {
    const catalogue = await open(disk, identity);
    const configs = Object.fromEntries(
      Array.from({ length: 2000 }, (_, index) => [`config.${index}`, 'x'.repeat(300)]),
    );
    for (let round = 0; round < 5; round += 1) {
      await catalogue.commit({ kind: 'broker-configs', configs });
    }
    const log = await readAll(disk, await newest('log'));
    expect(log.length).toBeLessThan(3_000_000);
    expect((await open()).state.brokerConfigs.size).toBe(2000);
  });

  test('records of a kind that only a newer version knows are kept', async () => {
    const catalogue = await open(disk, identity);
    const newer = { kind: 'user', name: 'alice' } as unknown as CatalogueRecord;
    await catalogue.commit(newer);
    await catalogue.close();
    await (await open()).close();
    expect((await open()).state.unknown).toEqual([newer]);
  });
});

describe('producer ids', () => {
  test('none comes twice, whether the broker is closed or gone', async () => {
    const seen = new Set<number>();
    let on = disk;
    for (let start = 0; start < 4; start += 1) {
      const catalogue = await open(on);
      const ids = new ProducerIds(catalogue);
      const given = await Promise.all(Array.from({ length: 700 }, () => ids.next()));
      for (const id of given) {
        expect(seen.has(id), `id ${id}`).toBe(false);
        seen.add(id);
      }
      on = await copyDisk(on);
    }
    expect(Math.min(...seen)).toBe(0);
  });

  test('without a disk to reserve on none is given', async () => {
    const catalogue = await open();
    const ids = new ProducerIds(catalogue);
    disk.refuse = (operation) => operation === 'write';
    await expect(ids.next()).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    disk.refuse = () => false;
    await expect(ids.next()).resolves.toBe(0);
  });

  test('more than are reserved, asked for as the broker stops, make no new files', async () => {
    const catalogue = await open();
    const ids = new ProducerIds(catalogue);
    const given = Promise.allSettled(Array.from({ length: 1001 }, () => ids.next()));
    await catalogue.close();
    const files = await disk.list('catalogue');
    const results = await given;
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1000);
    expect(results.at(-1)).toEqual({ status: 'rejected', reason: code('BROKER_NOT_AVAILABLE') });
    expect(await disk.list('catalogue')).toEqual(files);
  });
});
