// Ctrl-C and termination for commands that run until they are told to stop.

import { ExitCode } from './exit-codes.ts';

/**
 * A signal that is aborted by the first SIGINT or SIGTERM; a second one ends the process with 130 at once.
 * `off` gives the signals back.
 */
export function stopSignal(): { readonly signal: AbortSignal; abort(): void; off(): void } {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(ExitCode.interrupted);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    abort: () => controller.abort(),
    off() {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}

/** Hidden option of what a demo starts: it ends with its parent, however that ended. */
export const WITH_PARENT = '--with-parent';

/** An end in order may take so long where nobody waits for it. */
const ORPHAN_MS = 5_000;

/** Calls `stop` when the parent, which started this process with an IPC channel, is gone, and ends a little later. */
export function whenParentGone(stop: () => void): void {
  process.once('disconnect', () => {
    stop();
    setTimeout(() => process.exit(ExitCode.interrupted), ORPHAN_MS).unref();
  });
  // The channel alone keeps nothing running.
  process.channel?.unref();
}

/** The items until the signal comes, which also ends a wait for the next one. */
export async function* untilAborted<T>(
  items: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const iterator = items[Symbol.asyncIterator]();
  // A Promise.race with one long-lived promise would keep a reaction on it for every item.
  let wake: () => void = () => {};
  const stop = (): void => wake();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (;;) {
      const next = await new Promise<IteratorResult<T> | null>((resolve, reject) => {
        wake = () => resolve(null);
        if (signal.aborted) resolve(null);
        else iterator.next().then(resolve, reject);
      });
      if (next === null || next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    // Not awaited: a generator that waits for input ends only when that comes.
    iterator.return?.()?.catch(() => {});
  }
}
