// Configs that say what clients are told.

import { expect, test } from 'vitest';
import { serveAlone } from '../../../src/compose/serve-alone.ts';
import { DescribeCluster, DescribeTopicPartitions, Metadata } from '../../../src/protocol/index.ts';

test('broker.rack and max.request.partition.size.limit', async () => {
  const configs = { 'broker.rack': 'r1', 'max.request.partition.size.limit': 2 };
  const broker = await serveAlone({ memory: true, port: 0, configs });
  try {
    await broker.engine.createTopic({ name: 't', partitions: 3 });
    const transport = broker.transport();
    const { brokers } = await transport.send(Metadata, { topics: [] });
    expect(brokers.map(({ rack }) => rack)).toEqual(['r1']);
    const cluster = await transport.send(DescribeCluster, {
      includeClusterAuthorizedOperations: false,
    });
    expect(cluster.brokers.map(({ rack }) => rack)).toEqual(['r1']);
    const asked = { topics: [{ name: 't' }], responsePartitionLimit: 100 };
    const page = await transport.send(DescribeTopicPartitions, asked);
    expect(page.topics[0]?.partitions).toHaveLength(2);
    expect(page.nextCursor).toMatchObject({ topicName: 't', partitionIndex: 2 });
  } finally {
    await broker.close();
  }
});
