// Brings into memory what of an answer cannot be sent from its file: everything where the peer takes no regions, and
// what is not in the page cache, which the send would wait for.

import { ErrorCode } from '../../base/kafka-errors.ts';
import { type FileRegion, isFileRegion } from '../../base/payload.ts';
import type { MemoryLease } from '../memory-gate.ts';
import type { FetchTarget } from './fetch-set.ts';
import { errorResult, type TargetReader, type TargetResult } from './read-targets.ts';

async function load(
  reader: TargetReader,
  target: FetchTarget,
  result: TargetResult,
  region: FileRegion,
): Promise<void> {
  try {
    const records = await region.load();
    reader.results.set(target, { ...result, records });
  } catch {
    // What the disk refuses to give is the partition's failure, and keeps no other from being read.
    reader.bytes -= result.byteLength;
    reader.results.set(target, errorResult(ErrorCode.KAFKA_STORAGE_ERROR));
  } finally {
    region.release();
  }
}

/**
 * Replaces regions of files by their bytes, and releases them; a region that cannot be read becomes an error. With
 * `sendsRegions`, those stay that can be sent without waiting for the disk. Takes memory for what it loads.
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
    if (sendsRegions && records.isCached(0, records.byteLength)) continue;
    memory.take(records.byteLength);
    loads.push(load(reader, target, result, records));
  }
  if (loads.length > 0) await Promise.all(loads);
}
