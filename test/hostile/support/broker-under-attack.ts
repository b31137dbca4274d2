// A broker in memory behind a real socket, and what must hold of it after whatever a test did to
// it.

import { expect } from 'vitest';
import { type ServingBroker, serveAlone } from '../../../src/compose/serve-alone.ts';
import {
  ApiVersions,
  CreateTopics,
  Fetch,
  Produce,
  ZERO_UUID,
} from '../../../src/protocol/index.ts';
import { buildBatch } from '../../../src/record/index.ts';
import { WireClient } from './wire-client.ts';

export const TOPIC = 'target';

export interface BrokerUnderAttack {
  readonly broker: ServingBroker;
  readonly port: number;
  connect(): Promise<WireClient>;
  /** Bytes in the log of each partition of the target topic. */
  sizes(): number[];
  /** Fails unless the broker serves a new connection as ever. */
  expectAlive(): Promise<void>;
  close(): Promise<void>;
}

export async function brokerUnderAttack(
  partitions = 4,
  configs: Readonly<Record<string, string>> = {},
): Promise<BrokerUnderAttack> {
  const broker = await serveAlone({ memory: true, port: 0, configs });
  const port = broker.addresses[0]?.port ?? 0;
  const connect = () => WireClient.connect(port);
  const client = await connect();
  await client.call(CreateTopics, 7, {
    topics: [
      {
        name: TOPIC,
        numPartitions: partitions,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      },
    ],
  });
  client.destroy();
  return {
    broker,
    port,
    connect,
    sizes: () =>
      Array.from(
        { length: partitions },
        (_, index) => broker.engine.partition(TOPIC, index)?.sizeBytes() ?? -1,
      ),
    async expectAlive() {
      const probe = await connect();
      const answer = await probe.call(ApiVersions, 0, {});
      expect(answer.errorCode).toBe(0);
      expect(answer.apiKeys.length).toBeGreaterThan(30);
      probe.destroy();
    },
    close: () => broker.close(),
  };
}

/** A batch as a good client sends it. */
export function goodBatch(text = 'value', count = 3): Buffer {
  return buildBatch(
    Array.from({ length: count }, (_, index) => ({
      timestamp: 1_700_000_000_000 + index,
      key: Buffer.from(`key${index}`),
      value: Buffer.from(`${text}${index}`),
    })),
  );
}

/** Produces one batch for each partition, and answers what came of each, by partition. */
export async function produce(
  client: WireClient,
  batches: readonly (Buffer | null)[],
  options: { readonly version?: number; readonly acks?: number; readonly topic?: string } = {},
) {
  const { version = 9, acks = -1, topic = TOPIC } = options;
  const partitionData = batches.map((records, index) => ({ index, records }));
  const answer = await client.call(Produce, version, {
    acks,
    timeoutMs: 10_000,
    topicData: [{ name: topic, topicId: ZERO_UUID, partitionData }],
  });
  return answer.responses[0]?.partitionResponses ?? [];
}

/** Everything that a partition of the target topic gives out. */
export async function fetchAll(client: WireClient, partition: number, fetchOffset = 0) {
  const answer = await client.call(Fetch, 11, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [
      {
        topic: TOPIC,
        partitions: [{ partition, fetchOffset, partitionMaxBytes: 10_000_000 }],
      },
    ],
    forgottenTopicsData: [],
  });
  return answer.responses[0]?.partitions[0];
}
