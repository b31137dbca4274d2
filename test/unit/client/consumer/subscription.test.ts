import { describe, expect, test } from 'vitest';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../../src/client/consumer/subscription.ts';

const owned = [
  { topic: 'a', partition: 1 },
  { topic: 'a', partition: 2 },
  { topic: 'b', partition: 0 },
];
const own = { topics: ['b', 'a'], owned, last: owned, generation: 7 };
const asMember = (metadata: Buffer) => ({ memberId: 'm', groupInstanceId: null, metadata });

describe('subscriptions', () => {
  test('cooperative-sticky: the bytes that kafka-clients 4.3 writes', () => {
    // ConsumerProtocol.serializeSubscription(new Subscription(List.of("a"), <int32 7>, [a-1], 7, empty), 3)
    const bytes = encodeSubscription('cooperative-sticky', {
      topics: ['a'],
      owned: [{ topic: 'a', partition: 1 }],
      last: [],
      generation: 7,
    });
    const expected = '0003' + '00000001' + '000161' + '0000000400000007';
    const rest = '00000001' + '000161' + '00000001' + '00000001' + '00000007' + 'ffff';
    expect(bytes.toString('hex')).toBe(expected + rest);
  });

  test.each(['cooperative-sticky', 'sticky', 'range'] as const)('%s is read back', (assignor) => {
    const read = decodeSubscription(assignor, asMember(encodeSubscription(assignor, own)));
    expect(read).toEqual({
      memberId: 'm',
      instanceId: null,
      topics: new Set(['a', 'b']),
      owned,
      generation: 7,
    });
  });

  test('version 0, as old clients and kafkajs write it', () => {
    const bytes = Buffer.from('0000' + '00000001' + '000161' + 'ffffffff', 'hex');
    const read = decodeSubscription('range', asMember(bytes));
    expect(read).toMatchObject({ topics: new Set(['a']), owned: [], generation: -1 });
  });

  test('a version 1 of the cooperative assignor has its generation in the user data', () => {
    const hex = '0001' + '00000001' + '000161' + '0000000400000009' + '00000000';
    const read = decodeSubscription('cooperative-sticky', asMember(Buffer.from(hex, 'hex')));
    expect(read.generation).toBe(9);
  });

  test('sticky: user data without generation, and such as cannot be read', () => {
    const data = Buffer.from('00000001' + '000161' + '00000001' + '00000005', 'hex');
    const version1 = (userData: Buffer) => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(userData.length);
      const head = Buffer.from('0001' + '00000001' + '000161', 'hex');
      return asMember(Buffer.concat([head, length, userData, Buffer.alloc(4)]));
    };
    expect(decodeSubscription('sticky', version1(data))).toMatchObject({
      owned: [{ topic: 'a', partition: 5 }],
      generation: -1,
    });
    const cut = decodeSubscription('sticky', version1(data.subarray(0, 9)));
    expect(cut).toMatchObject({ owned: [], generation: -1 });
  });
});

describe('assignments', () => {
  test('are read back, and nothing is an assignment of nothing', () => {
    expect(decodeAssignment(encodeAssignment(owned))).toEqual(owned);
    expect(decodeAssignment(Buffer.alloc(0))).toEqual([]);
  });
});
