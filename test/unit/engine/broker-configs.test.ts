// Broker configs that are good alone and cannot stand: with others, or as the default of every topic.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Logger, silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { Catalogue } from '../../../src/engine/catalogue.ts';
import { type Engine, openEngine } from '../../../src/engine/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { FaultyDisk } from './support/faulty-disk.ts';

const code = (name: string) => expect.objectContaining({ code: name });

let disk: FaultyDisk;
const opened: Engine[] = [];

beforeEach(() => {
  disk = new FaultyDisk();
});

afterEach(async () => {
  for (const engine of opened.splice(0)) await engine.close();
});

async function open(
  config: Record<string, string> = {},
  logger: Logger = silentLogger,
): Promise<Engine> {
  const engine = await openEngine({
    disk,
    root: 'data',
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    logger,
    config: new Map(Object.entries(config)),
  });
  opened.push(engine);
  return engine;
}

/** No topic could take the first three for its own, and no pass would end with the fourth. */
const cases = [
  ['log.roll.ms', '0', '1 or more'],
  ['log.roll.jitter.ms', '-1', '0 or more'],
  ['log.flush.interval.ms', '-1', '0 or more'],
  ['log.cleaner.io.max.bytes.per.second', '0', 'more than 0, or less for no limit'],
  [
    'group.consumer.assignment.interval.ms',
    '15001',
    'less than or equal to group.consumer.max.assignment.interval.ms',
  ],
] as const;

describe.each(cases)('%s=%s', (name, value, words) => {
  const change = { name, operation: 'set', value } as const;

  test('is refused at run time, and the next start knows nothing of it', async () => {
    const engine = await open();
    await engine.createTopic({ name: 't', partitions: 1 });
    const before = engine.brokerConfig(name);
    for (const validateOnly of [true, false]) {
      const refused = engine.alterBrokerConfigs([change], validateOnly);
      await expect(refused).rejects.toThrow(code('INVALID_REQUEST'));
      await expect(refused).rejects.toThrow(words);
    }
    expect(engine.brokerConfig(name)).toBe(before);
    await engine.close();
    const after = await open();
    expect(after.brokerConfig(name)).toBe(before);
    expect(after.topic('t')).toBeDefined();
  });

  test('ends a start that it is given to', async () => {
    const refused = open({ [name]: value });
    await expect(refused).rejects.toThrow(code('INVALID_CONFIG'));
    await expect(refused).rejects.toThrow(words);
  });

  test('is left out by a start that finds it stored, and told of', async () => {
    const engine = await open();
    await engine.createTopic({ name: 't', partitions: 1 });
    const good = { name: 'message.max.bytes', operation: 'set', value: '5000' } as const;
    await engine.alterBrokerConfigs([good], false);
    await engine.close();
    const catalogue = await Catalogue.load(disk, silentLogger, new VirtualClock());
    await catalogue.start([]);
    const configs = { [name]: value, [good.name]: good.value, 'of.a.newer.version': '1' };
    await catalogue.commit({ kind: 'broker-configs', configs });
    await catalogue.close();
    const told: object[] = [];
    const after = await open({}, { ...silentLogger, error: (fields) => told.push(fields) });
    expect(after.brokerConfig('message.max.bytes')).toBe(5000);
    expect(after.topic('t')).toBeDefined();
    expect(told).toEqual([expect.objectContaining({ config: name, value })]);
  });
});
