// Records of Apache Kafka's internal logs, from a data directory of 4.3.1, and what its own tool says of them.

import { describe, expect, test } from 'vitest';
import { otherGroupRecordOf, shareStateRecordOf } from '../../../src/cli/inspect/keyed-record.ts';
import {
  metadataRecordOf,
  raftControlOf,
  remoteLogRecordOf,
} from '../../../src/cli/inspect/metadata-record.ts';
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
    expect(otherGroupRecordOf({ key, value })).toBe(null);
  });

  test('a number that is too large for us is not taken for another', () => {
    const own = { epoch: 3, metadataHash: Number.MIN_SAFE_INTEGER };
    const bytes = encodeVersioned(ShareGroupMetadataValue, 0, own);
    expect(otherGroupRecordOf({ key: hex('000b00027367'), value: bytes })).toEqual({
      type: 'ShareGroupMetadata',
      key: { groupId: 'sg' },
      version: 0,
      value: { epoch: 3, metadataHash: '-9007199254740991 or less' },
    });
  });
});

describe('streams groups in __consumer_offsets, as Kafka writes them and its own converters show them', () => {
  test.each([
    [
      'StreamsGroupMetadata',
      '0011000167',
      '000000000003000000000000004d02000400000002011902156e756d2e7374616e6462792e7265706c69636173023100',
      '{"groupId":"g"}',
      '{"epoch":3,"metadataHash":77,"validatedTopologyEpoch":2,"lastAssignmentConfigs":[{"key":"num.standby.replicas","value":"1"}]}',
    ],
    [
      'StreamsGroupMetadata',
      '0011000167',
      '000000000004ffffffffffffffff00',
      '{"groupId":"g"}',
      '{"epoch":4,"metadataHash":-1}',
    ],
    [
      'StreamsGroupMemberMetadata',
      '001300016700016d',
      '000000027202630b2f3132372e302e302e31000493e0000000010270010268fde80002057a6f6e6502610000',
      '{"groupId":"g","memberId":"m"}',
      '{"instanceId":null,"rackId":"r","clientId":"c","clientHost":"/127.0.0.1","rebalanceTimeoutMs":300000,"topologyEpoch":1,"processId":"p","userEndpoint":{"host":"h","port":65000},"clientTags":[{"key":"zone","value":"a"}]}',
    ],
    [
      'StreamsGroupTargetAssignmentMetadata',
      '0014000167',
      '0000000000050100080000019aaaac2600',
      '{"groupId":"g"}',
      '{"assignmentEpoch":5,"assignmentTimestamp":1763800000000}',
    ],
    [
      'StreamsGroupTargetAssignmentMember',
      '001500016700016d',
      '000002023003000000000000000100010100',
      '{"groupId":"g","memberId":"m"}',
      '{"activeTasks":[{"subtopologyId":"0","partitions":[0,1]}],"standbyTasks":[],"warmupTasks":[]}',
    ],
    [
      'StreamsGroupCurrentMemberAssignment',
      '001600016700016d',
      '0000000000050000000401020230030000000000000001010009030000000500000005010101010100',
      '{"groupId":"g","memberId":"m"}',
      '{"memberEpoch":5,"previousMemberEpoch":4,"state":1,"activeTasks":[{"subtopologyId":"0","partitions":[0,1],"assignmentEpochs":[5,5]}],"standbyTasks":[],"warmupTasks":[],"activeTasksPendingRevocation":[],"standbyTasksPendingRevocation":[],"warmupTasksPendingRevocation":[]}',
    ],
    [
      'StreamsGroupTopology',
      '0017000167',
      '0000000000010202300203696e01020673746f7265000000000001020f636c65616e75702e706f6c69637908636f6d7061637400000101020200000101000000',
      '{"groupId":"g"}',
      '{"epoch":1,"subtopologies":[{"subtopologyId":"0","sourceTopics":["in"],"sourceTopicRegex":[],"stateChangelogTopics":[{"name":"store","partitions":0,"replicationFactor":1,"topicConfigs":[{"key":"cleanup.policy","value":"compact"}]}],"repartitionSinkTopics":[],"repartitionSourceTopics":[],"copartitionGroups":[{"sourceTopics":[0],"sourceTopicRegex":[],"repartitionSourceTopics":[]}]}]}',
    ],
  ])('%s', (type, key, value, keyJson, valueJson) => {
    const decoded = otherGroupRecordOf({ key: hex(key), value: hex(value) });
    const expected = { key: JSON.parse(keyJson), version: 0, value: JSON.parse(valueJson) };
    expect(decoded).toEqual({ type, ...expected });
    const gone = otherGroupRecordOf({ key: hex(key), value: null });
    expect(gone).toEqual({ type, key: expected.key, value: null });
  });
});

describe('__remote_log_metadata, as Kafka writes it', () => {
  const topicIdPartition = { name: 'orders', id: 'eNS2SUbFSBqEyWeznoDCQw', partition: 2 };
  const remoteLogSegmentId = { topicIdPartition, id: 'Ngr7AylaSbee13lKQJzhEQ' };
  test.each([
    [
      'REMOTE_LOG_SEGMENT_METADATA_RECORD',
      '010000076f726465727378d4b64946c5481a84c967b39e80c2430000000200360afb03295a49b79ed7794a409ce11100000000000000000000000000000000630000000100000000000003e800000000000007d00200000000000000000000000000000004000301020001000101',
      {
        remoteLogSegmentId,
        startOffset: 0,
        endOffset: 99,
        brokerId: 1,
        maxTimestampMs: 1000,
        eventTimestampMs: 2000,
        segmentLeaderEpochs: [{ leaderEpoch: 0, offset: 0 }],
        segmentSizeInBytes: 1024,
        customMetadata: 'AQI=',
        remoteLogSegmentState: 0,
        txnIndexEmpty: true,
      },
    ],
    [
      'REMOTE_LOG_SEGMENT_METADATA_UPDATE_RECORD',
      '010100076f726465727378d4b64946c5481a84c967b39e80c2430000000200360afb03295a49b79ed7794a409ce11100000000010000000000000bb8000100',
      {
        remoteLogSegmentId,
        brokerId: 1,
        eventTimestampMs: 3000,
        customMetadata: null,
        remoteLogSegmentState: 1,
      },
    ],
    [
      'REMOTE_PARTITION_DELETE_METADATA_RECORD',
      '010200076f726465727378d4b64946c5481a84c967b39e80c2430000000200000000010000000000000fa00000',
      { topicIdPartition, brokerId: 1, eventTimestampMs: 4000, remotePartitionDeleteState: 0 },
    ],
  ])('%s', (type, bytes, data) => {
    expect(remoteLogRecordOf({ value: hex(bytes) })).toEqual({ type, version: 0, data });
  });

  test('bytes that are none stay bytes', () => {
    for (const text of ['', '0109', '010000', '020000076f']) {
      expect(remoteLogRecordOf({ value: hex(text) })).toBe(null);
    }
  });
});
