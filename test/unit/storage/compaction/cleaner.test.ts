import { expect, test } from 'vitest';
import {
  type CleanableLog,
  type CleanerSettings,
  LogCleaner,
} from '../../../../src/storage/compaction/cleaner.ts';
import {
  CLEANER_CHECKPOINT_FILE,
  CleanerCheckpoint,
  decodeCheckpoint,
  encodeCheckpoint,
} from '../../../../src/storage/compaction/cleaner-checkpoint.ts';
import { CompactionError } from '../../../../src/storage/compaction/compaction-error.ts';
import type {
  CompactionJob,
  CompactionResult,
  CompactionRunner,
} from '../../../../src/storage/compaction/job.ts';
import type { CompactionPlan } from '../../../../src/storage/compaction/plan.ts';
import { MemoryDisk, replaceFile } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../../support/captured-log.ts';

const stats = {
  bytesRead: 100,
  bytesWritten: 50,
  recordsRemoved: 7,
  batchesUnreadable: 0,
  keys: 3,
  mapFull: false,
};

/** A log with `dirty` offsets to clean, in steps of at most `step`. */
class FakeLog implements CleanableLog {
  readonly name: string;
  compacts = true;
  condition = '0';
  ratio = 0.5;
  reason: CompactionPlan['reason'] = 'dirty-ratio';
  end = 100;
  swaps = true;
  readonly planned: { firstDirtyOffset: number; anyRatio: boolean }[] = [];
  discarded = 0;

  constructor(name: string) {
    this.name = name;
  }

  async plan(options: { firstDirtyOffset: number; anyRatio: boolean }) {
    const { firstDirtyOffset, anyRatio } = options;
    this.planned.push({ firstDirtyOffset, anyRatio });
    if (firstDirtyOffset >= this.end) return null;
    const { ratio, reason, end } = this;
    const rest = { segments: [], dirtyBytes: 1, dirtyRatio: ratio, reason };
    return { ...rest, firstDirtyOffset, endOffset: end };
  }

  async job(plan: CompactionPlan, limits: Pick<CompactionJob, 'mapBytesMax'>) {
    return { directory: this.name, ...plan, ...limits } as unknown as CompactionJob;
  }

  async swap() {
    return this.swaps;
  }

  async discard() {
    this.discarded += 1;
  }
}

type Work = (job: CompactionJob) => Promise<CompactionResult>;

const whole: Work = async (job) => ({ cleanedTo: job.endOffset, cleaned: [], stats });

async function setUp(logs: FakeLog[], given: Partial<CleanerSettings> & { work?: Work } = {}) {
  const clock = new VirtualClock();
  const disk = new MemoryDisk();
  const log = capturedLog();
  const ran: string[] = [];
  let running = 0;
  let mostAtOnce = 0;
  const { work = whole, ...changed } = given;
  const runner: CompactionRunner = {
    async run(job) {
      ran.push(job.directory);
      running += 1;
      mostAtOnce = Math.max(mostAtOnce, running);
      try {
        await new Promise<void>((resolve) => {
          clock.setTimer(1000, resolve);
        });
        return await work(job);
      } finally {
        running -= 1;
      }
    },
    close: () => Promise.resolve(),
  };
  const settings: CleanerSettings = {
    enable: true,
    threads: 1,
    backoffMs: 15_000,
    dedupeBufferBytes: 1 << 27,
    bytesPerSecondMax: null,
    ...changed,
  };
  const checkpoint = await CleanerCheckpoint.load(disk);
  const cleaner = new LogCleaner({
    clock,
    logger: log.logger,
    runner,
    settings: () => settings,
    checkpoint,
    logs: () => logs,
  });
  return { cleaner, checkpoint, clock, disk, log, ran, atOnce: () => mostAtOnce };
}

test('every log that is due is cleaned each round: overdue ones first, then the dirtiest', async () => {
  const [a, b, c, d] = ['a-0', 'b-0', 'c-0', 'd-0'].map((name) => new FakeLog(name));
  b!.ratio = 0.9;
  c!.ratio = 0.1;
  c!.reason = 'max-lag';
  d!.compacts = false;
  const { checkpoint, cleaner, clock, ran, disk } = await setUp([a!, b!, c!, d!]);
  await clock.advance(14_999);
  expect(ran).toEqual([]);
  await clock.advance(5000);
  expect(ran).toEqual(['c-0', 'b-0', 'a-0']);
  expect(checkpoint.get('b-0')).toBe(100);
  expect((await CleanerCheckpoint.load(disk)).get('c-0')).toBe(100);
  expect(cleaner.stats).toMatchObject({ passes: 3, recordsRemoved: 21, seconds: 3 });
  expect(cleaner.stats.bytesPerSecond).toBe(150);
  expect(cleaner.stats.maxDirtyPercent).toBe(90);
  a!.end = 200;
  await clock.advance(30_000);
  expect(ran).toEqual(['c-0', 'b-0', 'a-0', 'a-0']);
  expect(a!.planned.at(-1)?.firstDirtyOffset).toBe(200);
});

test('a pass that filled its map is followed by others, however little is left', async () => {
  const log = new FakeLog('a-0');
  const work: Work = async ({ firstDirtyOffset, endOffset }) => {
    const cleanedTo = Math.min(endOffset, firstDirtyOffset + 40);
    return { cleanedTo, cleaned: [], stats: { ...stats, mapFull: cleanedTo < endOffset } };
  };
  const { cleaner, clock, ran } = await setUp([log], { work });
  await clock.until(cleaner.run());
  expect(ran).toHaveLength(3);
  expect(log.planned.slice(0, 4)).toEqual([
    { firstDirtyOffset: 0, anyRatio: false },
    { firstDirtyOffset: 40, anyRatio: true },
    { firstDirtyOffset: 80, anyRatio: true },
    { firstDirtyOffset: 100, anyRatio: false },
  ]);
});

test('at most log.cleaner.threads passes run at once, sharing memory', async () => {
  const logs = ['a-0', 'b-0', 'c-0', 'd-0', 'e-0'].map((name) => new FakeLog(name));
  const limits: number[] = [];
  const work: Work = async (job) => {
    limits.push(job.mapBytesMax);
    return whole(job);
  };
  const { atOnce, cleaner, clock, ran } = await setUp(logs, { threads: 2, work });
  await clock.until(cleaner.run());
  expect(ran).toHaveLength(5);
  expect(new Set(ran).size).toBe(5);
  expect(atOnce()).toBe(2);
  expect(new Set(limits)).toEqual(new Set([1 << 26]));
});

test('a log with damage is set aside until its condition changes; the others go on', async () => {
  const bad = new FakeLog('bad-0');
  bad.ratio = 1;
  const good = new FakeLog('good-0');
  let damaged = true;
  const work: Work = async (job) => {
    if (damaged && job.directory === 'bad-0') throw new CompactionError('damaged', 'a bad batch');
    return whole(job);
  };
  const { cleaner, clock, log, ran } = await setUp([bad, good], { work });
  await clock.until(cleaner.run());
  await clock.until(cleaner.run());
  expect(ran).toEqual(['bad-0', 'good-0']);
  expect(cleaner.stats).toMatchObject({ failures: 1, uncleanable: 1 });
  expect(bad.discarded).toBe(1);
  expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  damaged = false;
  bad.condition = '1';
  await clock.until(cleaner.run());
  expect(ran.at(-1)).toBe('bad-0');
  expect(cleaner.stats.uncleanable).toBe(0);
});

test('another failure, or a log that changed meanwhile, waits for the next round', async () => {
  const log = new FakeLog('a-0');
  let fails = true;
  const work: Work = async (job) => {
    if (fails) throw new Error('the disk is full');
    return whole(job);
  };
  const { checkpoint, cleaner, clock, ran } = await setUp([log], { work });
  await clock.until(cleaner.run());
  expect(ran).toHaveLength(1);
  expect(cleaner.stats).toMatchObject({ failures: 1, uncleanable: 0, passes: 0 });
  fails = false;
  log.swaps = false;
  await clock.until(cleaner.run());
  expect(ran).toHaveLength(2);
  expect(checkpoint.get('a-0')).toBe(0);
  log.swaps = true;
  await clock.until(cleaner.run());
  expect(checkpoint.get('a-0')).toBe(100);
});

test('log.cleaner.enable=false and a closed cleaner clean nothing', async () => {
  const off = await setUp([new FakeLog('a-0')], { enable: false });
  await off.clock.advance(60_000);
  expect(off.ran).toEqual([]);
  const closed = await setUp([new FakeLog('a-0')]);
  await closed.cleaner.close();
  await closed.clock.advance(60_000);
  await closed.cleaner.run();
  expect(closed.ran).toEqual([]);
});

test("the checkpoint has Kafka's format; lines that are not so are left out", async () => {
  const offsets = new Map([
    ['__consumer_offsets-17', 812],
    ['with-dash-0', 3],
  ]);
  const text = String(encodeCheckpoint(offsets));
  expect(text).toBe('0\n2\n__consumer_offsets 17 812\nwith-dash 0 3\n');
  expect(decodeCheckpoint(text)).toEqual(offsets);
  expect(decodeCheckpoint(`${text}a b\nx 0 -1\nx 0 99999999999999999\n`)).toEqual(offsets);
  expect(decodeCheckpoint('1\n0\n')).toEqual(new Map());
  const disk = new MemoryDisk();
  await replaceFile(disk, CLEANER_CHECKPOINT_FILE, Buffer.from(text));
  const checkpoint = await CleanerCheckpoint.load(disk);
  await checkpoint.forget('with-dash-0');
  expect((await CleanerCheckpoint.load(disk)).get('with-dash-0')).toBe(0);
  expect((await CleanerCheckpoint.load(disk)).get('__consumer_offsets-17')).toBe(812);
});
