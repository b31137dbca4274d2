// Record batches that are wrong in one way each. The broker names what is wrong, stores nothing of
// it, and lets no bad batch keep a good one of the same request from being stored.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ErrorCode, errorName } from '../../src/base/kafka-errors.ts';
import { CreateTopics, DeleteTopics, Produce, ZERO_UUID } from '../../src/protocol/index.ts';
import { BatchField, rewriteBatchCrc } from '../../src/record/index.ts';
import {
  type BrokerUnderAttack,
  brokerUnderAttack,
  fetchAll,
  goodBatch,
  produce,
  TOPIC,
} from './support/broker-under-attack.ts';
import type { WireClient } from './support/wire-client.ts';

let target: BrokerUnderAttack;
let client: WireClient;

beforeAll(async () => {
  target = await brokerUnderAttack(4);
});

afterAll(() => target.close());

beforeEach(async () => {
  client?.destroy();
  client = await target.connect();
});

/** A good batch after `change`, with a right CRC again unless told otherwise. */
function changed(change: (batch: Buffer) => void, crc: 'right' | 'as it was' = 'right'): Buffer {
  const batch = goodBatch();
  change(batch);
  if (crc === 'right') rewriteBatchCrc(batch);
  return batch;
}

describe('one wrong thing in a batch', () => {
  const cases: readonly (readonly [name: string, batch: () => Buffer, code: string])[] = [
    [
      'a flipped bit in a record',
      () => changed((b) => flip(b, 70), 'as it was'),
      'CORRUPT_MESSAGE',
    ],
    ['a wrong CRC', () => changed((b) => flip(b, BatchField.crc), 'as it was'), 'CORRUPT_MESSAGE'],
    [
      'magic 0',
      () => changed((b) => b.writeInt8(0, BatchField.magic), 'as it was'),
      'INVALID_RECORD',
    ],
    [
      'magic 1',
      () => changed((b) => b.writeInt8(1, BatchField.magic), 'as it was'),
      'INVALID_RECORD',
    ],
    [
      'magic 3',
      () => changed((b) => b.writeInt8(3, BatchField.magic), 'as it was'),
      'CORRUPT_MESSAGE',
    ],
    [
      'no records',
      () => changed((b) => b.writeInt32BE(0, BatchField.recordCount)),
      'INVALID_RECORD',
    ],
    [
      'a negative count',
      () => changed((b) => b.writeInt32BE(-1, BatchField.recordCount)),
      'INVALID_RECORD',
    ],
    [
      'a count that is too high',
      () => changed((b) => b.writeInt32BE(4, BatchField.recordCount)),
      'INVALID_RECORD',
    ],
    [
      'a last offset delta that is too high',
      () => changed((b) => b.writeInt32BE(99, BatchField.lastOffsetDelta)),
      'INVALID_RECORD',
    ],
    [
      'more records than bytes, for billions of offsets',
      () =>
        changed((b) => {
          b.writeInt32BE(0x7fff_ffff, BatchField.recordCount);
          b.writeInt32BE(0x7fff_fffe, BatchField.lastOffsetDelta);
        }),
      'INVALID_RECORD',
    ],
    [
      'a negative last offset delta',
      () => changed((b) => b.writeInt32BE(-1, BatchField.lastOffsetDelta)),
      'INVALID_RECORD',
    ],
    [
      'the control bit',
      () => changed((b) => b.writeInt16BE(0x20, BatchField.attributes)),
      'INVALID_RECORD',
    ],
  ];

  test.each(cases)('%s', async (_name, batch, code) => {
    const before = target.sizes();
    const [answer] = await produce(client, [batch()]);
    expect(errorName(answer?.errorCode ?? 0)).toBe(code);
    expect(answer?.errorMessage).toBeTruthy();
    expect(answer?.baseOffset).toBe(-1);
    expect(target.sizes()).toEqual(before);
    await target.expectAlive();
  });

  test.each([5, 6, 7])('codec %d', async (codec) => {
    const before = target.sizes();
    const batch = changed((b) => b.writeInt16BE(codec, BatchField.attributes));
    const [answer] = await produce(client, [batch]);
    expect(answer?.errorCode).not.toBe(0);
    expect(target.sizes()).toEqual(before);
  });

  test.each([
    ['shorter than it says', -1],
    ['shorter than a header', -60],
    ['longer than it says', 7],
  ])('a batch that is %s', async (_name, difference) => {
    const before = target.sizes();
    const good = goodBatch();
    const bytes =
      difference < 0
        ? good.subarray(0, Math.max(0, good.byteLength + difference))
        : Buffer.concat([good, Buffer.alloc(difference)]);
    const [answer] = await produce(client, [bytes]);
    expect(answer?.errorCode).not.toBe(0);
    expect(target.sizes()).toEqual(before);
  });

  test.each([0, -1, 12, 48, 0x7fff_ffff, -0x8000_0000])('a batch length of %d', async (length) => {
    const before = target.sizes();
    const batch = changed((b) => b.writeInt32BE(length, BatchField.batchLength), 'as it was');
    const [answer] = await produce(client, [batch]);
    expect(answer?.errorCode).not.toBe(0);
    expect(target.sizes()).toEqual(before);
  });

  test('two batches in one partition', async () => {
    const before = target.sizes();
    const [answer] = await produce(client, [Buffer.concat([goodBatch(), goodBatch()])]);
    expect(errorName(answer?.errorCode ?? 0)).toBe('INVALID_RECORD');
    expect(target.sizes()).toEqual(before);
  });

  test.each([
    ['null', null],
    ['empty', Buffer.alloc(0)],
  ])('records that are %s', async (_name, records) => {
    const before = target.sizes();
    const [answer] = await produce(client, [records]);
    expect(errorName(answer?.errorCode ?? 0)).toBe('INVALID_RECORD');
    expect(target.sizes()).toEqual(before);
  });

  test('a batch larger than max.message.bytes', async () => {
    const before = target.sizes();
    const [answer] = await produce(client, [goodBatch('x'.repeat(1_100_000), 1)]);
    expect(errorName(answer?.errorCode ?? 0)).toBe('MESSAGE_TOO_LARGE');
    expect(target.sizes()).toEqual(before);
  });
});

describe('many partitions in one request', () => {
  test.each([0, 1, 2, 3])('a wrong CRC in partition %d harms no other', async (bad) => {
    const before = target.sizes();
    const batches = [0, 1, 2, 3].map((index) =>
      index === bad ? changed((b) => flip(b, 80), 'as it was') : goodBatch(`p${index}`),
    );
    const answers = await produce(client, batches);
    const codes = answers.map(({ errorCode }) => errorCode);
    expect(codes).toEqual([0, 1, 2, 3].map((index) => (index === bad ? 2 : 0)));
    const grown = target.sizes().map((size, index) => size - (before[index] ?? 0));
    expect(grown).toEqual(batches.map((batch, index) => (index === bad ? 0 : batch.byteLength)));
  });

  test('unknown partitions and topics harm no other', async () => {
    const answer = await client.call(Produce, 9, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        {
          name: 'nowhere',
          topicId: ZERO_UUID,
          partitionData: [{ index: 0, records: goodBatch() }],
        },
        {
          name: TOPIC,
          topicId: ZERO_UUID,
          partitionData: [0, 99, -1].map((index) => ({ index, records: goodBatch() })),
        },
      ],
    });
    const codes = answer.responses.map(({ partitionResponses }) =>
      partitionResponses.map(({ errorCode }) => errorName(errorCode)),
    );
    const unknown = 'UNKNOWN_TOPIC_OR_PARTITION';
    expect(codes).toEqual([[unknown], ['NONE', unknown, unknown]]);
  });
});

describe('acks', () => {
  test.each([2, -2, 127])('%d is INVALID_REQUIRED_ACKS, and nothing is stored', async (acks) => {
    const before = target.sizes();
    const answers = await produce(client, [goodBatch(), goodBatch()], { acks });
    const wanted = ErrorCode.INVALID_REQUIRED_ACKS;
    expect(answers.map(({ errorCode }) => errorCode)).toEqual([wanted, wanted]);
    expect(target.sizes()).toEqual(before);
  });

  test('0 is not answered; an error then closes the connection', async () => {
    const send = (acks: number, records: Buffer) =>
      produce(client, [records], { acks }).catch((error: Error) => error.message);
    const refused = send(0, Buffer.alloc(3));
    expect(await refused).toMatch(/closed the connection/);
    await client.closed;
    await target.expectAlive();
  });
});

test('a batch that was stored is given out as it was sent', async () => {
  const batch = goodBatch('round');
  const [answer] = await produce(client, [null, null, null, batch]).then((all) => all.slice(3));
  expect(answer?.errorCode).toBe(0);
  const fetched = await fetchAll(client, 3, answer?.baseOffset);
  const records = fetched?.records as Buffer;
  // All but the base offset and the leader epoch, which are the broker's.
  expect(records.subarray(16).equals(batch.subarray(16))).toBe(true);
});

test('records for a topic that was deleted meanwhile are refused', async () => {
  const name = 'short-lived';
  const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  const created = await client.call(CreateTopics, 7, { topics: [topic] });
  const topicId = created.topics[0]?.topicId ?? '';
  await client.call(DeleteTopics, 4, { topicNames: [name], timeoutMs: 1000 });
  await client.call(CreateTopics, 7, { topics: [topic] });
  const answer = await client.call(Produce, 13, {
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ topicId, partitionData: [{ index: 0, records: goodBatch() }] }],
  });
  const code = answer.responses[0]?.partitionResponses[0]?.errorCode ?? 0;
  expect(errorName(code)).toBe('UNKNOWN_TOPIC_ID');
});

function flip(bytes: Buffer, position: number): void {
  bytes[position] = (bytes[position] ?? 0) ^ 0x10;
}
