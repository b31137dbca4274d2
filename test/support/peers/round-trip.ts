// One topic's round trip: a client sends real text in all its codecs, then every client reads it back, and each sees
// the same bytes, order, headers and timestamps as were sent.

import type { Codec } from '../../../src/record/index.ts';
import type { InteropClient, InteropRecord } from './interop-client.ts';
import { fixedHeaders } from './interop-client.ts';
import { javaClient } from './java-console.ts';
import { kafkajsClient, kafkaOf } from './kafkajs.ts';
import { kcatClient } from './kcat.ts';
import { type PartitionSummary, TopicDigest } from './partition-digest.ts';
import { platformaticClient } from './platformatic.ts';
import { textRecords } from './text-corpus.ts';

export const PARTITIONS = 6;

export const interopClients = [kcatClient, javaClient, kafkajsClient, platformaticClient] as const;

export interface RoundTripPlan {
  readonly bootstrap: string;
  readonly topic: string;
  readonly producer: InteropClient;
  readonly codecs: readonly Codec[];
  readonly count: number;
  readonly recordBytes: number;
  readonly skipFiles?: number;
}

export interface Sent {
  readonly count: number;
  readonly bytes: number;
  /** Timestamps are known beforehand only from a producer that can set them. */
  readonly timestampsKnown: boolean;
  readonly partitions: readonly PartitionSummary[];
}

export async function createTopic(
  bootstrap: string,
  topic: string,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const kafka = await kafkaOf(bootstrap);
  const admin = kafka.admin();
  await admin.connect();
  try {
    // The records say that they are years old, and brokers look for old ones 30 s after their start.
    const kept = { 'retention.ms': '-1', ...config };
    const configEntries = Object.entries(kept).map(([name, value]) => ({ name, value }));
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic, numPartitions: PARTITIONS, replicationFactor: 1, configEntries }],
    });
  } finally {
    await admin.disconnect();
  }
}

/** Sends the plan's records, an equal share in each codec, one after the other. */
export async function send(plan: RoundTripPlan): Promise<Sent> {
  const { can } = plan.producer;
  const digest = new TopicDigest(PARTITIONS);
  const records = textRecords({
    count: plan.count,
    recordBytes: plan.recordBytes,
    prefix: plan.producer.name,
    singleLine: !can.manyLines,
    skipFiles: plan.skipFiles ?? 0,
    ...(can.timestamps ? { firstTimestamp: 1_700_000_000_000 } : {}),
    ...(can.headersPerRecord ? {} : { headers: fixedHeaders }),
    ...(can.tombstones ? { tombstoneEvery: 500 } : {}),
  });
  const share = Math.ceil(plan.count / plan.codecs.length);
  for (const codec of plan.codecs) {
    await plan.producer.produce({
      bootstrap: plan.bootstrap,
      topic: plan.topic,
      codec,
      records: counted(take(records, share), digest),
    });
  }
  return {
    count: digest.count,
    bytes: digest.bytes,
    timestampsKnown: can.timestamps,
    partitions: digest.summaries(),
  };
}

/** Reads the topic with a client and gives what it saw. */
export async function readBack(
  consumer: InteropClient,
  plan: Pick<RoundTripPlan, 'bootstrap' | 'topic' | 'count'>,
): Promise<PartitionSummary[]> {
  const digest = new TopicDigest(PARTITIONS);
  await consumer.consume({ ...plan, onRecord: (record) => digest.read(record) });
  return digest.summaries();
}

/** The summaries without timestamps, to compare with a producer that let its client set them. */
export function withoutTimestamps(
  partitions: readonly PartitionSummary[],
): { count: number; content: string }[] {
  return partitions.map(({ count, content }) => ({ count, content }));
}

function* counted(records: Iterable<InteropRecord>, digest: TopicDigest): Generator<InteropRecord> {
  for (const record of records) {
    digest.sent(record);
    yield record;
  }
}

/** The next `count` items; unlike a `for` with `break` it leaves the iterator open for the next share. */
function* take<T>(items: Iterator<T>, count: number): Generator<T> {
  for (let taken = 0; taken < count; taken += 1) {
    const next = items.next();
    if (next.done === true) return;
    yield next.value;
  }
}
