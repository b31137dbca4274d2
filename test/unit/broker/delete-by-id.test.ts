// A topic is deleted by its id while its name changes hands: what is meant is the topic, not the name.

import { expect, test } from 'vitest';
import { errorName } from '../../../src/base/kafka-errors.ts';
import { silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { assembleBroker } from '../../../src/compose/index.ts';
import { DeleteTopics } from '../../../src/protocol/index.ts';
import { MemoryDisk } from '../../../src/storage/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

test('a new topic of the same name is not deleted by the id of the old one', async () => {
  const { broker, engine, close } = await assembleBroker(
    {
      disk: new MemoryDisk(),
      root: 'data',
      clock: new VirtualClock(),
      random: new SeededRandom(1),
      logger: silentLogger,
    },
    { config: new Map(), memory: true, acceptReplicationFactor: false },
  );
  const transport = broker.transport();
  const old = await engine.createTopic({ name: 't', partitions: 1 });
  const deleted = engine.deleteTopic('t');
  const created = engine.createTopic({ name: 't', partitions: 1 });
  const answer = await transport.send(DeleteTopics, {
    topics: [{ name: null, topicId: old.id }],
    timeoutMs: 1000,
  });
  await deleted;
  expect(errorName(answer.responses[0]?.errorCode ?? 0)).toBe('UNKNOWN_TOPIC_ID');
  expect(engine.topic('t')?.id).toBe((await created).id);
  await transport.close();
  await close(0);
});
