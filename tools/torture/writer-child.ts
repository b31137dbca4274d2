// The process that torture kills: writes records as fast as the disk takes them, and says on standard output what was
// acknowledged. Every line is written with one synchronous call, so what the parent reads was said before the end.
//   ready                 the logs are open, recovered
//   ack <partition> <end> everything below `end` of the partition is committed
//   full                  the disk refused; reads below the mark were still answered
//   reopened              writing goes on after room was made
//   done                  as much as was asked for is written

import { writeSync } from 'node:fs';
import { stackOfError } from '../../src/base/errors.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { NodeDisk } from '../../src/host/node-disk.ts';
import type { Disk, PartitionLog } from '../../src/storage/index.ts';
import { QuotaDisk, slowDisk } from './disks.ts';
import { type LogSet, openLogs } from './log-set.ts';
import { makeBatch } from './records.ts';

/** What the parent asks for, as JSON in the first argument. */
export interface WriterTask {
  readonly directory: string;
  readonly seed: number;
  /** Bytes to write at most. */
  readonly bytes: number;
  readonly kind: 'plain' | 'slow' | 'full';
  /** With `full`: bytes that fit before the disk is full. */
  readonly quotaBytes: number;
}

const STDOUT = 1;
const UNDER_WAY_MAX = 4;

function say(line: string): void {
  writeSync(STDOUT, `${line}\n`);
}

/** Bytes written by all lanes together. */
interface Budget {
  left: number;
}

async function main(): Promise<void> {
  const task = JSON.parse(process.argv[2] ?? '{}') as WriterTask;
  const random = new SeededRandom(task.seed);
  const real = new NodeDisk(task.directory);
  const quota = task.kind === 'full' ? new QuotaDisk(real, task.quotaBytes) : null;
  const set = await openLogs(quota?.disk ?? chosenDisk(task, real, random), task.directory);
  say('ready');
  const budget = { left: task.bytes };
  const lanes = set.logs.map((log, partition) => writeLane(log, partition, { random, budget }));
  const ends = await Promise.all(lanes);
  if (quota !== null && ends.includes('failed')) await goOn(set, quota, random);
  say('done');
  // Half of the time the end is clean, else as sudden as a kill.
  if (random.next() < 0.5) await set.store.close();
  process.exit(0);
}

function chosenDisk(task: WriterTask, real: Disk, random: SeededRandom): Disk {
  if (task.kind !== 'slow') return real;
  return slowDisk(real, { writeMs: 20, syncMs: 60, random: () => random.next() });
}

/** Keeps a few batches under way in one partition until the budget is used up or the log fails. */
async function writeLane(
  log: PartitionLog,
  partition: number,
  shared: { readonly random: SeededRandom; readonly budget: Budget },
): Promise<'written' | 'failed'> {
  const { random, budget } = shared;
  const underWay = new Set<Promise<void>>();
  let failed = false;
  while (budget.left > 0 && !failed) {
    const big = random.next() < 0.02;
    const valueBytes = big ? 100_000 : 16 + Math.floor(random.next() * 600);
    const count = big ? 1 : 1 + Math.floor(random.next() * 20);
    const batch = makeBatch({ partition, offset: log.endOffset }, count, valueBytes);
    budget.left -= batch.byteLength;
    try {
      const ticket = log.append(batch);
      const landed = ticket.committed.then(
        () => say(`ack ${partition} ${ticket.lastOffset + 1}`),
        () => {
          failed = true;
        },
      );
      ticket.written.catch(() => {});
      const tracked: Promise<void> = landed.finally(() => underWay.delete(tracked));
      underWay.add(tracked);
    } catch {
      failed = true;
    }
    if (underWay.size >= UNDER_WAY_MAX) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  return failed ? 'failed' : 'written';
}

/** The disk was full: what was acknowledged must still be readable, and writing must go on once there is room. */
async function goOn(set: LogSet, quota: QuotaDisk, random: SeededRandom): Promise<void> {
  for (const log of set.logs) {
    if (log.highWatermark <= log.startOffset) continue;
    const { startOffset: offset, highWatermark: limit } = log;
    await log.read({ offset, limit, maxBytes: 1, minOneBatch: true });
  }
  say('full');
  quota.free(Number.MAX_SAFE_INTEGER);
  for (const log of set.logs) if (log.state === 'failed') await log.reopen();
  say('reopened');
  const budget = { left: 512 * 1024 };
  await Promise.all(
    set.logs.map((log, partition) => writeLane(log, partition, { random, budget })),
  );
}

void main().catch((error: unknown) => {
  process.stderr.write(`${stackOfError(error)}\n`);
  process.exit(3);
});
