import { expect, test } from 'vitest';
import { transactionRecordOf } from '../../../src/cli/inspect/transaction-record.ts';

/** From `__transaction_state` of Apache Kafka 4.3.1, and what its own tool says of it. */
const key = Buffer.from('00000003747831', 'hex');
const value = Buffer.from(
  '0001000000000000000000000000ea60020206706c61696e020000000000000001a22905acc7000001a22905aca60100080000000000000000',
  'hex',
);

test('a transaction as Apache Kafka keeps it', () => {
  expect(transactionRecordOf({ key, value })).toMatchObject({
    transactionalId: 'tx1',
    value: {
      producerId: 0,
      previousProducerId: 0,
      producerEpoch: 0,
      transactionTimeoutMs: 60_000,
      transactionStatus: 'PrepareCommit',
      transactionPartitions: [{ topic: 'plain', partitionIds: [0] }],
      transactionLastUpdateTimestampMs: 1_795_984_567_495,
      transactionStartTimestampMs: 1_795_984_567_462,
    },
  });
  expect(transactionRecordOf({ key, value: null })).toEqual({
    transactionalId: 'tx1',
    value: null,
  });
});

test.each([
  ['no key', null, value],
  ['a key of another kind', Buffer.from('0009', 'hex'), value],
  ['a value that is cut off', key, value.subarray(0, 20)],
  ['a value of a later version', key, Buffer.from('0063', 'hex')],
])('%s is left as bytes', (_, otherKey, otherValue) => {
  expect(transactionRecordOf({ key: otherKey, value: otherValue })).toBe(null);
});
