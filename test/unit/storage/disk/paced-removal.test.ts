// Deleted files give their room back a step at a time, and never what somebody still reads.

import { afterEach, expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import {
  DiskError,
  type LogConfig,
  type LogStore,
  type LogStoreOptions,
  openLogStore,
  type PartitionLog,
} from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../../support/captured-log.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import {
  batchOf,
  compactionInPlace,
  filesBelow,
  readBaseOffsets,
  testBatch,
  testConfig,
} from '../support.ts';

const STEP = 1000;
const DELAY_MS = 500;
const FIRST = 't-0/00000000000000000000.log';
const GONE = `${FIRST}.deleted`;
/** With the step's rest of 100 ms, one file of {@link testConfig} after the other. */
const LONG_MS = 60_000;

const config = { ...testConfig, fileDeleteDelayMs: DELAY_MS };
const settle = () => new Promise((resolve) => setImmediate(resolve));

class World {
  readonly clock = new VirtualClock();
  readonly captured = capturedLog();
  readonly done: string[] = [];
  disk: SimulatedDisk;
  store!: LogStore;
  log!: PartitionLog;

  constructor(disk = new SimulatedDisk({ seed: 1 })) {
    this.disk = disk;
    this.watch();
  }

  watch(): void {
    this.disk.hook = (operation, path) => this.done.push(`${operation} ${path}`);
  }

  async open(
    removalStepBytes = STEP,
    logConfig: LogConfig = config,
    compaction?: LogStoreOptions['compaction'],
  ): Promise<void> {
    const { disk, clock, captured } = this;
    this.store = await openLogStore({
      disk,
      clock,
      random: new SeededRandom(7),
      logger: captured.logger,
      regions: () => true,
      root: 'test',
      tailBytesMax: 0,
      removalStepBytes,
      ...(compaction && { compaction }),
    });
    this.log = await this.store.openLog({ name: 't-0', topicId: 'id', config: logConfig });
  }

  async fill(batches: number): Promise<void> {
    for (let index = 0; index < batches; index++) this.log.append(testBatch(index));
    await this.log.flush();
  }

  /** Time passes, and what begins in it has its turns. */
  async pass(ms: number): Promise<void> {
    await settle();
    await this.clock.advance(ms);
    for (let turns = 0; turns < 50; turns++) await settle();
  }

  count(what: string): number {
    return this.done.filter((operation) => operation.startsWith(what)).length;
  }
}

let world: World;

async function filled(batches = 60, disk?: SimulatedDisk): Promise<World> {
  world = new World(disk);
  await world.open();
  await world.fill(batches);
  return world;
}

afterEach(() => world.store.close());

test('a long file is cut from its end, a step and a rest at a time, and removed at last', async () => {
  const { disk, log } = await filled();
  await log.deleteRecordsBefore(150);
  const bytes = disk.bytesOf(GONE);
  expect(bytes).toBeGreaterThan(3 * STEP);
  await world.pass(DELAY_MS - 1);
  expect(disk.bytesOf(GONE)).toBe(bytes);
  await world.pass(1);
  const size = () => (disk.paths().includes(GONE) ? disk.bytesOf(GONE) : 0);
  // The indexes went before, and count.
  for (let last = bytes; last > 0; ) {
    const now = size();
    expect(last - now).toBeLessThanOrEqual(STEP);
    if (now !== bytes) expect(now % STEP).toBe(0);
    await world.pass(99);
    expect(size()).toBe(now);
    await world.pass(1);
    expect(size()).toBeLessThan(now || 1);
    last = now;
  }
  // Each step is made durable, so that not all of them come back at once, and nothing of what is left is written.
  const steps = world.done.filter((operation) => operation.startsWith(`truncate ${GONE}`));
  const committed = world.done.filter((operation, at) => {
    const before = world.done.slice(at - 3, at).join();
    return operation === 'syncdir t-0' && before.startsWith(`truncate ${GONE}`);
  });
  expect(committed).toHaveLength(steps.length);
  expect(steps.length).toBeGreaterThan(2);
  expect(world.count(`sync ${GONE}`)).toBe(0);
  expect(disk.paths().filter((path) => path.includes('cut'))).toEqual([]);
  await world.pass(LONG_MS);
  expect(disk.paths()).not.toContain(GONE);
});

class FullDisk extends SimulatedDisk {
  override async freeBytes(): Promise<number> {
    return 1024 ** 3;
  }
}

test('with little room on the disk nothing rests', async () => {
  const { disk, log } = await filled(60, new FullDisk({ seed: 1 }));
  await log.deleteRecordsBefore(150);
  expect(disk.bytesOf(GONE)).toBeGreaterThan(3 * STEP);
  await world.pass(DELAY_MS);
  expect(disk.paths()).not.toContain(GONE);
  expect(world.count(`truncate ${GONE}`)).toBeGreaterThan(2);
});

test('what is shorter than a step is removed whole, at once', async () => {
  world = new World();
  await world.open(1024 * 1024);
  await world.fill(60);
  world.done.length = 0;
  await world.log.deleteRecordsBefore(100);
  await world.pass(DELAY_MS);
  expect((await filesBelow(world.disk)).filter((path) => path.endsWith('.deleted'))).toEqual([]);
  expect(world.count('truncate t-0/')).toBe(0);
});

test('short files rest, too, before they make more than a step together', async () => {
  world = new World();
  const step = 6000;
  await world.open(step);
  await world.fill(400);
  await world.log.deleteRecordsBefore(world.log.highWatermark - 1);
  const gone = () =>
    world.disk
      .paths()
      .filter((path) => path.endsWith('.deleted'))
      .reduce((sum, path) => sum + world.disk.bytesOf(path), 0);
  let last = gone();
  expect(last).toBeGreaterThan(4 * step);
  await world.pass(DELAY_MS);
  while (last > 0) {
    const now = gone();
    expect(now).toBeLessThan(last);
    expect(last - now).toBeLessThanOrEqual(step);
    await world.pass(99);
    expect(gone()).toBe(now);
    await world.pass(1);
    last = now;
  }
});

test.each(['retention', 'deletion of the log', 'both, the second within the delay of the first'])(
  'who has the segment pinned reads it to the end after %s',
  async (what) => {
    world = new World();
    await world.open(STEP, { ...config, segmentBytes: 64 * 1024 });
    await world.fill(600);
    const { log, store, disk } = world;
    const wanted = { offset: 0, limit: log.highWatermark, maxBytes: 40_000, minOneBatch: true };
    const [region] = [(await log.read(wanted)).records].flat();
    if (region === undefined || !('load' in region)) throw new Error('no region');
    world.done.length = 0;
    if (what !== 'deletion of the log') await log.deleteRecordsBefore(1700);
    await world.pass(DELAY_MS / 5);
    if (what !== 'retention') await store.deleteLog(log);
    await world.pass(LONG_MS);
    expect(world.done.filter((one) => /^truncate .*\/0+\.log/.test(one))).toEqual([]);
    expect(disk.paths().filter((path) => /0{20}\.log/.test(path))).toEqual([]);
    expect((await region.load()).length).toBe(region.byteLength);
    region.release();
  },
);

test('a file that has another name, a backup, is not cut', async () => {
  class Linked extends SimulatedDisk {
    override async stat(path: string) {
      const status = await super.stat(path);
      return status === undefined ? undefined : { ...status, links: 2 };
    }
  }
  const { log, disk } = await filled(60, new Linked({ seed: 1 }));
  world.done.length = 0;
  await log.deleteRecordsBefore(150);
  await world.pass(LONG_MS);
  expect(world.count(`truncate ${GONE}`)).toBe(0);
  expect(disk.paths()).not.toContain(GONE);
});

test('what cannot be cut is removed all the same, and a refusal keeps nothing else', async () => {
  const { log, disk } = await filled(200);
  disk.hook = (operation, path) => {
    if (operation === 'truncate' && path === GONE) throw new DiskError('io_error', path, 'no');
    if (operation === 'remove' && path.endsWith('.index.deleted')) {
      throw new DiskError('io_error', path, 'refused');
    }
  };
  await log.deleteRecordsBefore(300);
  await world.pass(LONG_MS);
  const left = disk.paths().filter((path) => path.endsWith('.deleted'));
  expect(left.length).toBeGreaterThan(0);
  expect(left.every((path) => path.endsWith('.index.deleted'))).toBe(true);
  const told = world.captured.lines.map(({ message }) => message);
  expect(told).toContain('removing deleted segments failed, and is tried again: refused');
  expect(told).toContain(`${GONE} cannot be cut, it goes whole: no`);
});

test('a file whose new name is not durable is not cut: a power loss brings the old one back, whole', async () => {
  const { log, disk } = await filled(100);
  const bytes = disk.bytesOf(FIRST);
  disk.hook = (operation, path) => {
    if (operation === 'syncdir' && path === 't-0') throw new DiskError('io_error', path, 'refused');
  };
  await log.deleteRecordsBefore(200);
  await world.pass(LONG_MS);
  expect(disk.bytesOf(GONE)).toBe(bytes);
  const told = world.captured.lines.map(({ message }) => message);
  expect(told).toContain('removing deleted segments failed, and is tried again: refused');
  disk.hook = () => {};
});

test.each(['segments', 'log'] as const)(
  'a removal of deleted %s that is refused is tried again',
  async (what) => {
    const { store, log, disk } = await filled(200);
    let left = 3;
    disk.hook = (operation, path) => {
      if (!/^(remove|rmdir)/.test(operation) || !/deleted?$/.test(path) || left === 0) return;
      left -= 1;
      throw new DiskError('io_error', path, 'refused');
    };
    if (what === 'segments') await log.deleteRecordsBefore(300);
    else await store.deleteLog(log);
    await world.pass(LONG_MS);
    expect(left).toBe(0);
    expect(disk.paths().filter((path) => /deleted$|-delete/.test(path))).toEqual([]);
  },
);

test('logs take turns: no two files are cut at the same time', async () => {
  const { store, log } = await filled(200);
  const other = await store.openLog({ name: 'u-0', topicId: 'other', config });
  for (let index = 0; index < 200; index++) other.append(testBatch(index));
  await other.flush();
  await Promise.all([log.deleteRecordsBefore(300), store.deleteLog(other)]);
  world.done.length = 0;
  await world.pass(LONG_MS);
  const cut = world.done.flatMap((operation) => /^truncate (\S+)/.exec(operation)?.[1] ?? []);
  const turns = cut.filter((path, index) => path !== cut[index - 1]);
  expect(cut.length).toBeGreaterThan(turns.length);
  expect(turns.length).toBe(new Set(cut).size);
  expect(turns.some((path) => path.startsWith('u-0.'))).toBe(true);
  expect(world.disk.paths().filter((path) => /-delete|\.deleted/.test(path))).toEqual([]);
});

test('the end of the store waits for no rest, and the next start removes what is left', async () => {
  const { log, store, disk } = await filled();
  await log.deleteRecordsBefore(150);
  await world.pass(DELAY_MS);
  const bytes = disk.bytesOf(GONE);
  expect(bytes).toBeGreaterThan(STEP);
  // The clock stands still.
  await store.close();
  expect(disk.bytesOf(GONE)).toBe(bytes);
  await world.pass(LONG_MS);
  expect(disk.bytesOf(GONE)).toBe(bytes);
  await world.open();
  expect(disk.paths()).not.toContain(GONE);
  expect(await readBaseOffsets(world.log)).toContain(150);
});

test('after a power loss in the middle nothing that was cut counts as a log', async () => {
  const { log, store } = await filled(200);
  const other = await store.openLog({ name: 'u-0', topicId: 'other', config });
  for (let index = 0; index < 200; index++) other.append(testBatch(index));
  await other.flush();
  const expected = await readBaseOffsets(log, 300);
  await log.deleteRecordsBefore(300);
  await store.deleteLog(other);
  await world.pass(DELAY_MS + 150);
  world.disk = world.disk.crash();
  await world.open();
  expect(world.log.damaged).toEqual([]);
  expect(await readBaseOffsets(world.log, 300)).toEqual(expected);
  await world.pass(LONG_MS);
  expect(world.disk.paths().filter((path) => /-delete|\.deleted/.test(path))).toEqual([]);
});

test('what a deleted topic left is removed after the start, by steps, while another of its name lives', async () => {
  const { log, store } = await filled(200);
  await store.deleteLog(log);
  await store.close();
  const left = () => world.disk.paths().filter((path) => path.startsWith('t-0.')).length;
  const all = left();
  world.done.length = 0;
  await world.open();
  expect(left()).toBe(all);
  await world.fill(3);
  await world.store.deleteLog(world.log);
  const next = await world.store.openLog({ name: 't-0', topicId: 'next', config });
  await next.append(testBatch(0)).committed;
  await world.pass(LONG_MS);
  expect(left()).toBe(0);
  expect(world.count('truncate t-0.')).toBeGreaterThan(3);
  expect(await readBaseOffsets(next)).toEqual([0]);
});

test('with little room on the disk a start removes first what a deleted topic left', async () => {
  const { log, store, disk } = await filled(200, new FullDisk({ seed: 1 }));
  await store.deleteLog(log);
  await store.close();
  const left = () => disk.paths().filter((path) => path.startsWith('t-0.'));
  expect(left()).not.toEqual([]);
  await world.open();
  expect(left()).toEqual([]);
});

test('a topic of many partitions goes one directory after the other', async () => {
  const { store } = await filled(0);
  const logs: PartitionLog[] = [];
  for (let index = 0; index < 30; index++) {
    const log = await store.openLog({ name: `m-${index}`, topicId: 'many', config });
    for (let batch = 0; batch < 3; batch++) log.append(testBatch(batch));
    await log.flush();
    logs.push(log);
  }
  await Promise.all(logs.map((log) => store.deleteLog(log)));
  const left = () => new Set(world.disk.paths().flatMap((path) => /^m-\d+/.exec(path) ?? [])).size;
  expect(left()).toBe(30);
  await world.pass(DELAY_MS);
  expect(left()).toBeGreaterThan(20);
  await world.pass(LONG_MS);
  expect(left()).toBe(0);
});

async function compacted(disk = new SimulatedDisk({ seed: 1 })) {
  world = new World(disk);
  const compaction = compactionInPlace(disk, world.clock, 1e9);
  await world.open(STEP, { ...config, cleanupCompact: true }, compaction);
  const value = Buffer.alloc(100, 'v');
  for (let index = 0; index < 300; index++) {
    const key = Buffer.from(`key ${index % 7}`);
    await world.log.append(batchOf([{ timestamp: 1000 + index, key, value }])).committed;
  }
  const before = disk.paths().filter((path) => path.endsWith('.log')).length;
  await world.store.compaction?.run();
  world.done.length = 0;
  return before;
}

const aside = () => world.disk.paths().filter((path) => path.endsWith('.deleted'));

test('long logs that compaction replaces go a little later, by steps', async () => {
  const before = await compacted();
  const { disk, log } = world;
  expect(aside().length).toBeGreaterThan(3);
  expect(aside().every((path) => /\.log\.\d+\.deleted$/.test(path))).toBe(true);
  expect(disk.paths().filter((path) => path.endsWith('.log')).length).toBeLessThan(before);
  const found = await readBaseOffsets(log);
  await world.pass(DELAY_MS + LONG_MS);
  expect(aside()).toEqual([]);
  expect(world.count('truncate')).toBeGreaterThan(3);
  expect(await readBaseOffsets(log)).toEqual(found);
});

test.each([0, DELAY_MS + 150])(
  'after a power loss %i ms later they are no part of the log',
  async (ms) => {
    await compacted();
    const found = await readBaseOffsets(world.log);
    await world.pass(ms);
    world.disk = world.disk.crash();
    await world.open(STEP, { ...config, cleanupCompact: true });
    expect(world.log.damaged).toEqual([]);
    expect(await readBaseOffsets(world.log)).toEqual(found);
    expect(aside()).toEqual([]);
  },
);
