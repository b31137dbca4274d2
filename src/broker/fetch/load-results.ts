// Makes an answer ready to be sent. Where the peer takes no regions, they are loaded. Where it does, what is not in the
// page cache is read now, off the event loop, so that the send need not wait for the disk.

import { ErrorCode } from '../../base/kafka-errors.ts';
import { type FileRegion, isFileRegion } from '../../base/payload.ts';
import type { MemoryLease } from '../memory-gate.ts';
import type { FetchTarget } from './fetch-set.ts';
import { errorResult, type TargetReader, type TargetResult } from './read-targets.ts';

/** What the disk refuses to give is the partition's failure, and keeps no other from being read. */
function fail(reader: TargetReader, target: FetchTarget, region: FileRegion): void {
  reader.bytes -= region.byteLength;
  reader.results.set(target, errorResult(ErrorCode.KAFKA_STORAGE_ERROR));
  region.release();
}

async function load(
  reader: TargetReader,
  target: FetchTarget,
  result: TargetResult,
  region: FileRegion,
): Promise<void> {
  try {
    const records = await region.load();
    reader.results.set(target, { ...result, records });
    region.release();
  } catch {
    fail(reader, target, region);
  }
}

/**
 * Replaces regions of files by their bytes, and releases them; takes memory for what it loads. With `sendsRegions`,
 * they stay regions. One that cannot be read becomes an error.
 */
export async function loadResults(
  reader: TargetReader,
  sendsRegions: boolean,
  memory: MemoryLease,
): Promise<void> {
  const loads: Promise<void>[] = [];
  for (const [target, result] of reader.results) {
    const { records } = result;
    if (!isFileRegion(records)) continue;
    if (!sendsRegions) {
      memory.take(records.byteLength);
      loads.push(load(reader, target, result, records));
    } else if (!records.isCached(0, records.byteLength)) {
      // One after the other: an answer may hold many, and others want the threads too.
      await records.warm().catch(() => fail(reader, target, records));
    }
  }
  if (loads.length > 0) await Promise.all(loads);
}
