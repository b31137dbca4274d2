import { expect, test } from 'vitest';
import { formatAddress, parseBrokers } from '../../../src/client/address.ts';

test.each([
  ['localhost', [{ host: 'localhost', port: 9092 }]],
  [
    'a:1,b:2',
    [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ],
  ],
  [
    'a:1, b',
    [
      { host: 'a', port: 1 },
      { host: 'b', port: 9092 },
    ],
  ],
  ['PLAINTEXT://kafka:29092', [{ host: 'kafka', port: 29_092 }]],
  ['[::1]:9093', [{ host: '::1', port: 9093 }]],
  ['::1', [{ host: '::1', port: 9092 }]],
])('%s', (text, brokers) => {
  expect(parseBrokers(text)).toEqual(brokers);
});

test.each(['', ' , ', 'a:0', 'a:65536', 'a:b', 'a:1:2x', ':9092'])('%j is refused', (text) => {
  expect(() => parseBrokers(text)).toThrow(/broker address/);
});

test('an IPv6 address is written with brackets', () => {
  expect(formatAddress({ host: '::1', port: 9092 })).toBe('[::1]:9092');
});
