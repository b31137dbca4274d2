// Makes an answer ready to be sent. Where the peer takes no regions, they are loaded. Where it does, what is not in the
// page cache is read now, off the event loop, so that the send need not wait for the disk.

import { ErrorCode } from '../../base/kafka-errors.ts';
import { type FileRegion, isFileRegion } from '../../base/payload.ts';
import type { AnswerBudget } from '../memory-gate.ts';
import { errorResult, movedResult, type TargetReader, type TargetResult } from './read-targets.ts';

/** What the disk refuses to give is the partition's failure, and keeps no other from being read. */
function fail(reader: TargetReader, at: number, region: FileRegion): void {
  const { target } = reader.results[at] as TargetResult;
  reader.bytes -= region.byteLength;
  reader.results[at] = errorResult(target, ErrorCode.KAFKA_STORAGE_ERROR);
  region.release();
}

async function load(reader: TargetReader, at: number, region: FileRegion): Promise<void> {
  try {
    const records = await region.load();
    reader.results[at] = movedResult(reader.results[at] as TargetResult, records);
    region.release();
  } catch {
    fail(reader, at, region);
  }
}

/**
 * Replaces regions of files by their bytes, and releases them; takes memory for what it loads. With `sendsRegions`,
 * they stay regions. One that cannot be read becomes an error. Nothing is waited for where there are none.
 */
export function loadResults(
  reader: TargetReader,
  sendsRegions: boolean,
  memory: AnswerBudget,
): Promise<void> | undefined {
  const some = reader.results.some(({ records }) => isFileRegion(records));
  return some ? loadRegions(reader, sendsRegions, memory) : undefined;
}

async function loadRegions(
  reader: TargetReader,
  sendsRegions: boolean,
  memory: AnswerBudget,
): Promise<void> {
  const loads: Promise<void>[] = [];
  for (const [at, { records }] of reader.results.entries()) {
    if (!isFileRegion(records)) continue;
    if (!sendsRegions) {
      memory.take(records.byteLength);
      loads.push(load(reader, at, records));
    } else if (!records.isCached(0, records.byteLength)) {
      // One after the other: an answer may hold many, and others want the threads too.
      await records.warm().catch(() => fail(reader, at, records));
    }
  }
  if (loads.length > 0) await Promise.all(loads);
}
