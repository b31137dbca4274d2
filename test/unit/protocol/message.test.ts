import { createRequire } from 'node:module';
import { describe, expect, test, vi } from 'vitest';
import {
  apiByKey,
  ConsumerProtocolSubscription,
  coordinatorRecordTypes,
  decodeCoordinatorKey,
  decodeMessage,
  decodeVersioned,
  encodeCoordinatorKey,
  encodeMessage,
  encodeVersioned,
  FetchResponse,
  JoinGroupResponse,
  OffsetCommitRequest,
  OffsetCommitValue,
  ProtocolError,
} from '../../../src/protocol/index.ts';

test('every version of a message gives the same shape', () => {
  const request = {
    groupId: 'g',
    generationIdOrMemberEpoch: 1,
    memberId: 'm',
    topics: [
      { name: 't', partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: '' }] },
    ],
  };
  const shapes = [2, 5, 8, 9].map((version) => {
    const bytes = encodeMessage(OffsetCommitRequest, version, request);
    return decodeMessage(OffsetCommitRequest, version, bytes);
  });
  for (const shape of shapes) expect(shape).toEqual(shapes[0]);
  expect(shapes[0]).toEqual(OffsetCommitRequest.complete(request));
});

test('versions outside the range are refused', () => {
  for (const version of [1, 11, -1, 2.5, Number.NaN]) {
    expect(() => decodeMessage(OffsetCommitRequest, version, Buffer.alloc(100))).toThrow(
      /OffsetCommitRequest has versions 2 to 10/,
    );
  }
});

test('a field that the version lacks is named', () => {
  const value = { memberId: '', members: [], generationId: 1, protocolName: 'p', leader: 'l' };
  const set = { ...value, errorCode: 0, skipAssignment: true };
  expect(() => encodeMessage(JoinGroupResponse, 5, set)).toThrow(
    /version 5 has no field skipAssignment/,
  );
  expect(encodeMessage(JoinGroupResponse, 9, set).byteLength).toBeGreaterThan(0);
});

test('a missing value is refused, not written as nonsense', () => {
  const partition = {
    partitionIndex: undefined as unknown as number,
    errorCode: 0,
    highWatermark: Number.NaN,
  };
  const value = {
    throttleTimeMs: 0,
    responses: [{ partitions: [{ ...partition, abortedTransactions: null, records: null }] }],
  };
  expect(() => encodeMessage(FetchResponse, 12, value)).toThrow(ProtocolError);
});

test('complete() joins records in several buffers and refuses those still on disk', () => {
  const partition = {
    partitionIndex: 0,
    errorCode: 0,
    highWatermark: 1,
    abortedTransactions: null,
  };
  const response = (records: Parameters<typeof partitionOf>[0]) => ({
    throttleTimeMs: 0,
    responses: [{ topic: 't', partitions: [partitionOf(records)] }],
  });
  const partitionOf = (records: readonly Buffer[] | { byteLength: number }) => ({
    ...partition,
    records: records as Buffer[],
  });
  const whole = FetchResponse.complete(response([Buffer.from('ab'), Buffer.from('c')]));
  expect(whole.responses[0]?.partitions[0]?.records?.toString()).toBe('abc');
  expect(() => FetchResponse.complete(response({ byteLength: 5 }))).toThrow(/load them first/);
});

describe('values behind a version', () => {
  test('carry it as an int16', () => {
    const value = { offset: 3, leaderEpoch: -1, metadata: 'm', commitTimestamp: 9 };
    const bytes = encodeVersioned(OffsetCommitValue, 3, value);
    expect(bytes.readInt16BE(0)).toBe(3);
    expect(decodeVersioned(OffsetCommitValue, bytes)).toMatchObject(value);
    bytes.writeInt16BE(5, 0);
    expect(() => decodeVersioned(OffsetCommitValue, bytes)).toThrow(ProtocolError);
  });

  test('a subscription of a newer version reads as our newest', () => {
    const bytes = encodeVersioned(ConsumerProtocolSubscription, 3, {
      topics: ['a'],
      userData: null,
      ownedPartitions: [],
    });
    bytes.writeInt16BE(9, 0);
    const newer = Buffer.concat([bytes, Buffer.from('more')]);
    expect(decodeVersioned(ConsumerProtocolSubscription, newer, 'as-newest').topics).toEqual(['a']);
  });

  test('coordinator keys say their type', () => {
    const { OffsetCommit } = coordinatorRecordTypes;
    const key = { group: 'g', topic: 't', partition: 2 };
    const bytes = encodeCoordinatorKey(OffsetCommit, key);
    expect(bytes.toString('hex')).toBe('0001' + '000167' + '000174' + '00000002');
    expect(decodeCoordinatorKey(bytes)).toEqual({ name: 'OffsetCommit', key });
    expect(decodeCoordinatorKey(Buffer.from('7000', 'hex'))).toBeNull();
    expect(() => decodeCoordinatorKey(Buffer.from('00', 'hex'))).toThrow(ProtocolError);
  });
});

test('kafkajs finds a version that we have in every API that it speaks', () => {
  const load = createRequire(import.meta.url);
  const keys = load('kafkajs/src/protocol/requests/apiKeys') as Record<string, number>;
  let spoken = 0;
  for (const [name, key] of Object.entries(keys)) {
    const folder =
      { GroupCoordinator: 'findCoordinator' }[name] ?? name[0]!.toLowerCase() + name.slice(1);
    let versions: readonly string[];
    try {
      ({ versions } = load(`kafkajs/src/protocol/requests/${folder}`) as { versions: string[] });
    } catch {
      continue; // kafkajs has the number, but no messages
    }
    spoken++;
    const api = apiByKey(key);
    const common = versions
      .map(Number)
      .filter((v) => api && v >= api.versions[0] && v <= api.versions[1]);
    expect(common.length, name).toBeGreaterThan(0);
  }
  expect(spoken).toBe(33);
});

test('code is generated for messages that come again and again', async () => {
  vi.resetModules();
  const made = vi.fn();
  const Real = Function;
  vi.stubGlobal('Function', function counted(...args: string[]) {
    made();
    return new Real(...args);
  });
  try {
    const fresh = await import('../../../src/protocol/index.ts');
    const value = { groupId: 'g', generationId: 3, memberId: 'm' };
    const first = fresh.encodeMessage(fresh.HeartbeatRequest, 4, value);
    expect(made).not.toHaveBeenCalled();
    for (let use = 0; use < 20; use++) {
      expect(fresh.encodeMessage(fresh.HeartbeatRequest, 4, value)).toEqual(first);
    }
    expect(made).toHaveBeenCalledTimes(1);
  } finally {
    vi.unstubAllGlobals();
  }
});

test('where generated code is forbidden, the interpreter stands in', async () => {
  vi.resetModules();
  vi.stubGlobal('Function', function forbidden() {
    throw new EvalError('code generation from strings disallowed');
  });
  try {
    const fresh = await import('../../../src/protocol/index.ts');
    const value = { groupId: 'g', generationId: 3, memberId: 'm' };
    // The first uses are interpreted everywhere.
    for (let use = 0; use < 20; use++) {
      const bytes = fresh.encodeMessage(fresh.HeartbeatRequest, 4, value);
      expect(bytes.toString('hex')).toBe('0267' + '00000003' + '026d' + '00' + '00');
      const whole = { ...value, groupInstanceId: null };
      expect(fresh.decodeMessage(fresh.HeartbeatRequest, 4, bytes)).toEqual(whole);
      expect(fresh.HeartbeatRequest.complete(value)).toEqual(whole);
    }
  } finally {
    vi.unstubAllGlobals();
  }
});
