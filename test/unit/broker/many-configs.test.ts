// Tools that show all topics ask for the configs of all of them in one request.

import { expect, test } from 'vitest';
import { serveAlone } from '../../../src/compose/serve-alone.ts';
import { DescribeConfigs, IncrementalAlterConfigs } from '../../../src/protocol/index.ts';

const TOPIC = 2;
const BROKER = 4;

test('others have their turn while the configs of many things are told', async () => {
  const broker = await serveAlone({ memory: true, port: 0 });
  try {
    await broker.engine.createTopic({ name: 't', partitions: 1 });
    // Each is a question of its own.
    const resources = Array.from({ length: 1000 }, (_, index) => ({
      ...{
        resourceType: TOPIC,
        resourceName: 't',
        configurationKeys: ['retention.ms', `${index}`],
      },
    }));
    let turns = 0;
    let done = false;
    const count = (): void => {
      turns++;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    const { results } = await broker.transport().send(DescribeConfigs, { resources });
    done = true;
    expect(results).toHaveLength(1000);
    expect(results.every(({ configs }) => configs[0]?.value === '604800000')).toBe(true);
    expect(turns).toBeGreaterThan(10);
  } finally {
    await broker.close();
  }
});

test('what is told of a config that is not set follows the broker', async () => {
  const broker = await serveAlone({ memory: true, port: 0 });
  const transport = broker.transport();
  const told = async () => {
    const resources = [
      { resourceType: TOPIC, resourceName: 't', configurationKeys: ['segment.ms'] },
    ];
    const { results } = await transport.send(DescribeConfigs, { resources, includeSynonyms: true });
    const [config] = results[0]?.configs ?? [];
    return [config?.value, config?.synonyms.map(({ name }) => name)];
  };
  try {
    await broker.engine.createTopic({ name: 't', partitions: 1 });
    expect(await told()).toEqual(['604800000', []]);
    const change = { name: 'log.roll.ms', configOperation: 0, value: '5000' };
    const resources = [{ resourceType: BROKER, resourceName: '', configs: [change] }];
    await transport.send(IncrementalAlterConfigs, { resources, validateOnly: false });
    expect(await told()).toEqual(['5000', ['log.roll.ms']]);
  } finally {
    await broker.close();
  }
});
