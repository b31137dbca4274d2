// Loaded into a broker by NODE_OPTIONS=--import: appends the event loop's delay of each second to a file, in
// milliseconds, `p50 p99 max` a line. The file's name is in BENCH_DELAY_FILE.

import { appendFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const file = process.env['BENCH_DELAY_FILE'];
/** The histogram counts the time between ticks, so that much of it is no delay. */
const RESOLUTION_MS = 5;

if (isMainThread && file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const write = (): void => {
    const [p50 = 0, p99 = 0, max = 0] = [delay.percentile(50), delay.percentile(99), delay.max].map(
      (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS),
    );
    appendFileSync(file, `${p50.toFixed(2)} ${p99.toFixed(2)} ${max.toFixed(2)}\n`);
    delay.reset();
  };
  setInterval(write, 1000).unref();
}
