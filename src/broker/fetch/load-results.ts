// Brings the records of an answer into memory. This is the one place to change for zero-copy sends.

import { ErrorCode } from '../../base/kafka-errors.ts';
import { isFileRegion } from '../../base/payload.ts';
import type { FetchTarget } from './fetch-set.ts';
import { errorResult, type TargetReader, type TargetResult } from './read-targets.ts';

async function load(
  reader: TargetReader,
  target: FetchTarget,
  result: TargetResult,
): Promise<void> {
  const { records } = result;
  if (!isFileRegion(records)) return;
  try {
    const loaded = await records.load();
    reader.results.set(target, { ...result, records: loaded });
  } catch {
    // What the disk refuses to give is the partition's failure, and keeps no other from being read.
    reader.bytes -= result.byteLength;
    reader.results.set(target, errorResult(ErrorCode.KAFKA_STORAGE_ERROR));
  } finally {
    records.release();
  }
}

/**
 * Replaces every region of a file by its bytes, and releases it; a region that cannot be read
 * becomes an error.
 */
export async function loadResults(reader: TargetReader): Promise<void> {
  const loads: Promise<void>[] = [];
  for (const [target, result] of reader.results) {
    if (isFileRegion(result.records)) loads.push(load(reader, target, result));
  }
  if (loads.length > 0) await Promise.all(loads);
}
