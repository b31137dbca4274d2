// A broker that has a process of its own asks for short time slices. Where more threads want to run than there are
// processors, Linux lets the one that runs finish its slice of some milliseconds before one that was woken meanwhile:
// a record then waits for some client's thread, in the event loop and again in the thread that syncs. A thread with a
// shorter slice runs as soon as it is woken, and gives way as soon; its share of the time stays the same. In somebody
// else's process that is the owner's to decide, so open() and serve() leave it alone.

import { readdirSync } from 'node:fs';
import { type NativeIo, onceNativeIoLoaded } from './native-io.ts';

/** The shortest that Linux gives. */
const SLICE_NANOSECONDS = 100_000;

/**
 * Asks for them for all threads that there are once the native calls are loaded, where the system takes such a wish.
 * Threads made later have the usual ones: a compaction should not be in the way of requests.
 */
export function shortenTimeSlices(): void {
  onceNativeIoLoaded((native) => {
    for (const thread of threads()) takesShortSlices(native, thread);
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

/** Asks for them for one thread; whether the system took the wish. */
export function takesShortSlices(native: NativeIo, thread: number): boolean {
  return native.setTimeSlice(thread, SLICE_NANOSECONDS);
}
