import { describe, expect, test } from 'vitest';
import {
  decodeProducerSnapshot,
  encodeProducerSnapshot,
  ProducerSnapshotError,
} from '../../../src/engine/producer-snapshot.ts';
import { ProducerStates } from '../../../src/engine/producer-state.ts';

function sample(): ProducerStates {
  const states = new ProducerStates();
  for (let batch = 0; batch < 7; batch += 1) {
    const offset = 2 ** 40 + batch * 3;
    states.apply(
      2 ** 50,
      9,
      {
        baseSequence: batch * 3,
        lastSequence: batch * 3 + 2,
        baseOffset: offset,
        lastOffset: offset + 2,
        timestampMs: 1_700_000_000_000 + batch,
      },
      1_800_000_000_000,
    );
  }
  const wrapped = { baseSequence: 2 ** 31 - 2, lastSequence: 1, baseOffset: 0, lastOffset: 3 };
  states.apply(0, 0, { ...wrapped, timestampMs: -1 }, 0);
  return states;
}

describe('producer snapshots', () => {
  test('keep every field of every producer, five batches each', () => {
    const states = sample();
    const back = decodeProducerSnapshot(encodeProducerSnapshot(states));
    expect([...back.entries()]).toEqual([...states.entries()]);
    expect([...back.entries()][0]!.batches).toHaveLength(5);
  });

  test('an empty state is a snapshot too', () => {
    expect(decodeProducerSnapshot(encodeProducerSnapshot(new ProducerStates())).size).toBe(0);
  });

  test('cut at any byte, or with any byte changed, they are refused', () => {
    const bytes = encodeProducerSnapshot(sample());
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => decodeProducerSnapshot(bytes.subarray(0, length))).toThrow(
        ProducerSnapshotError,
      );
    }
    for (let at = 0; at < bytes.length; at += 1) {
      // Bytes 6 and 7 are unused.
      if (at === 6 || at === 7) continue;
      const changed = Buffer.from(bytes);
      changed[at]! ^= 0x41;
      expect(() => decodeProducerSnapshot(changed), `byte ${at}`).toThrow(ProducerSnapshotError);
    }
  });
});
