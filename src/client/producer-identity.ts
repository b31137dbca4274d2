// Who writes, where a sender numbers its batches itself, and how far it came by the broker's account.

import { InitProducerId } from '../protocol/index.ts';
import type { TopicPartition } from './admin-cluster.ts';
import { describeProducers } from './admin-partitions.ts';
import { type Cluster, throwIfError } from './cluster.ts';

/** As InitProducerId gave it. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** An identity that nobody had before. Throws KafkaError and ClientError. */
export function newIdentity(cluster: Cluster): Promise<ProducerIdentity> {
  return cluster.retry(async () => {
    const request = { transactionalId: null, transactionTimeoutMs: 60_000 };
    const response = await cluster.askAny((broker) => broker.send(InitProducerId, request));
    throwIfError(response.errorCode, 'producer id');
    return { producerId: response.producerId, producerEpoch: response.producerEpoch };
  });
}

/** Of the last record that the partition has of it; -1: it has none. Throws KafkaError and ClientError. */
export async function lastSequence(
  cluster: Cluster,
  place: TopicPartition,
  { producerId, producerEpoch }: ProducerIdentity,
): Promise<number> {
  const known = await describeProducers(cluster, place);
  const found = known.find((one) => one.producerId === producerId);
  return found?.producerEpoch === producerEpoch ? found.lastSequence : -1;
}
