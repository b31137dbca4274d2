// Real time behind the Clock port. The timer functions are taken when this module loads, so a test
// runner's fake timers, installed later, cannot freeze a broker that lives in the same process.

import type { Clock } from '../base/ports.ts';

const {
  setTimeout: startTimer,
  clearTimeout: stopTimer,
  setImmediate: afterTurn,
  Date: Time,
} = globalThis;
const wallClock = Time.now.bind(Time);
const steadyClock = performance.now.bind(performance);

/** The longest delay that Node's timers take; anything longer is waited for in steps. */
const DELAY_MAX_MS = 2 ** 31 - 1;

function timers(keepAlive: boolean): Clock['setTimer'] {
  return (delayMs, fire) => {
    let restMs = Math.max(0, delayMs);
    let handle: NodeJS.Timeout;
    const step = (): void => {
      const waitMs = Math.min(restMs, DELAY_MAX_MS);
      restMs -= waitMs;
      handle = startTimer(restMs > 0 ? step : fire, waitMs);
      if (!keepAlive) handle.unref();
    };
    step();
    return () => stopTimer(handle);
  };
}

/** The clock of the machine. Its timers never keep the process alive. */
export const nodeClock: Clock = {
  now: () => wallClock(),
  monotonic: () => steadyClock(),
  setTimer: timers(false),
  defer: (fire) => {
    afterTurn(fire);
  },
};

/**
 * The clock of clients: a program that awaits a client which waits (for a retry, say, with no connection at the time)
 * must not end for lack of anything else to do.
 */
export const clientClock: Clock = { ...nodeClock, setTimer: timers(true) };
