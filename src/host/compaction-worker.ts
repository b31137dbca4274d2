// The worker thread of compaction: a Disk of its own over the same directory, and the same pure pass.

import {
  type CompactionJob,
  type CompactionResult,
  rateThrottle,
  runCompaction,
} from '../storage/index.ts';
import { loadAccelerators } from './accelerators.ts';
import { nodeClock } from './node-clock.ts';
import { NodeDisk } from './node-disk.ts';

/** What crosses the thread boundary. */
export interface CompactionTask {
  readonly root: string;
  readonly job: CompactionJob;
}

/** Called by piscina by name. */
export async function compact(task: CompactionTask): Promise<CompactionResult> {
  loadAccelerators();
  const throttle = rateThrottle(nodeClock, task.job.bytesPerSecondMax);
  return runCompaction(new NodeDisk(task.root), task.job, throttle);
}
