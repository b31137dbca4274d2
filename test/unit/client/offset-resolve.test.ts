import { expect, test } from 'vitest';
import { type OffsetLookup, resolveOffset } from '../../../src/client/offset-resolve.ts';

const lookup = (committed: number | null): OffsetLookup => ({
  earliest: async () => 100,
  latest: async () => 200,
  atTime: async (timestampMs) =>
    timestampMs > 5000 ? null : { offset: 150, timestampMs: Math.max(timestampMs, 1500) },
  committed: async () => committed,
});

test.each([
  [{ kind: 'earliest' }, 100, 'earliest → offset 100'],
  [{ kind: 'latest' }, 200, 'latest → offset 200'],
  [{ kind: 'offset', offset: 150 }, 150, 'offset 150'],
  [{ kind: 'offset', offset: 3 }, 100, 'before the log'],
  [{ kind: 'offset', offset: 999 }, 200, 'after the log'],
  [{ kind: 'last', count: 10 }, 190, '-10 → offset 190'],
  [{ kind: 'last', count: 1000 }, 100, '→ offset 100'],
  [{ kind: 'committed', shift: 0 }, 120, 'committed → offset 120'],
  [{ kind: 'committed', shift: 10 }, 130, 'committed+10 → offset 130'],
  [{ kind: 'timestamp', timestampMs: 1000 }, 150, 'record of 1970-01-01T00:00:01.500Z'],
  [{ kind: 'timestamp', timestampMs: 9000 }, 200, 'no record that late'],
] as const)('%j', async (spec, offset, words) => {
  const resolved = await resolveOffset(spec, lookup(120));
  expect(resolved.offset).toBe(offset);
  expect(resolved.note).toContain(words);
});

test('a group without a commit starts at the earliest record and says so', async () => {
  const resolved = await resolveOffset({ kind: 'committed', shift: 5 }, lookup(null));
  expect(resolved.offset).toBe(100);
  expect(resolved.note).toContain('nothing committed yet');
});
