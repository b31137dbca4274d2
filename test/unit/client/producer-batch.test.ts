import { expect, test } from 'vitest';
import { ProducerBatch } from '../../../src/client/producer/batch.ts';
import {
  BatchField,
  BatchHeader,
  setMaxTimestampAndLogAppendTime,
  validateBatch,
} from '../../../src/record/index.ts';

/** What a broker in this process writes into the batch that it was given. */
function store(bytes: Buffer): void {
  bytes.writeBigInt64BE(57n, BatchField.baseOffset);
  bytes.writeInt32BE(3, BatchField.partitionLeaderEpoch);
  setMaxTimestampAndLogAppendTime(bytes, 5000);
}

test('a batch that goes again is as it was made, whatever a broker in this process wrote into it', () => {
  const batch = new ProducerBatch({ topic: 't', partition: 0 }, 0, {
    codec: 'none',
    capacity: 100,
    onFault: () => {},
  });
  const record = { timestamp: 1000, key: null, value: Buffer.from('value') };
  batch.tryAppend(record, 1000, null, null);
  batch.identity = { producerId: 7, producerEpoch: 0, baseSequence: 4 };
  const first = batch.bytes();
  const made = Buffer.from(first);
  store(first);
  const second = batch.bytes();
  expect(second.equals(made)).toBe(true);
  expect(second.buffer === first.buffer && second.byteOffset === first.byteOffset).toBe(false);

  store(second);
  batch.identity = { producerId: 7, producerEpoch: 1, baseSequence: 0 };
  for (const bytes of [batch.bytes(), batch.bytes()]) {
    const header = validateBatch(bytes, { produceVersion: 13, maxMessageBytes: 1000 });
    expect(header.maxTimestamp).toBe(1000);
    expect([header.producerEpoch, header.baseSequence]).toEqual([1, 0]);
    store(bytes);
  }
  expect(new BatchHeader(first).baseOffset).toBe(57);
});
