import { describe, expect, test } from 'vitest';
import { KafkaError } from '../../../src/base/kafka-errors.ts';
import { ProducerStates } from '../../../src/engine/producer-state.ts';

const PID = 7;

/** Appends as a partition does; answers the base offset, 'duplicate <offset>', or the error's code. */
class Log {
  readonly states = new ProducerStates();
  #end = 0;

  append(epoch: number, baseSequence: number, count: number, nowMs = 0): number | string {
    const lastSequence = (baseSequence + count - 1) % 2 ** 31;
    const claim = { producerId: PID, epoch, baseSequence, lastSequence };
    try {
      const known = this.states.check(claim);
      if (known !== null) return `duplicate ${known.baseOffset}`;
    } catch (error) {
      if (error instanceof KafkaError) return error.code;
      throw error;
    }
    const baseOffset = this.#end;
    this.#end += count;
    const lastOffset = this.#end - 1;
    const batch = { baseSequence, lastSequence, baseOffset, lastOffset, timestampMs: 5 };
    this.states.apply(PID, epoch, batch, nowMs);
    return baseOffset;
  }
}

describe('producer state', () => {
  test('a producer without state may begin at any sequence', () => {
    const log = new Log();
    expect(log.append(3, 1000, 10)).toBe(0);
    expect(log.append(3, 1010, 1)).toBe(10);
  });

  test('a gap and an overlap are refused, and change nothing', () => {
    const log = new Log();
    log.append(0, 0, 10);
    expect(log.append(0, 11, 1)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(log.append(0, 9, 2)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(log.append(0, 10, 1)).toBe(10);
  });

  test('each of the last five batches is recognised, the sixth is out of order', () => {
    const log = new Log();
    for (let batch = 0; batch < 6; batch += 1) log.append(0, batch * 2, 2);
    expect([1, 2, 3, 4, 5].map((batch) => log.append(0, batch * 2, 2))).toEqual([
      'duplicate 2',
      'duplicate 4',
      'duplicate 6',
      'duplicate 8',
      'duplicate 10',
    ]);
    expect(log.append(0, 0, 2)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
  });

  test('part of a stored batch is no duplicate', () => {
    const log = new Log();
    log.append(0, 0, 4);
    expect(log.append(0, 0, 2)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
  });

  test('sequences go on from 0 after 2³¹−1, also inside a batch', () => {
    const log = new Log();
    log.append(0, 2 ** 31 - 1, 1);
    expect(log.append(0, 0, 1)).toBe(1);
    const other = new Log();
    other.append(0, 2 ** 31 - 2, 4);
    expect(other.append(0, 2 ** 31 - 2, 4)).toBe('duplicate 0');
    expect(other.append(0, 2, 1)).toBe(4);
  });

  test('a new epoch begins at 0, and the old one is refused from then on', () => {
    const log = new Log();
    log.append(1, 0, 5);
    expect(log.append(2, 5, 1)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(log.append(2, 0, 1)).toBe(5);
    expect(log.append(1, 5, 1)).toBe('INVALID_PRODUCER_EPOCH');
    // A batch of the old epoch with the same sequences is no duplicate of the new one's.
    expect(log.append(1, 0, 1)).toBe('INVALID_PRODUCER_EPOCH');
  });

  test('an idle producer is forgotten, one in a transaction is not', () => {
    const log = new Log();
    log.append(0, 0, 1, 1000);
    expect(log.states.expire(1999, 1000)).toBe(0);
    const [entry] = log.states.entries();
    entry!.transactionStartOffset = 0;
    expect(log.states.expire(2000, 1000)).toBe(0);
    entry!.transactionStartOffset = -1;
    expect(log.states.expire(2000, 1000)).toBe(1);
    expect(log.states.size).toBe(0);
    expect(log.append(0, 77, 1)).toBe(1);
  });

  test('infos are what DescribeProducers shows', () => {
    const log = new Log();
    log.append(4, 0, 3);
    expect(log.states.infos()).toEqual([
      {
        producerId: PID,
        producerEpoch: 4,
        lastSequence: 2,
        lastTimestampMs: 5,
        coordinatorEpoch: -1,
        currentTransactionStartOffset: -1,
      },
    ]);
  });
});
