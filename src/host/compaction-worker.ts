// The worker thread of compaction: a Disk of its own over the same directory, and the same pure pass.

import { platform, setPriority } from 'node:os';
import {
  type CompactionJob,
  type CompactionResult,
  rateThrottle,
  runCompaction,
} from '../storage/index.ts';
import { useAccelerators } from './accelerators.ts';
import { nodeClock } from './node-clock.ts';
import { NodeDisk } from './node-disk.ts';

/** What crosses the thread boundary. */
export interface CompactionTask {
  readonly root: string;
  readonly job: CompactionJob;
}

/** Below the broker's threads, which have clients waiting (Linux: `nice` is a thread's, not the process's). */
const NICE = 10;

function yieldToOthers(): void {
  if (platform() !== 'linux') return;
  try {
    setPriority(0, NICE);
  } catch {
    // A container may forbid it; then the pass competes.
  }
}

/** Called by piscina by name. */
export async function compact(task: CompactionTask): Promise<CompactionResult> {
  yieldToOthers();
  useAccelerators();
  const throttle = rateThrottle(nodeClock, task.job.bytesPerSecondMax);
  return runCompaction(new NodeDisk(task.root), task.job, throttle);
}
