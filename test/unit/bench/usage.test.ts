// What the benchmarks count of a process and of the disk: fine enough for work of a second, and what is there.

import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  deviceWrittenBytes,
  machineUsage,
  processorTimeSource,
  runChild,
  usageOf,
} from '../../../bench/peers/index.ts';

const exact = processorTimeSource() === 'ns';
/** Whether all values are whole steps of 10 ms. */
const isCoarse = (seconds: readonly number[]): boolean =>
  seconds.every((value) => Math.abs(value * 100 - Math.round(value * 100)) < 1e-6);

test.runIf(exact)('processor time is finer than 10 ms, of others too', async () => {
  const own = Array.from({ length: 4 }, () => usageOf(process.pid).cpuSeconds);
  expect(isCoarse(own)).toBe(false);
  expect([...own].sort((a, b) => a - b)).toEqual(own);
  expect(isCoarse([usageOf(process.ppid).cpuSeconds])).toBe(false);
  const before = machineUsage().childrenSeconds;
  await runChild(process.execPath, ['-e', '']);
  const after = machineUsage().childrenSeconds;
  expect(after).toBeGreaterThan(before);
  expect(isCoarse([before, after])).toBe(false);
});

test('of a process that is gone nothing is known', () => {
  expect(usageOf(2 ** 30).cpuSeconds).toBeNaN();
});

const folder = tmpdir();
test.runIf(Number.isFinite(deviceWrittenBytes(folder)))(
  'the device has written what was synced',
  () => {
    const own = mkdtempSync(join(folder, 'bench-device-'));
    const file = openSync(join(own, 'file'), 'w');
    try {
      const bytes = 4 * 1024 * 1024;
      const before = deviceWrittenBytes(own);
      writeSync(file, Buffer.alloc(bytes, 'device'));
      fsyncSync(file);
      expect(deviceWrittenBytes(own) - before).toBeGreaterThanOrEqual(bytes);
    } finally {
      closeSync(file);
      rmSync(own, { recursive: true });
    }
  },
);

test('a folder on no device, or that is not there, has no counter', () => {
  expect(deviceWrittenBytes('/proc')).toBeNaN();
  expect(deviceWrittenBytes(join(folder, 'there is none'))).toBeNaN();
});
