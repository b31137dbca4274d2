// A pass of the scrub may take days: logs that are deleted meanwhile are not held by it, nor looked at.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/ports.ts';
import { type ScrubbedLog, Scrubber } from '../../../../src/storage/damage/scrub.ts';
import { newIntegrityStats } from '../../../../src/storage/store/store-start.ts';
import { TaskOwner } from '../../../../src/storage/tasks.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';

const HOUR = 3_600_000;

test('of the logs of a pass, deleted ones are left out', async () => {
  const clock = new VirtualClock();
  const looked: string[] = [];
  const logs = ['t-0', 't-1', 't-2'].map((directory): ScrubbedLog => {
    const scrub = async () => {
      looked.push(directory);
      if (directory === 't-0') for (const gone of logs.slice(0, 2)) scrubber.forget(gone);
      return { next: null, bytes: 1 };
    };
    return { directory, scrub };
  });
  const stats = newIntegrityStats();
  const scrubber = new Scrubber({
    clock,
    logger: silentLogger,
    tasks: new TaskOwner(silentLogger),
    stats,
    settings: () => ({ bytesPerSecond: 1000, intervalMs: 1000 * HOUR }),
    logs: () => logs,
  });
  await clock.advance(HOUR);
  expect([looked, stats.scrubPasses]).toEqual([['t-0', 't-2'], 1]);
  scrubber.close();
});
