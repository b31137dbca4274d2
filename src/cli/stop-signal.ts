// Ctrl-C and termination for commands that run until they are told to stop.

import { CliError, ExitCode } from './exit-codes.ts';

/** What was sent before a signal has so long to be acknowledged, in ms. */
const LAST_ANSWERS_MS = 2_000;
/** After that a command may note so long how far it came, in ms. */
const LAST_NOTES_MS = 2_000;

/**
 * How a command ends that was told to: at once it begins nothing more. A little later what was sent and not
 * acknowledged is given up, and a little later still every wait for the brokers is over. So each command that writes
 * ends soon, whatever they do.
 */
export interface Ending {
  /** Aborted: nothing more is waited for. */
  readonly over: AbortSignal;
  /** Aborted: nobody waits any more for what was sent to be acknowledged. */
  readonly givenUp: AbortSignal;
  /** Leaves what is not aborted yet as it is. */
  off(): void;
}

/** The ending that begins when the signal is aborted. */
export function endingOf(signal: AbortSignal): Ending {
  const givenUp = new AbortController();
  const over = new AbortController();
  const timers: NodeJS.Timeout[] = [];
  const begin = (): void => {
    const reason = new CliError(ExitCode.interrupted, 'interrupted');
    timers.push(
      setTimeout(() => givenUp.abort(reason), LAST_ANSWERS_MS),
      setTimeout(() => over.abort(reason), LAST_ANSWERS_MS + LAST_NOTES_MS),
    );
  };
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
  return {
    givenUp: givenUp.signal,
    over: over.signal,
    off() {
      signal.removeEventListener('abort', begin);
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

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
