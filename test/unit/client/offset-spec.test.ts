import { describe, expect, test } from 'vitest';
import {
  describeOffsetSpec,
  OffsetSpecError,
  parseOffsetRange,
  parseOffsetSpec,
} from '../../../src/client/offset-spec.ts';

const now = Date.UTC(2026, 10, 22, 12, 0, 0);
const at = (timestampMs: number) => ({ kind: 'timestamp', timestampMs });

describe('one place', () => {
  test.each([
    ['earliest', { kind: 'earliest' }],
    ['start', { kind: 'earliest' }],
    ['Beginning', { kind: 'earliest' }],
    ['latest', { kind: 'latest' }],
    ['end', { kind: 'latest' }],
    ['committed', { kind: 'committed', shift: 0 }],
    ['stored', { kind: 'committed', shift: 0 }],
    ['42', { kind: 'offset', offset: 42 }],
    ['0', { kind: 'offset', offset: 0 }],
    ['-10', { kind: 'last', count: 10 }],
    ['+10', { kind: 'committed', shift: 10 }],
    ['@1763800000000', at(1_763_800_000_000)],
    ['@1763800000', at(1_763_800_000_000)],
    ['@2026-11-22', at(Date.UTC(2026, 10, 22))],
    ['@2026-11-22T10:00:00Z', at(Date.UTC(2026, 10, 22, 10))],
    ['@2026-11-22 10:00', at(Date.UTC(2026, 10, 22, 10))],
    ['@2026-11-22T10:00:00.250+02:00', at(Date.UTC(2026, 10, 22, 8, 0, 0, 250))],
    ['@-2h', at(now - 7_200_000)],
    ['@-1h30m', at(now - 5_400_000)],
    ['2h ago', at(now - 7_200_000)],
    ['@3 d ago', at(now - 3 * 86_400_000)],
    ['@now', at(now)],
    ['  earliest ', { kind: 'earliest' }],
  ])('%s', (text, spec) => {
    expect(parseOffsetSpec(text, now)).toEqual(spec);
  });

  test.each([
    '',
    'middle',
    '4.5',
    '--3',
    '@',
    '@-2',
    '@-2x',
    '@2026-13-01',
    '@2026-02-30',
    '@2026-11-22T25:00',
    '@tomorrow',
    '99999999999999999999',
    '0x10',
    'constructor',
    'toString',
  ])('%j is refused with the grammar in the message', (text) => {
    expect(() => parseOffsetSpec(text, now)).toThrow(OffsetSpecError);
    expect(() => parseOffsetSpec(text, now)).toThrow(/earliest, latest, committed/);
  });

  test('what is described reads back as the same place', () => {
    for (const text of ['earliest', 'latest', '42', '-10', '@2026-11-22T10:00:00Z']) {
      const spec = parseOffsetSpec(text, now);
      expect(parseOffsetSpec(describeOffsetSpec(spec), now)).toEqual(spec);
    }
  });
});

describe('a range', () => {
  test.each([
    ['1..5', { from: { kind: 'offset', offset: 1 }, to: { kind: 'offset', offset: 5 } }],
    ['-10..', { from: { kind: 'last', count: 10 } }],
    ['..@2026-11-22', { to: at(Date.UTC(2026, 10, 22)) }],
    ['earliest..latest', { from: { kind: 'earliest' }, to: { kind: 'latest' } }],
    ['@-2h..@-1h', { from: at(now - 7_200_000), to: at(now - 3_600_000) }],
    ['s@1763800000000', { from: at(1_763_800_000_000) }],
    ['e@1763800000000', { to: at(1_763_800_000_000) }],
    ['7', { from: { kind: 'offset', offset: 7 } }],
  ])('%s', (text, range) => {
    expect(parseOffsetRange(text, now)).toEqual(range);
  });

  test.each(['..', '5..1', '@-1h..@-2h', '-1..-5', 'latest..5', '3..earliest', '1..2..3'])(
    '%s is refused',
    (text) => {
      expect(() => parseOffsetRange(text, now)).toThrow(OffsetSpecError);
    },
  );
});
