import { describe, expect, test } from 'vitest';
import { DiskError, MemoryDisk } from '../../../../src/storage/index.ts';
import { capturedLog } from '../../../support/captured-log.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import {
  filesBelow,
  openStore,
  patchFile,
  readBaseOffsets,
  testBatch,
  testConfig,
} from '../support.ts';

const all = (count: number) => Array.from({ length: count }, (_, index) => index * 3);

async function filled(disk: MemoryDisk | SimulatedDisk, batches: number) {
  const store = await openStore(disk);
  const log = await store.openLog({ name: 't-0', topicId: 'id', config: testConfig });
  for (let index = 0; index < batches; index++) log.append(testBatch(index));
  await log.flush();
  return { store, log };
}

async function reopened(disk: MemoryDisk | SimulatedDisk) {
  const captured = capturedLog();
  const store = await openStore(disk, { logger: captured.logger });
  const log = await store.openLog({ name: 't-0', topicId: 'id', config: testConfig });
  return { store, log, lines: captured.lines };
}

describe('damage below the mark', () => {
  test.each([60, 30])('is none of what was deleted, up to %i', async (start) => {
    for (let seed = 1; seed < 20; seed++) {
      const disk = new SimulatedDisk({ seed });
      const config = { ...testConfig, segmentBytes: 1e6, flushPolicy: 'os' as const };
      const store = await openStore(disk);
      const log = await store.openLog({ name: 't-0', topicId: 'id', config });
      for (let index = 0; index < 20; index++) await log.append(testBatch(index)).written;
      await log.deleteRecordsBefore(start);
      const after = await openStore(disk.crash(seed));
      const found = await after.openLog({ name: 't-0', topicId: 'id', config });
      expect([seed, found.startOffset, found.damaged]).toEqual([seed, start, []]);
      expect(after.integrity).toMatchObject({ damagedRanges: 0, damagedOffsets: 0 });
    }
  });

  test('is skipped, reported and set aside; the rest is served', async () => {
    const disk = new MemoryDisk();
    const { store } = await filled(disk, 20);
    await store.close();
    await disk.remove('clean-shutdown');
    // Every log scans from its recovery point, which a clean close moved to the end: take the marks of a crash.
    const marks = await import('../../../../src/storage/metadata/marks-format.ts');
    const table = marks.parseMarks(await contents(disk, 'marks')).marks;
    const mark = { ...table.get('t-0')!, recoveryOffset: 0, recoveryPosition: 0, clean: false };
    await disk.remove('marks');
    await writeMarks(disk, mark);
    await patchFile(disk, 't-0/00000000000000000000.log', (bytes) => {
      bytes[400] = (bytes[400] as number) ^ 1;
      return bytes;
    });
    const { log, lines, store: second } = await reopened(disk);
    expect(log.highWatermark).toBe(60);
    expect(log.damaged).toHaveLength(1);
    const [range] = log.damaged;
    const expected = all(20).filter((o) => o < range!.firstOffset || o > range!.lastOffset);
    expect(expected).toHaveLength(19);
    expect(await readBaseOffsets(log)).toEqual(expected);
    expect(await readBaseOffsets(log, range!.firstOffset)).toEqual(
      expected.filter((o) => o > range!.lastOffset),
    );
    expect(lines.some((line) => line.level === 'error')).toBe(true);
    const aside = (await filesBelow(disk)).filter((path) => path.startsWith('quarantine/'));
    expect(aside.map((path) => path.slice(-4)).sort()).toEqual(['.bin', 'json']);
    await log.append(testBatch(20)).committed;
    expect(log.endOffset).toBe(63);
    await second.close();

    const third = await reopened(disk);
    expect(third.store.lastStop).toBe('clean');
    expect(third.log.damaged).toEqual([range]);
    expect(await readBaseOffsets(third.log)).toEqual([...expected, 60]);
  });

  test('at the end of the log never gives the lost offsets out again', async () => {
    const disk = new MemoryDisk();
    const { store, log: first } = await filled(disk, 20);
    const segments = first.segmentCount();
    await store.close();
    const name = (await disk.list('t-0')).filter((entry) => entry.endsWith('.log')).at(-1)!;
    await patchFile(disk, `t-0/${name}`, (bytes) => bytes.subarray(0, 100));
    const { log } = await reopened(disk);
    expect(log.endOffset).toBe(60);
    expect(log.highWatermark).toBe(60);
    expect(log.segmentCount()).toBe(segments + 1);
    expect(log.damaged.at(-1)).toMatchObject({ lastOffset: 59 });
    const ticket = log.append(testBatch(20));
    await ticket.committed;
    expect(ticket.baseOffset).toBe(60);
    expect((await readBaseOffsets(log)).at(-1)).toBe(60);
  });
});

describe('above the mark', () => {
  test('the log ends at the first bad batch; what follows is moved aside', async () => {
    const disk = new MemoryDisk();
    await filled(disk, 5);
    // Killed before any mark was written: everything is above it.
    await patchFile(disk, 't-0/00000000000000000000.log', (bytes) => {
      bytes[bytes.length - 5] = (bytes[bytes.length - 5] as number) ^ 1;
      return bytes;
    });
    const { log, lines } = await reopened(disk);
    expect(log.endOffset).toBe(12);
    expect(log.damaged).toEqual([]);
    expect(await readBaseOffsets(log)).toEqual([0, 3, 6, 9]);
    expect(lines.find((line) => line.level === 'warn')?.message).toContain('moved to quarantine/');
    await log.append(testBatch(9)).committed;
    expect(await readBaseOffsets(log)).toEqual([0, 3, 6, 9, 12]);
  });
});

const harms: [string, (disk: MemoryDisk, path: string) => Promise<void>][] = [
  ['deleted', (disk, path) => disk.remove(path)],
  ['emptied', (disk, path) => patchFile(disk, path, () => Buffer.alloc(0))],
  ['halved', (disk, path) => patchFile(disk, path, (b) => b.subarray(0, b.length >> 1))],
  ['zeroed', (disk, path) => patchFile(disk, path, (b) => Buffer.alloc(b.length))],
  ['garbled', (disk, path) => patchFile(disk, path, (b) => b.map((x, i) => x ^ (i * 7)) as Buffer)],
];

describe('every file in turn', () => {
  for (const stop of ['clean', 'killed'] as const) {
    test.each(harms)(
      `%s after a ${stop} stop: opens and serves every good batch`,
      async (_n, harm) => {
        const probe = new MemoryDisk();
        const made = await filled(probe, 60);
        if (stop === 'clean') await made.store.close();
        const paths = (await filesBelow(probe)).filter((path) => !path.endsWith('.log'));
        expect(paths.length).toBeGreaterThan(3);
        for (const path of paths) {
          const disk = new MemoryDisk();
          const { store } = await filled(disk, 60);
          if (stop === 'clean') await store.close();
          if ((await disk.stat(path)) === undefined) continue;
          await harm(disk, path);
          const { log } = await reopened(disk);
          expect([path, await readBaseOffsets(log)]).toEqual([path, all(60)]);
          expect([path, await log.offsetForTimestamp(1000 + 41 * 10)]).toMatchObject([
            path,
            { offset: 123 },
          ]);
          await log.append(testBatch(60)).committed;
          expect([path, (await readBaseOffsets(log)).at(-1)]).toEqual([path, 180]);
        }
      },
    );
  }
});

describe('a segment file', () => {
  test.each(harms)('%s: opens, serves the others, and tells', async (name, harm) => {
    for (const stop of ['clean', 'killed'] as const) {
      const disk = new MemoryDisk();
      const { store } = await filled(disk, 60);
      if (stop === 'clean') await store.close();
      const victim = (await disk.list('t-0')).filter((entry) => entry.endsWith('.log'))[1]!;
      const next = (await disk.list('t-0')).filter((entry) => entry.endsWith('.log'))[2]!;
      await harm(disk, `t-0/${victim}`);
      const { log, lines } = await reopened(disk);
      const offsets = await readBaseOffsets(log);
      const [from, to] = [Number.parseInt(victim, 10), Number.parseInt(next, 10)];
      const before = all(60).filter((offset) => offset < from);
      expect(offsets.slice(0, before.length)).toEqual(before);
      // Killed at once, no mark was written: the log may end at the damage. Else everything behind it is there.
      const behind = all(60).filter((offset) => offset >= to);
      if (stop === 'clean') expect(offsets.slice(-behind.length)).toEqual(behind);
      if (stop === 'killed' && name !== 'deleted') expect(lines.length).toBeGreaterThan(0);
      await log.append(testBatch(60)).committed;
    }
  });

  test('with one bad header after a clean stop costs only that batch', async () => {
    const disk = new MemoryDisk();
    const { store } = await filled(disk, 60);
    await store.close();
    await patchFile(disk, 't-0/00000000000000000000.log', (bytes) => {
      const second = bytes.readInt32BE(8) + 12;
      bytes[second + 16] = 9;
      return bytes;
    });
    const { log, lines } = await reopened(disk);
    // Headers are looked at where a read begins.
    expect((await readBaseOffsets(log, 3))[0]).toBe(6);
    expect(await readBaseOffsets(log)).toEqual(all(60).filter((offset) => offset !== 3));
    expect(log.damaged).toMatchObject([{ firstOffset: 3, lastOffset: 5, segmentBaseOffset: 0 }]);
    expect(lines.some((line) => line.level === 'error')).toBe(true);
  });
});

describe('a failing disk', () => {
  test.each(['write', 'sync'])(
    'a failed %s stops the log; reopening goes on from the mark',
    async (what) => {
      const disk = new SimulatedDisk({ seed: 3 });
      const { store, log } = await filled(disk, 10);
      const other = await store.openLog({ name: 'u-0', topicId: 'id', config: testConfig });
      disk.hook = (operation, path) => {
        if (operation === what && path.startsWith('t-0'))
          throw new DiskError('io_error', path, 'EIO');
      };
      const failures: Error[] = [];
      log.onFailure((cause) => failures.push(cause));
      const ticket = log.append(testBatch(10));
      await expect(ticket.committed).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
      expect(failures).toHaveLength(1);
      expect(log.state).toBe('failed');
      expect(() => log.append(testBatch(11))).toThrowError(/stopped taking writes/);
      expect(await readBaseOffsets(log)).toEqual(all(10));
      await other.append(testBatch(0)).committed;
      disk.hook = (operation, path) => {
        if (operation === 'sync' && path.endsWith('.rewrite'))
          throw new DiskError('disk_full', path, 'x');
        if (operation === 'write' && path.startsWith('t-0'))
          throw new DiskError('disk_full', path, 'x');
      };
      if (what === 'sync') {
        await expect(log.reopen()).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
        expect(log.state).toBe('failed');
      }
      disk.hook = () => {};
      const epoch = log.leaderEpoch;
      await log.reopen();
      expect(log.state).toBe('open');
      expect(log.leaderEpoch).toBe(epoch + 1);
      const again = log.append(testBatch(12));
      await again.committed;
      const after = await reopened(disk.crash());
      const offsets = await readBaseOffsets(after.log);
      expect(offsets.slice(0, 10)).toEqual(all(10));
      expect(offsets.at(-1)).toBe(again.baseOffset);
    },
  );
});

async function contents(disk: MemoryDisk, path: string): Promise<Buffer> {
  const file = await disk.open(path, 'read');
  const bytes = Buffer.alloc(await file.size());
  await file.read(bytes, 0);
  return bytes;
}

async function writeMarks(
  disk: MemoryDisk,
  mark: import('../../../../src/storage/metadata/marks-format.ts').Mark,
) {
  const { MarkTable } = await import('../../../../src/storage/metadata/marks.ts');
  const { TaskOwner } = await import('../../../../src/storage/tasks.ts');
  const { logger } = capturedLog();
  const { VirtualClock } = await import('../../../../src/testing/virtual-clock.ts');
  const loaded = { marks: new Map([[mark.name, mark]]), lost: false, refused: null };
  const tasks = new TaskOwner(logger);
  const table = new MarkTable({ disk, clock: new VirtualClock(), logger, tasks, loaded });
  await table.rewrite();
  await table.close();
}
