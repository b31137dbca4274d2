import { describe, expect, test } from 'vitest';
import { ByteSizeError, formatByteSize, parseByteSize } from '../../../src/base/byte-size.ts';
import { DurationError, formatDuration, parseDuration } from '../../../src/base/duration.ts';

describe('durations', () => {
  test.each([
    ['0', 0],
    ['5000', 5000],
    ['250ms', 250],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1h30m', 5_400_000],
    ['1.5d', 129_600_000],
    ['7d', 604_800_000],
    ['2W', 1_209_600_000],
    [' 10s ', 10_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['', 'm', '5 minutes', '-5s', '1e3s', '5y', '99999999999999999w', '1h 30m'])(
    '"%s" is refused with an example',
    (text) => {
      expect(() => parseDuration(text)).toThrow(DurationError);
    },
  );

  test('the shortest text reads back as the same length', () => {
    expect(formatDuration(90_000)).toBe('1m30s');
    for (const ms of [0, 1, 999, 1000, 86_400_000, 123_456_789, 604_800_000]) {
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    }
  });
});

describe('byte sizes', () => {
  test.each([
    ['512', 512],
    ['10MB', 10_000_000],
    ['10m', 10_000_000],
    ['64KiB', 65_536],
    ['1.5 GiB', 1_610_612_736],
    ['1tib', 1_099_511_627_776],
    ['7b', 7],
  ])('%s', (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  test.each(['', 'MB', '-1', '1XB', '1e3', '99999999TiB', 'constructor', '5constructor'])(
    '"%s" is refused with an example',
    (text) => {
      expect(() => parseByteSize(text)).toThrow(ByteSizeError);
    },
  );

  test('are shown rounded', () => {
    expect([0, 512, 1536, 1048576, 123456789].map(formatByteSize)).toEqual([
      '0 B',
      '512 B',
      '1.5 KiB',
      '1 MiB',
      '118 MiB',
    ]);
  });
});
