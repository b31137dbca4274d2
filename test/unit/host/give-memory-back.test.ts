// What native code has free goes back to the system when it is asked for.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { nativeIo } from '../../../src/host/native-io.ts';

const io = nativeIo();
const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
const able = !('reason' in io) && report.header?.glibcVersionRuntime !== undefined;

test.skipIf(!able)('memory that buffers have left is given back once', () => {
  if ('reason' in io) return;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const all = Array.from({ length: 2000 }, () => Buffer.allocUnsafeSlow(20_000).fill(1));
  // What stays lies between what goes.
  const kept = all.filter((_, index) => index % 10 === 0);
  all.length = 0;
  collect();
  collect();
  const before = process.memoryUsage.rss();
  expect(io.trimMemory()).toBe(true);
  expect(before - process.memoryUsage.rss()).toBeGreaterThan(10_000_000);
  expect(kept).toHaveLength(200);
});
