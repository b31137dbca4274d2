import { expect, test } from 'vitest';
import { openFilesAllowed } from '../../../src/host/open-files.ts';

const limits = (
  soft: string,
) => `Limit                     Soft Limit           Hard Limit           Units
Max stack size            8388608              unlimited            bytes
Max open files            ${soft.padEnd(21)}1048576              files
Max locked memory         67108864             67108864             bytes
`;

test('a share of the limit, within bounds', () => {
  expect(openFilesAllowed(limits('20000'))).toBe(5000);
  expect(openFilesAllowed(limits('64'))).toBe(128);
  expect(openFilesAllowed(limits('1048576'))).toBe(openFilesAllowed(limits('unlimited')));
  expect(openFilesAllowed(limits('unlimited'))).toBeLessThan(100_000);
});

test('a careful number where the system tells nothing', () => {
  expect(openFilesAllowed(null)).toBeLessThan(1024);
  expect(openFilesAllowed('something else')).toBeLessThan(1024);
  expect(openFilesAllowed()).toBeGreaterThan(100);
});
