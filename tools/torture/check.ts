// What torture checks of a directory after a round: opened with recovery as a broker opens it, every record is where it
// belongs, nothing acknowledged is missing, and verify finds nothing wrong.

import { NodeDisk } from '../../src/host/node-disk.ts';
import { isFault, verifyDirectory } from '../../src/inspect/index.ts';
import { iterateBatches, readRecords } from '../../src/record/index.ts';
import type { PartitionLog } from '../../src/storage/index.ts';
import { openLogs } from './log-set.ts';
import { valueProblem } from './records.ts';

/** Problems told one by one; more are counted. */
const TOLD_MAX = 20;

export interface CheckResult {
  /** In words; empty when all is well. */
  readonly problems: readonly string[];
  readonly records: number;
  readonly bytes: number;
  /** Records that were there although nobody had been told so: allowed, and usual. */
  readonly unacknowledged: number;
}

/** Checks the directory. `acked`: by partition, the end of what was acknowledged. */
export async function checkLogs(
  directory: string,
  acked: ReadonlyMap<number, number>,
): Promise<CheckResult> {
  const problems: string[] = [];
  const note = (problem: string): void => {
    if (problems.length < TOLD_MAX) problems.push(problem);
    else if (problems.length === TOLD_MAX) problems.push('and more');
  };
  const set = await openLogs(new NodeDisk(directory), directory);
  let records = 0;
  let bytes = 0;
  let unacknowledged = 0;
  try {
    for (const [partition, log] of set.logs.entries()) {
      const end = await checkLog(log, partition, note);
      const wanted = acked.get(partition) ?? 0;
      if (end < wanted) {
        note(`partition ${partition} ends at offset ${end}, acknowledged up to ${wanted}`);
      }
      records += end - log.startOffset;
      unacknowledged += Math.max(0, end - wanted);
      bytes += log.sizeBytes();
    }
  } finally {
    await set.store.close();
  }
  const disk = new NodeDisk(directory);
  const report = await verifyDirectory({ disk, catalogue: null, live: false, deep: false });
  for (const item of report.findings) if (isFault(item)) note(`verify: ${item.path}: ${item.what}`);
  return { problems, records, bytes, unacknowledged };
}

/** Reads the whole log; answers the offset at which what is good ends. */
async function checkLog(
  log: PartitionLog,
  partition: number,
  note: (problem: string) => void,
): Promise<number> {
  for (const { firstOffset, lastOffset } of log.damaged) {
    note(`partition ${partition}: offsets ${firstOffset} to ${lastOffset} are damaged`);
  }
  let expected = log.startOffset;
  for await (const chunk of log.batches(expected)) {
    for (const header of iterateBatches(chunk)) {
      const { position, sizeInBytes } = header;
      for (const record of readRecords(chunk.subarray(position, position + sizeInBytes))) {
        if (record.offset !== expected) {
          note(`partition ${partition}: offset ${record.offset} follows ${expected - 1}`);
        }
        const problem = valueProblem(record, { partition, offset: record.offset });
        if (problem !== null) note(problem);
        expected = record.offset + 1;
      }
    }
  }
  if (expected !== log.endOffset) {
    note(`partition ${partition}: read up to ${expected}, the log says ${log.endOffset}`);
  }
  return expected;
}
