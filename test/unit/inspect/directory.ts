// Data directories for the tests of inspection: made by the storage itself, in memory.

import type { Finding, TopicFacts, VerifyReport } from '../../../src/inspect/index.ts';
import { planRepair, runStep, verifyDirectory } from '../../../src/inspect/index.ts';
import type { BatchOptions } from '../../../src/record/index.ts';
import {
  type Disk,
  type LogConfig,
  type LogStore,
  MemoryDisk,
  type PartitionLog,
} from '../../../src/storage/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { batchOf, openStore as openTestStore, testConfig } from '../storage/support.ts';

export const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
export const clock = new VirtualClock();

export const config: LogConfig = { ...testConfig, segmentBytes: 8192 };

export const topic: TopicFacts = {
  name: 'orders',
  id: TOPIC_ID,
  partitionCount: 1,
  compacted: false,
  intervalBytes: config.indexIntervalBytes,
};

export const catalogue = { topics: [topic], damage: [] };

export function openStore(disk: Disk): Promise<LogStore> {
  return openTestStore(disk, { clock });
}

export function openOrders(store: LogStore): Promise<PartitionLog> {
  return store.openLog({ name: 'orders-0', topicId: TOPIC_ID, config });
}

/** Appends `count` batches of three records, 200 to 300 bytes each, and waits until they are committed. */
export async function append(
  log: PartitionLog,
  count: number,
  options: BatchOptions = {},
): Promise<void> {
  const tickets = Array.from({ length: count }, (_, index) => {
    const timestamp = 1000 + log.endOffset * 10;
    const records = Array.from({ length: 3 }, (_unused, i) => ({
      timestamp: timestamp + i,
      key: Buffer.from(`key ${index % 5}`),
      value: Buffer.from(`value ${index} ${i} ${'x'.repeat(40 + (index % 20))}`),
    }));
    return log.append(batchOf(records, options));
  });
  await Promise.all(tickets.map((ticket) => ticket.committed));
}

/** A directory with one partition of several segments, stopped cleanly. */
export async function makeDirectory(batches = 120): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const store = await openStore(disk);
  const log = await openOrders(store);
  await append(log, batches);
  await store.close();
  return disk;
}

export async function readFile(disk: Disk, path: string): Promise<Buffer> {
  const file = await disk.open(path, 'read');
  const bytes = Buffer.alloc(await file.size());
  await file.read(bytes, 0);
  await file.close();
  return bytes;
}

export async function writeFile(disk: Disk, path: string, bytes: Buffer): Promise<void> {
  const file = await disk.open(path, 'create');
  await file.truncate(bytes.length);
  await file.write([bytes], 0);
  await file.close();
}

/** Flips all bits of the bytes at `position`. */
export async function flip(disk: Disk, path: string, position: number, count = 1): Promise<void> {
  const bytes = await readFile(disk, path);
  for (let at = position; at < position + count; at++) bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  await writeFile(disk, path, bytes);
}

export function verify(disk: Disk, deep = true): Promise<VerifyReport> {
  return verifyDirectory({ disk, catalogue, live: false, deep });
}

/** Findings without their sentence, which may be reworded. */
export function bare(report: VerifyReport): Omit<Finding, 'what'>[] {
  return report.findings.map(({ what: _what, ...rest }) => rest);
}

/** Faults only: code, severity, offsets. */
export function faults(report: VerifyReport): string[] {
  return report.findings
    .filter((item) => item.severity === 'damage' || item.severity === 'loss')
    .map(({ severity, code, offsets }) => {
      const range = offsets === null ? '' : ` ${offsets.first}-${offsets.last}`;
      return `${severity} ${code}${range}`;
    });
}

/** Runs all repairs that a report proposes. */
export async function repair(disk: Disk, report: VerifyReport): Promise<void> {
  for (const step of planRepair(report.findings)) {
    await runStep({ disk, clock, intervalBytes: () => config.indexIntervalBytes }, step);
  }
}

/** Position, size and offsets of each batch in a log file. */
export function batchesOf(
  bytes: Buffer,
): { position: number; bytes: number; baseOffset: number; lastOffset: number }[] {
  const found = [];
  for (let position = 0; position < bytes.length; ) {
    const size = bytes.readInt32BE(position + 8) + 12;
    const baseOffset = Number(bytes.readBigInt64BE(position));
    const lastOffset = baseOffset + bytes.readInt32BE(position + 23);
    found.push({ position, bytes: size, baseOffset, lastOffset });
    position += size;
  }
  return found;
}

/** Segment file names of the partition, oldest first. */
export async function logsOf(disk: Disk): Promise<string[]> {
  const names = await disk.list('orders-0');
  return names.filter((name) => name.endsWith('.log')).map((name) => `orders-0/${name}`);
}
