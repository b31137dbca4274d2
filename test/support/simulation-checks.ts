// Looks into a running broker of a simulated run and compares it with the model; and compares what two recoveries of
// the same disk make of it.

import { payloadLength } from '../../src/base/payload.ts';
import type { AssembledBroker } from '../../src/compose/index.ts';
import { EVENTS_TOPIC } from '../../src/coordinator/index.ts';
import type { Partition } from '../../src/engine/index.ts';
import { DescribeGroups, ListGroups, OffsetFetch } from '../../src/protocol/index.ts';
import {
  batchBytes,
  computeBatchCrc,
  iterateBatches,
  readRecords,
  type StoredRecord,
} from '../../src/record/index.ts';
import { type FoundLog, type Model, type PartitionModel, Violation } from './simulation-model.ts';

export interface ReadLog extends FoundLog {
  readonly newestEpoch: number;
}

/** Reads a partition from start to watermark, past the broker's network side. */
export async function readLog(partition: Partition, name: string): Promise<ReadLog> {
  const { startOffset, highWatermark } = partition;
  const records: StoredRecord[] = [];
  let newestEpoch = -1;
  let offset = startOffset;
  while (offset < highWatermark) {
    const { records: payload } = await partition.read({
      offset,
      maxBytes: 100_000,
      minOneBatch: true,
      isolation: 'read_uncommitted',
      currentLeaderEpoch: -1,
    });
    if (payloadLength(payload) === 0) throw new Violation(`${name}: nothing to read at ${offset}`);
    const bytes = Array.isArray(payload) ? Buffer.concat(payload as Buffer[]) : (payload as Buffer);
    const before = offset;
    for (const header of iterateBatches(bytes)) {
      if (header.baseOffset >= highWatermark) break;
      const batch = batchBytes(header);
      if (header.crc !== computeBatchCrc(batch)) {
        throw new Violation(`${name}: a bad checksum at ${header.baseOffset}`);
      }
      if (header.partitionLeaderEpoch < newestEpoch) {
        throw new Violation(`${name}: leader epochs go back at ${header.baseOffset}`);
      }
      newestEpoch = header.partitionLeaderEpoch;
      for (const record of readRecords(batch)) if (record.offset >= offset) records.push(record);
      offset = header.nextOffset;
    }
    if (offset === before) throw new Violation(`${name}: no progress at ${offset}`);
  }
  return { startOffset, highWatermark, records, newestEpoch };
}

/** Everything that the model knows about one partition. */
export async function checkPartition(
  broker: AssembledBroker,
  model: PartitionModel,
): Promise<void> {
  const partition = broker.engine.partition(model.topic, model.index);
  if (partition === undefined) {
    if (model.due().length > 0) model.fail('the partition is gone');
    return;
  }
  if (!partition.online) model.fail('the partition is offline');
  // Appends go on while we read; what was acknowledged before we looked must be there.
  const due = model.due();
  const found = await readLog(partition, model.name);
  model.check(found, due);
  if (found.newestEpoch > partition.leaderEpoch)
    model.fail('a batch is newer than the leader epoch');
  model.epoch = Math.max(model.epoch, found.newestEpoch);
}

/** After a stop that was not clean, before any append: the leader epoch is above those of all batches. */
export function checkEpochRaised(broker: AssembledBroker, model: PartitionModel): void {
  const partition = broker.engine.partition(model.topic, model.index);
  if (partition === undefined) return;
  if (partition.leaderEpoch <= model.epoch) {
    model.fail(`leader epoch ${partition.leaderEpoch} after batches of epoch ${model.epoch}`);
  }
}

/** Topics and configs as the catalogue has them. */
export function checkCatalogue(broker: AssembledBroker, model: Model): void {
  const { engine } = broker;
  for (const [name, state] of model.topics) {
    const exists = engine.topic(name) !== undefined;
    if (state === 'exists' && !exists) throw new Violation(`topic ${name} was created and is gone`);
    if (state === 'gone' && exists) throw new Violation(`topic ${name} was deleted and is back`);
  }
  for (const [topic, register] of model.configs) {
    if (engine.topic(topic) === undefined) continue;
    register.check(engine.topic(topic)?.configs.get('segment.ms') ?? null);
  }
}

/** State of groups and producers, as text: two recoveries of the same log must agree on it. */
export async function describeState(broker: AssembledBroker): Promise<string> {
  const { engine } = broker;
  const lines: string[] = [];
  for (const topic of engine.topics()) {
    // A broker that comes up adds to the timeline in its own time.
    if (topic.name === EVENTS_TOPIC) continue;
    for (let index = 0; index < topic.partitionCount; index++) {
      const partition = engine.partition(topic.name, index);
      if (partition === undefined) continue;
      const { startOffset, highWatermark } = partition;
      lines.push(`${topic.name}-${index} ${topic.id} ${startOffset} ${highWatermark}`);
      const producers = [...partition.producers()].sort((a, b) => a.producerId - b.producerId);
      for (const producer of producers) lines.push(JSON.stringify(producer));
    }
  }
  const transport = broker.broker.transport();
  try {
    const { groups } = await transport.send(ListGroups, {});
    const ids = groups.map(({ groupId }) => groupId).sort();
    const described = await transport.send(DescribeGroups, { groups: ids });
    for (const { groupId, groupState, protocolData, members } of described.groups) {
      const names = members.map(({ memberId }) => memberId).sort();
      lines.push(`${groupId} ${groupState} ${protocolData} ${names.join()}`);
    }
    const asked = ids.map((groupId) => ({ groupId, topics: null }));
    const offsets =
      ids.length === 0 ? [] : (await transport.send(OffsetFetch, { groups: asked })).groups;
    for (const group of offsets) {
      const places = group.topics.flatMap(({ name, topicId, partitions }) =>
        partitions.map((one) => `${name || topicId}-${one.partitionIndex}:${one.committedOffset}`),
      );
      lines.push(`${group.groupId} ${group.errorCode} ${places.sort().join(' ')}`);
    }
  } finally {
    await transport.close();
  }
  return lines.join('\n');
}
