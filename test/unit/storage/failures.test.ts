import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import {
  DiskError,
  type LogConfig,
  type LogStoreOptions,
  loadMarks,
  openLogStore,
} from '../../../src/storage/index.ts';
import { segmentName } from '../../../src/storage/segment/segment.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../support/captured-log.ts';
import { type OperationHook, SimulatedDisk } from '../../support/simulated-disk.ts';
import { largeBatch, patchFile, readBaseOffsets, testBatch, testConfig } from './support.ts';

const all = (count: number) => Array.from({ length: count }, (_, index) => index * 3);
const os: LogConfig = { ...testConfig, flushPolicy: 'os' };

async function open(
  disk: SimulatedDisk,
  config: LogConfig = testConfig,
  options: Partial<LogStoreOptions> = {},
) {
  const captured = capturedLog();
  const clock = new VirtualClock();
  const random = new SeededRandom(7);
  const ports = { disk, root: 'test', clock, random, logger: captured.logger };
  const store = await openLogStore({ ...ports, ...options });
  const log = await store.openLog({ name: 't-0', topicId: 'id', config });
  return { store, log, clock, lines: captured.lines };
}

async function fill(
  log: { append(batch: ReturnType<typeof testBatch>): unknown; flush(): Promise<void> },
  count: number,
) {
  for (let index = 0; index < count; index++) log.append(testBatch(index));
  await log.flush();
}

/** Operations on paths that match are refused. */
function refuse(
  what: string,
  path: RegExp,
  code: 'disk_full' | 'io_error' = 'disk_full',
): OperationHook {
  return (operation, at) => {
    if (operation === what && path.test(at)) throw new DiskError(code, at, `no ${what} of ${at}`);
  };
}

const healthy: OperationHook = () => {};

describe('with the os flush policy', () => {
  test('a batch counts once it is in the file, and readers see it then', async () => {
    const disk = new SimulatedDisk({ seed: 1 });
    const { log } = await open(disk, os);
    // Before the first one of a run, the leader epoch is stored.
    await log.append(testBatch(0)).committed;
    const { syncs } = disk;
    await log.append(testBatch(1)).committed;
    expect(log.highWatermark).toBe(6);
    expect(disk.syncs).toBe(syncs);
    expect(await readBaseOffsets(log)).toEqual([0, 3]);
  });

  test('rolled segments are synced and finished, and the recovery point follows', async () => {
    const disk = new SimulatedDisk({ seed: 2 });
    const { log, clock } = await open(disk, os);
    for (let index = 0; index < 200; index++) await log.append(testBatch(index)).committed;
    await clock.advance(2000);
    const segments = log.segmentCount();
    expect(segments).toBeGreaterThan(3);
    const { marks } = await loadMarks(disk);
    const last = (await disk.list('t-0')).filter((name) => name.endsWith('.log')).at(-1) ?? '';
    expect(marks.get('t-0')?.recoveryOffset).toBe(Number.parseInt(last, 10));
    // The power goes: what was rolled is there.
    const after = await open(disk.crash(), os);
    expect(after.log.highWatermark).toBeGreaterThanOrEqual(Number.parseInt(last, 10));
    const there = await readBaseOffsets(after.log);
    expect(there).toEqual(all(200).slice(0, there.length));
  });

  test('a kill costs nothing, and the next start scans from the recovery point only', async () => {
    const disk = new SimulatedDisk({ seed: 3 });
    const { log, clock } = await open(disk, os);
    for (let index = 0; index < 200; index++) await log.append(testBatch(index)).committed;
    await clock.advance(2000);
    const after = disk.kill();
    const read = new Set<string>();
    after.hook = (operation, path) => {
      if (operation === 'read' && path.endsWith('.log')) read.add(path);
    };
    const next = await open(after, os);
    expect(read.size).toBe(1);
    after.hook = healthy;
    expect(next.log.highWatermark).toBe(600);
    expect(await readBaseOffsets(next.log)).toEqual(all(200));
  });

  test("the producers' state is kept where the recovery point is, once", async () => {
    const disk = new SimulatedDisk({ seed: 6 });
    const { store, clock } = await open(disk);
    const config = { ...testConfig, segmentBytes: 2 ** 30, segmentMs: Number.MAX_SAFE_INTEGER };
    const hooks = { producerSnapshot: (offset: number) => Buffer.from(`state at ${offset}`) };
    const log = await store.openLog({ name: 'big-0', topicId: 'id', config, hooks });
    for (let index = 0; index < 4; index++) {
      await log.append(largeBatch()).committed;
      await clock.advance(2000);
    }
    const kept = (await disk.list('big-0')).filter((name) => name.endsWith('.snapshot'));
    expect(kept).toEqual([`${String(log.endOffset).padStart(20, '0')}.snapshot`]);
    const next = disk.kill();
    const { store: after, clock: later } = await open(next);
    const again = await after.openLog({ name: 'big-0', topicId: 'id', config, hooks });
    expect(await after.loadSnapshot(again, again.endOffset)).toEqual({
      offset: 4,
      bytes: Buffer.from('state at 4'),
    });
    for (let index = 4; index < 8; index++) {
      await again.append(largeBatch()).committed;
      await later.advance(2000);
    }
    const left = (await next.list('big-0')).filter((name) => name.endsWith('.snapshot'));
    expect(left).toEqual([`${String(again.endOffset).padStart(20, '0')}.snapshot`]);
  });

  test('a failed sync in the background stops the log; reopened, it ends where its bytes do', async () => {
    const disk = new SimulatedDisk({ seed: 4 });
    const { log } = await open(disk, os);
    for (let index = 0; index < 10; index++) await log.append(testBatch(index)).committed;
    disk.hook = refuse('sync', /^t-0/, 'io_error');
    await expect(log.flush()).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
    expect(log.state).toBe('failed');
    disk.hook = healthy;
    await log.reopen();
    expect(log.highWatermark).toBe(log.endOffset);
    const there = await readBaseOffsets(log);
    expect(there).toEqual(all(10).slice(0, there.length));
    await log.append(testBatch(10)).committed;
    expect(log.highWatermark).toBe(log.endOffset);
  });

  test('what the disk lost below a start that was raised is not given out again by a reopening', async () => {
    const disk = new SimulatedDisk({ seed: 7 });
    const { log } = await open(disk, os);
    for (let index = 0; index < 10; index++) await log.append(testBatch(index)).committed;
    await log.deleteRecordsBefore(30);
    disk.hook = refuse('sync', /^t-0/, 'io_error');
    await expect(log.flush()).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
    disk.hook = healthy;
    await patchFile(disk, `t-0/${segmentName(0)}.log`, (bytes) => bytes.subarray(0, 700));
    await log.reopen();
    expect([log.startOffset, log.highWatermark, log.endOffset]).toEqual([30, 30, 30]);
    await log.append(testBatch(10)).committed;
    expect(await readBaseOffsets(log)).toEqual([30]);
  });

  test('more logs than descriptors are written to without end', async () => {
    const disk = new SimulatedDisk({ seed: 5 });
    const { store, log } = await open(disk, os, { openFilesMax: 6 });
    const logs = [log];
    for (let index = 1; index < 20; index++) {
      logs.push(await store.openLog({ name: `t-${index}`, topicId: 'id', config: os }));
    }
    for (let round = 0; round < 5; round++) {
      await Promise.all(logs.map((each) => each.append(testBatch(round)).committed));
    }
    for (const each of logs) expect(await readBaseOffsets(each)).toEqual(all(5));
    await store.close();
  });
});

describe('a write that fails', () => {
  test('is sent again after the reopening, and is there once or twice as a whole, never in part', async () => {
    for (let seed = 1; seed < 20; seed++) {
      const disk = new SimulatedDisk({ seed });
      const { log } = await open(disk);
      await fill(log, 5);
      disk.hook = refuse('write', /^t-0.*log$/, 'io_error');
      const tickets = [5, 6, 7].map((index) => log.append(testBatch(index)));
      for (const { committed } of tickets) {
        await expect(committed).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
      }
      disk.hook = healthy;
      await log.reopen();
      const kept = (log.endOffset - 15) / 3;
      expect(Number.isInteger(kept) && kept <= 3).toBe(true);
      await Promise.all([5, 6, 7].map((index) => log.append(testBatch(index)).committed));
      expect(await readBaseOffsets(log)).toEqual(all(8 + kept));
      const after = await open(disk.crash());
      expect(await readBaseOffsets(after.log)).toEqual(all(8 + kept));
    }
  });

  test.each(['closed', 'deleted'])(
    'a log that is %s while it is reopened stays so',
    async (how) => {
      const disk = new SimulatedDisk({ seed: 8 });
      const { store, log } = await open(disk);
      await fill(log, 5);
      disk.hook = refuse('sync', /^t-0/, 'io_error');
      await expect(log.append(testBatch(5)).committed).rejects.toThrow();
      const told: string[] = [];
      log.onCommit(() => told.push(log.state));
      let ending: Promise<void> | null = null;
      disk.hook = (operation, path) => {
        if (operation !== 'list' || path !== 't-0') return;
        ending ??= how === 'closed' ? log.close() : store.deleteLog(log);
      };
      await expect(log.reopen()).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
      expect(log.state).toBe('closed');
      expect(() => log.append(testBatch(6))).toThrow();
      await ending;
      expect([log.state, told]).toEqual(['closed', []]);
    },
  );

  test('twice in a row, and in each step of the reopening: what was acknowledged stays readable', async () => {
    const steps: [string, RegExp][] = [
      ['open', /\.rewrite$/],
      ['write', /\.rewrite$/],
      ['sync', /\.rewrite$/],
      ['rename', /\.rewrite$/],
      ['truncate', /\.log$/],
      ['syncdir', /^t-0$/],
      ['mkdir', /^quarantine/],
      ['write', /^quarantine/],
      ['list', /^t-0$/],
      ['read', /^t-0.*log$/],
    ];
    for (const [operation, path] of steps) {
      for (const seed of [1, 2, 3]) {
        const disk = new SimulatedDisk({ seed });
        const { log } = await open(disk);
        await fill(log, 10);
        disk.hook = refuse('sync', /^t-0/, 'io_error');
        for (let index = 10; index < 14; index++) log.append(testBatch(index));
        await expect(log.flush()).rejects.toThrow();
        for (let attempt = 0; attempt < 2; attempt++) {
          disk.hook = refuse(operation, path);
          await log.reopen().catch((error: unknown) => {
            expect(error).toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
          });
          disk.hook = healthy;
          if (log.state === 'open') break;
          const seen = await readBaseOffsets(log).catch(() => null);
          // Where not even the directory can be listed, nobody is served what may be wrong.
          if (operation !== 'list' && operation !== 'read') expect(seen).toEqual(all(10));
          expect(log.damaged).toEqual([]);
        }
        await log.reopen();
        expect(log.state).toBe('open');
        const there = (await readBaseOffsets(log)).length;
        expect(there).toBeGreaterThanOrEqual(10);
        await log.append(testBatch(20)).committed;
        const after = await open(disk.crash());
        expect([operation, await readBaseOffsets(after.log)]).toEqual([operation, all(there + 1)]);
        expect(after.log.damaged).toEqual([]);
      }
    }
  });
});

describe('a full disk', () => {
  test('while the marks are written: DeleteRecords is refused, and lasts once there is room', async () => {
    const disk = new SimulatedDisk({ seed: 1 });
    const { log, clock } = await open(disk);
    await fill(log, 30);
    disk.hook = refuse('write', /^marks/);
    await expect(log.deleteRecordsBefore(30)).rejects.toMatchObject({
      code: 'KAFKA_STORAGE_ERROR',
    });
    await log.append(testBatch(30)).committed;
    await clock.advance(3000);
    disk.hook = healthy;
    await clock.advance(1000);
    expect((await loadMarks(disk)).marks.get('t-0')).toMatchObject({ startOffset: 30 });
    await log.deleteRecordsBefore(60);
    const after = await open(disk.crash());
    expect(after.log.startOffset).toBe(60);
    expect(after.log.endOffset).toBe(93);
  });

  test('while the marks are written: a log that was deleted stays deleted', async () => {
    const disk = new SimulatedDisk({ seed: 1 });
    const { log, clock, store } = await open(disk);
    await fill(log, 3);
    await clock.advance(2000);
    disk.hook = refuse('write', /^marks/);
    await store.deleteLog(log);
    await clock.advance(2000);
    disk.hook = healthy;
    await clock.advance(2000);
    expect([...(await loadMarks(disk)).marks.keys()]).toEqual([]);
  });

  test('as a segment is begun: the log stops, and goes on after room was made', async () => {
    for (const [operation, path] of [
      ['open', /t-0\/0+[1-9]\d*\.log$/],
      ['syncdir', /^t-0$/],
    ] as const) {
      const disk = new SimulatedDisk({ seed: 1 });
      const { log } = await open(disk);
      await fill(log, 5);
      disk.hook = refuse(operation, path);
      const acknowledged: number[] = all(5);
      for (let index = 5; index < 60 && log.state === 'open'; index++) {
        const { baseOffset, committed } = log.append(testBatch(index));
        await committed.then(
          () => acknowledged.push(baseOffset),
          () => {},
        );
      }
      expect(log.state).toBe('failed');
      expect(await readBaseOffsets(log)).toEqual(acknowledged);
      disk.hook = healthy;
      await log.reopen();
      const there = (await readBaseOffsets(log)).length;
      expect(there).toBeGreaterThanOrEqual(acknowledged.length);
      await log.append(testBatch(60)).committed;
      const after = await open(disk.crash());
      expect(await readBaseOffsets(after.log)).toEqual(all(there + 1));
    }
  });

  test.each([
    ['as bytes are set aside', 'write', /^quarantine/],
    ['as what is above the mark is rewritten', 'write', /\.rewrite$/],
    ['as the quarantine is made', 'mkdir', /^quarantine/],
    ['as indexes are written', 'write', /index$/],
  ] as const)(
    '%s at a start: what is committed is served, and writes go on after room was made',
    async (_name, operation, path) => {
      const disk = new SimulatedDisk({ seed: 1 });
      const { log, clock } = await open(disk);
      await fill(log, 40);
      await clock.advance(1500);
      for (let index = 40; index < 50; index++) log.append(testBatch(index));
      await log.flush();
      // The last batch is torn: there are bytes to set aside, and good ones above the mark.
      const name = (await disk.list('t-0')).filter((entry) => entry.endsWith('.log')).at(-1);
      const size = disk.bytesOf(`t-0/${name}`);
      const killed = disk.kill();
      killed.flipBit(`t-0/${name}`, size - 3);
      killed.hook = refuse(operation, path);
      const { log: next, lines } = await open(killed);
      if (next.state === 'failed') {
        expect(next.highWatermark).toBe(120);
        expect(() => next.append(testBatch(99))).toThrowError(/stopped taking writes/);
        expect(lines.some(({ level }) => level === 'error')).toBe(true);
      }
      expect((await readBaseOffsets(next)).slice(0, 40)).toEqual(all(40));
      if (operation === 'write' && !path.test('x.index')) expect(next.state).toBe('failed');
      if (next.state === 'failed') {
        await expect(next.reopen()).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
        expect(await readBaseOffsets(next)).toEqual(all(40));
      }
      killed.hook = healthy;
      await next.reopen();
      expect(await readBaseOffsets(next)).toEqual(all(49));
      const { baseOffset, committed } = next.append(testBatch(50));
      await committed;
      expect(baseOffset).toBe(147);
      const after = await open(killed.crash());
      expect(await readBaseOffsets(after.log)).toEqual(all(50));
    },
  );

  test('at a start: the marks wait for room, the logs are served', async () => {
    const disk = new SimulatedDisk({ seed: 1 });
    const { log, clock } = await open(disk);
    await fill(log, 20);
    await clock.advance(1500);
    const killed = disk.kill();
    killed.hook = refuse('write', /^marks/);
    const next = await open(killed);
    expect(await readBaseOffsets(next.log)).toEqual(all(20));
    await next.log.append(testBatch(20)).committed;
    killed.hook = healthy;
    await next.clock.advance(2000);
    expect((await loadMarks(killed)).marks.get('t-0')?.mark).toBe(63);
  });
});

describe('a failure while closing', () => {
  test.each([
    ['sync', /^t-0/],
    ['write', /index$/],
    ['write', /^marks/],
    ['write', /^clean-shutdown/],
    ['write', /epoch/],
    ['write', /snapshot/],
    ['syncdir', /^\.$/],
  ] as const)('of a %s (%s) loses nothing, and is no clean stop', async (operation, path) => {
    const disk = new SimulatedDisk({ seed: 1 });
    const { log, store, clock } = await open(disk);
    await fill(log, 20);
    const late = log.append(testBatch(20));
    const outcome = late.committed.then(
      () => true,
      () => false,
    );
    disk.hook = refuse(operation, path, 'io_error');
    await store.close();
    const kept = await outcome;
    disk.hook = healthy;
    const before = disk.operations;
    await clock.advance(100_000);
    // The directory may be another process's by now.
    expect(disk.operations).toBe(before);
    const after = await open(disk.crash());
    const there = await readBaseOffsets(after.log);
    expect(there.slice(0, 20)).toEqual(all(20));
    if (kept) expect(there).toHaveLength(21);
    expect(after.log.damaged).toEqual([]);
    await after.log.append(testBatch(30)).committed;
  });
});
