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
