// Records of `__consumer_offsets` survive their bytes, and bytes that are none are refused without harm.

import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/ports.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import {
  decodeRecord,
  defaultGroupConfig,
  encodeRecord,
  type GroupRecord,
} from '../../src/coordinator/index.ts';
import { GroupMachine } from '../../src/coordinator/machine.ts';
import type { GroupMetadataRecord, OffsetRecord } from '../../src/coordinator/records.ts';
import { ProtocolError } from '../../src/protocol/index.ts';
import { fc } from '../support/fast-check.ts';
import { Topics } from '../unit/coordinator/harness.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const int32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const time = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array));
const id = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((array) => Buffer.from(array).toString('base64url'));

const offsetRecord: fc.Arbitrary<OffsetRecord> = fc.record({
  kind: fc.constant('offset' as const),
  group: text,
  topic: text,
  partition: int32,
  value: fc.option(
    fc.record({
      offset: time,
      leaderEpoch: int32,
      metadata: text,
      commitTimestamp: time,
      expireTimestamp: fc.constant(-1),
      topicId: id,
    }),
  ),
});

const groupRecord: fc.Arbitrary<GroupMetadataRecord> = fc.record({
  kind: fc.constant('group' as const),
  group: text,
  value: fc.option(
    fc.record({
      protocolType: text,
      generation: int32,
      protocol: fc.option(text),
      leader: fc.option(text),
      currentStateTimestamp: time,
      members: fc.array(
        fc.record({
          memberId: text,
          groupInstanceId: fc.option(text),
          clientId: text,
          clientHost: text,
          rebalanceTimeout: int32,
          sessionTimeout: int32,
          subscription: bytes,
          assignment: bytes,
        }),
        { maxLength: 5 },
      ),
    }),
  ),
});

const anyRecord: fc.Arbitrary<GroupRecord> = fc.oneof(offsetRecord, groupRecord);

test('what is written is read back', () => {
  fc.assert(
    fc.property(anyRecord, time, (record, timestampMs) => {
      const encoded = encodeRecord(record, timestampMs);
      expect(encoded.timestampMs).toBe(timestampMs);
      expect(decodeRecord(encoded)).toEqual(record);
    }),
  );
});

test('any bytes decode, are left alone, or are refused with a ProtocolError', () => {
  fc.assert(
    fc.property(bytes, fc.option(bytes), (key, value) => {
      try {
        decodeRecord({ key, value, timestampMs: 0 });
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
  );
});

test('no record, however odd, keeps a machine from loading the next', () => {
  const wanted = encodeRecord({ kind: 'group', group: 'last', value: null }, 0);
  fc.assert(
    fc.property(fc.array(anyRecord, { maxLength: 10 }), (records) => {
      const machine = new GroupMachine({
        config: defaultGroupConfig,
        random: new SeededRandom(1),
        logger: silentLogger,
        topics: new Topics(),
      });
      for (const record of records) {
        machine.replay({ kind: 'record', record: encodeRecord(record, 0), transaction: null });
      }
      machine.replay({ kind: 'record', record: wanted, transaction: null });
      machine.loaded(machine.newStep(0));
      const alive = records.filter(
        (record, index) =>
          record.kind === 'offset' &&
          record.value !== null &&
          !records.slice(index + 1).some((later) => samePlace(record, later)),
      );
      for (const record of alive) {
        if (record.kind !== 'offset') continue;
        const { group, topic, partition, value } = record;
        expect(machine.offsets.get(group, topic, partition)?.value).toEqual(value);
        expect(machine.groups.has(group)).toBe(true);
      }
    }),
  );
});

function samePlace(a: GroupRecord, b: GroupRecord): boolean {
  return (
    a.kind === 'offset' &&
    b.kind === 'offset' &&
    a.group === b.group &&
    a.topic === b.topic &&
    a.partition === b.partition
  );
}
