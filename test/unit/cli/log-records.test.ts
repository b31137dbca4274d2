// Records of Apache Kafka's internal logs, from a data directory of 4.3.1, and what its own tool says of them.

import { describe, expect, test } from 'vitest';
import { metadataRecordOf, raftControlOf } from '../../../src/cli/inspect/metadata-record.ts';
import { shareGroupRecordOf, shareStateRecordOf } from '../../../src/cli/inspect/share-record.ts';
import { encodeVersioned } from '../../../src/protocol/index.ts';
import { ShareGroupMetadataValue } from '../../../src/protocol/log-records/share-groups.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

describe('__cluster_metadata', () => {
  test.each([
    [
      'PARTITION_RECORD',
      2,
      '0103020000000078d4b64946c5481a84c967b39e80c24302000000010200000001010100000001000000000000000002360afb03295a49b79ed7794a409ce11100',
      {
        partitionId: 0,
        topicId: 'eNS2SUbFSBqEyWeznoDCQw',
        replicas: [1],
        isr: [1],
        removingReplicas: [],
        addingReplicas: [],
        leader: 1,
        leaderEpoch: 0,
        partitionEpoch: 0,
        directories: ['Ngr7AylaSbee13lKQJzhEQ'],
      },
    ],
    [
      'BROKER_REGISTRATION_CHANGE_RECORD',
      3,
      '01110300000001000000000000000e01030101',
      { brokerId: 1, brokerEpoch: 14, cordonedLogDirs: [] },
    ],
    [
      'CONFIG_RECORD',
      0,
      '0104000401146d696e2e696e73796e632e7265706c69636173023100',
      { resourceType: 4, resourceName: '', name: 'min.insync.replicas', value: '1' },
    ],
    [
      'BEGIN_TRANSACTION_RECORD',
      0,
      '01170001001212426f6f747374726170207265636f726473',
      { name: 'Bootstrap records' },
    ],
    [
      'CLIENT_QUOTA_RECORD',
      0,
      '010e00020a636c69656e742d6964036331001370726f64756365725f627974655f72617465408f4000000000000000',
      {
        entity: [{ entityType: 'client-id', entityName: 'c1' }],
        key: 'producer_byte_rate',
        value: 1000,
        remove: false,
      },
    ],
    ['NO_OP_RECORD', 0, '01140000', {}],
  ])('%s', (type, version, bytes, data) => {
    expect(metadataRecordOf({ value: hex(bytes) })).toEqual({ type, version, data });
  });

  test.each([
    ['nothing', null],
    ['another frame', hex('02140000')],
    ['a type that there is not', hex('01060000')],
    ['a later version', hex('0102090000')],
    ['bytes that end too early', hex('0103020000000078d4')],
    ['text', Buffer.from('hello')],
  ])('%s is left as bytes', (_, value) => {
    expect(metadataRecordOf({ value })).toBe(null);
  });

  test('a control record says who leads', () => {
    const key = hex('00000002');
    const value = hex('0000000000010200000001000200000001000000');
    expect(raftControlOf({ key, value })).toEqual({
      version: 0,
      leaderId: 1,
      voters: [{ voterId: 1 }],
      grantingVoters: [{ voterId: 1 }],
    });
    expect(raftControlOf({ key, value: value.subarray(0, 9) })).toBe(null);
    // The end of a transaction is none of KRaft's.
    expect(raftControlOf({ key: hex('00000001'), value: hex('000000000000') })).toBe(null);
  });
});

describe('share groups', () => {
  const key = hex('00010002736778d4b64946c5481a84c967b39e80c24300000002');
  const value = hex(
    '00000000000000000000000000000000000002000000000000000000000000000000a902000100010004000000aa',
  );
  const plainKey = { groupId: 'sg', topicId: 'eNS2SUbFSBqEyWeznoDCQw', partition: 2 };

  test('how far one is in a partition', () => {
    expect(shareStateRecordOf({ key, value })).toEqual({
      type: 'ShareUpdate',
      key: plainKey,
      version: 0,
      value: {
        snapshotEpoch: 0,
        leaderEpoch: 0,
        startOffset: 0,
        deliveryCompleteCount: 170,
        stateBatches: [{ firstOffset: 0, lastOffset: 169, deliveryState: 2, deliveryCount: 1 }],
      },
    });
    expect(shareStateRecordOf({ key, value: null })).toEqual({
      type: 'ShareUpdate',
      key: plainKey,
      value: null,
    });
    expect(shareStateRecordOf({ key, value: value.subarray(0, 10) })).toBe(null);
    expect(shareGroupRecordOf({ key, value })).toBe(null);
  });

  test('a number that is too large for us is not taken for another', () => {
    const own = { epoch: 3, metadataHash: Number.MIN_SAFE_INTEGER };
    const bytes = encodeVersioned(ShareGroupMetadataValue, 0, own);
    expect(shareGroupRecordOf({ key: hex('000b00027367'), value: bytes })).toEqual({
      type: 'ShareGroupMetadata',
      key: { groupId: 'sg' },
      version: 0,
      value: { epoch: 3, metadataHash: '-9007199254740991 or less' },
    });
  });
});
