import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { GROUP_METADATA_TOPIC, groupCommandLog } from '../../../src/broker/command-log.ts';
import { openEngine } from '../../../src/engine/index.ts';
import { MemoryDisk } from '../../../src/storage/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

test('the topic of the groups is made as the broker configs say, whoever asks for it first', async () => {
  const config = new Map([
    ['offsets.topic.num.partitions', '3'],
    ['offsets.topic.segment.bytes', '2000000'],
  ]);
  const ports = { clock: new VirtualClock(), random: new SeededRandom(1), logger: silentLogger };
  const made = await Promise.all(
    ['by a group', 'by a request for it'].map(async (by) => {
      const engine = await openEngine({ ...ports, disk: new MemoryDisk(), root: 'data', config });
      if (by === 'by a group') expect(await groupCommandLog(engine).create()).toBe(3);
      else await engine.autoCreateTopic(GROUP_METADATA_TOPIC);
      const topic = engine.topic(GROUP_METADATA_TOPIC);
      await engine.close();
      return topic;
    }),
  );
  for (const topic of made) {
    expect(topic).toMatchObject({ partitionCount: 3, internal: true });
    expect(topic?.configs.get('segment.bytes')).toBe('2000000');
    expect(topic?.configs.get('cleanup.policy')).toBe('compact');
  }
});
