// What a broker does that has a process of its own, so that records wait for nobody else's turn. In somebody else's
// process all of it is the owner's to decide, so open() and serve() leave it alone.
//
// It asks for short time slices. Where more threads want to run than there are processors, Linux lets the one that runs
// finish its slice of some milliseconds before one that was woken meanwhile: a record then waits for some client's
// thread, in the event loop and again in the thread that syncs. A thread with a shorter slice runs as soon as it is
// woken, and gives way as soon; its share of the time stays the same.
//
// V8's own threads keep their slices, and are less urgent (cli/bin.cts, which alone can tell them from others): one
// that compiles or collects held up the event loop and the threads that sync for 1 to 4 ms at a time. Therefore the
// event loop collects young objects alone: it would have to wait for such a thread otherwise. Few of them live on, so
// that help costs more than it saves. Under `nice -n 19` nothing can be less urgent: then only the event loop is known
// not to be one of them, and has short slices alone.

import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { type NativeIo, onceNativeIoLoaded } from './native-io.ts';

/** The shortest that Linux gives. */
const SLICE_NANOSECONDS = 100_000;
/** The nice value that nothing goes beyond. */
const LEAST_URGENT = 19;

/**
 * Does it for all threads that there are once the native calls are loaded, as far as the system takes such wishes.
 * Threads made later have the usual slices: a compaction should not be in the way of requests.
 */
export function settleInOwnProcess(): void {
  onceNativeIoLoaded((native) => {
    process.getBuiltinModule('node:v8').setFlagsFromString('--no-parallel-scavenge');
    for (const thread of threads()) {
      if (isUrgent(thread)) takesShortSlices(native, thread);
    }
  });
}

/** Of this process; none where /proc is not to be had. */
function threads(): number[] {
  try {
    return readdirSync('/proc/self/task', 'utf8').map(Number);
  } catch {
    return [];
  }
}

/** Whether it is the event loop, or as urgent and none of V8's; false when it is gone. */
function isUrgent(thread: number): boolean {
  try {
    if (thread === process.pid) return true;
    const ofLoop = getPriority();
    return ofLoop < LEAST_URGENT && getPriority(thread) === ofLoop;
  } catch {
    return false;
  }
}

/** Asks for them for one thread; whether the system took the wish. */
export function takesShortSlices(native: NativeIo, thread: number): boolean {
  return native.setTimeSlice(thread, SLICE_NANOSECONDS);
}
