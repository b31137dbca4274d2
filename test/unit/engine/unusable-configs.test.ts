// Configs that another build stored and this one cannot use: the start goes on with what stands otherwise, and says so.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { Catalogue } from '../../../src/engine/catalogue.ts';
import { openEngine } from '../../../src/engine/index.ts';
import { MemoryDisk } from '../../../src/storage/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../support/captured-log.ts';

const stored = { 'retention.ms': 'soon', 'segment.bytes': '2097152', 'key.schema': 'strict' };
const set = (name: string, value: string) => ({ name, operation: 'set', value }) as const;

/** The topic and the group `orders` as another build left them. */
async function left() {
  const disk = new MemoryDisk();
  const first = await openEngine({ disk, root: 'data', ...ports(silentLogger) });
  const { id } = await first.createTopic({ name: 'orders', partitions: 1 });
  await first.close();
  const catalogue = await Catalogue.load(disk, silentLogger, new VirtualClock());
  await catalogue.start([
    { kind: 'topic-configs', id, configs: stored },
    { kind: 'group-configs', group: 'orders', configs: { 'consumer.session.timeout.ms': 'long' } },
  ]);
  await catalogue.close();
  const log = capturedLog();
  const engine = await openEngine({ disk, root: 'data', ...ports(log.logger) });
  return { disk, engine, lines: log.lines };
}

function ports(logger: typeof silentLogger) {
  return { clock: new VirtualClock(), random: new SeededRandom(1), logger };
}

test('a start warns of each, with what stands in its place', async () => {
  const { engine, lines } = await left();
  const warned = lines.filter((line) => line.level === 'warn');
  expect(warned.map((line) => line.fields)).toEqual([
    expect.objectContaining({
      topic: 'orders',
      config: 'retention.ms',
      value: 'soon',
      inUse: '604800000',
    }),
    expect.objectContaining({
      topic: 'orders',
      config: 'key.schema',
      value: 'strict',
      inUse: null,
    }),
    expect.objectContaining({
      group: 'orders',
      config: 'consumer.session.timeout.ms',
      value: 'long',
      inUse: '45000',
    }),
  ]);
  expect(warned[0]?.message).toMatch(/orders.*retention\.ms.*604800000.*"soon"/);
  const told = new Map(engine.topicConfigs('orders').map((config) => [config.name, config]));
  expect(told.get('retention.ms')).toMatchObject({ value: '604800000', source: 'default' });
  expect(told.get('segment.bytes')).toMatchObject({ value: '2097152', source: 'topic' });
  expect(engine.groupConfig('orders', 'consumer.session.timeout.ms')).toBe(45_000);
  expect(engine.partition('orders', 0)?.online).toBe(true);
  await engine.close();
});

test('they stay for the build that knows them, and can be set and taken away', async () => {
  const { disk, engine } = await left();
  await engine.alterBrokerConfigs([set('log.roll.ms', '60000')], false);
  await engine.alterTopicConfigs('orders', [set('segment.ms', '70000')], false);
  expect(Object.fromEntries(engine.topic('orders')?.configs ?? [])).toEqual({
    ...stored,
    'segment.ms': '70000',
  });
  await engine.alterTopicConfigs('orders', [set('retention.ms', '5000')], false);
  const gone = { name: 'key.schema', operation: 'delete', value: null } as const;
  await engine.alterTopicConfigs('orders', [gone], false);
  await expect(
    engine.alterTopicConfigs('orders', [set('retention.ms', 'later')], false),
  ).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  await engine.close();
  const log = capturedLog();
  const next = await openEngine({ disk, root: 'data', ...ports(log.logger) });
  const about = log.lines.filter((line) => 'topic' in line.fields);
  expect(about).toEqual([]);
  await next.close();
});
