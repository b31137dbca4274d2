// What a broker does that has a process of its own, so that records wait for nobody else's turn. In somebody else's
// process all of it is the owner's to decide, so open() and serve() leave it alone.
//
// It asks for short time slices. Where more threads want to run than there are processors, Linux lets the one that runs
// finish its slice of some milliseconds before one that was woken meanwhile: a record then waits for some client's
// thread, in the event loop and again in the thread that syncs. A thread with a shorter slice runs as soon as it is
// woken, and gives way as soon; its share of the time stays the same.
//
// V8's own threads (cli/bin.cts alone can tell them from others) keep their slices, and are less urgent: one that
// compiles or collects held up the event loop and the threads that sync for 1 to 4 ms at a time. Therefore the event
// loop collects young objects alone: it would have to wait for such a thread otherwise. Few of them live on, so that
// help costs more than it saves.
//
// And V8 is told how a broker's objects live (COLLECTING): nearly all die with the request that made them. What native
// code has free after a load, tens of megabytes, goes back to the system.

import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { type NativeIo, onceNativeIoLoaded } from './native-io.ts';

/** The shortest that Linux gives. */
const SLICE_NANOSECONDS = 100_000;
/** The nice value that nothing goes beyond, */
const LEAST_URGENT = 19;
/** and how far V8's threads are behind the event loop, whatever `nice` the process was started under. */
const LESS_URGENT = 10;

/**
 * - After some seconds in which many requests were under way V8 takes their objects for long-lived and makes all later
 *   ones among the old. There they stay, dead, until the next full collection, and keep alive what they refer to: each
 *   collection of young objects then copies a seventh of all that was made, and full ones come every few seconds.
 * - A full collection waits until the heap has grown to two and a half times what the last one left. As V8 has it, one
 *   comes every few seconds with a heap of 20 to 30 MB.
 */
const COLLECTING = ['--no-allocation-site-pretenuring', '--heap-growing-percent=150'];

/** How often it is looked whether the process is at rest, */
const LOOK_MS = 2000;
/** which it is when it needed less of that time, */
const REST_MS_MAX = 40;
/** and whether it has done enough since memory was given back for that to be worth it again. */
const WORK_MS_MIN = 2000;

/**
 * Tells V8, and makes its threads less urgent, at once. Slices are asked for once the native calls are loaded, for all
 * other threads that there are, as far as the system takes such wishes. Threads made later have the usual ones: a
 * compaction should not be in the way of requests.
 */
export function settleInOwnProcess(v8Threads: readonly number[]): void {
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  for (const flag of COLLECTING) setFlagsFromString(flag);
  makeLessUrgent(v8Threads);
  onceNativeIoLoaded((native) => {
    setFlagsFromString('--no-parallel-scavenge');
    for (const thread of threads()) {
      if (!v8Threads.includes(thread)) takesShortSlices(native, thread);
    }
    giveMemoryBack(native);
  });
}

function makeLessUrgent(threads: readonly number[]): void {
  try {
    const niceValue = Math.min(LEAST_URGENT, getPriority() + LESS_URGENT);
    for (const thread of threads) setPriority(thread, niceValue);
  } catch {
    // One has ended meanwhile, or the system does not allow it: all the same to what the broker does.
  }
}

/** Gives back what native code has free, some seconds after a load: it takes milliseconds, for which few are there. */
function giveMemoryBack(native: NativeIo): void {
  let [atLook, atGiving] = [0, 0];
  const look = (): void => {
    const { user, system } = process.cpuUsage();
    const workedMs = (user + system) / 1000;
    const atRest = workedMs - atLook < REST_MS_MAX;
    atLook = workedMs;
    if (!atRest || workedMs - atGiving < WORK_MS_MIN) return;
    atGiving = workedMs;
    native.trimMemory();
  };
  setInterval(look, LOOK_MS).unref();
}

/** Of this process; none where /proc is not to be had. */
function threads(): number[] {
  try {
    return readdirSync('/proc/self/task', 'utf8').map(Number);
  } catch {
    return [];
  }
}

/** Asks for them for one thread; whether the system took the wish. */
export function takesShortSlices(native: NativeIo, thread: number): boolean {
  return native.setTimeSlice(thread, SLICE_NANOSECONDS);
}
