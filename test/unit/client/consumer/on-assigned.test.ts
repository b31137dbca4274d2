// What a consumer does when its program cannot prepare for partitions that are given to it.

import { afterEach, expect, test } from 'vitest';
import { ClientError } from '../../../../src/client/index.ts';
import { connect } from '../../../../src/compose/index.ts';
import { startBroker } from '../../../../src/testing/index.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const away = new ClientError('cannot_connect', 'nobody is there');

test.each([
  ['cooperative-sticky', { group: 'g', assignor: 'cooperative-sticky' }],
  ['range', { group: 'g', assignor: 'range' }],
  ['consumer', { group: 'g', protocol: 'consumer' }],
  ['without a group', {}],
] as const)(
  'trouble that passes: they are given again, and read (%s)',
  async (_, kind) => {
    const broker = await startBroker({ topics: { t: 2 } });
    ends.push(() => broker.close());
    const client = await connect(broker.bootstrap);
    ends.push(() => client.close());
    await broker.produce('t', [
      { value: 1, partition: 0 },
      { value: 2, partition: 1 },
    ]);
    let asked = 0;
    const troubles: unknown[] = [];
    const consumer = client.consumer({
      ...kind,
      topics: ['t'],
      value: 'json',
      onTrouble: (error) => void troubles.push(error),
      onAssigned: (places) => {
        if (places.length > 0) asked += 1;
        if (asked === 1) throw away;
      },
    });
    const seen: unknown[] = [];
    for await (const { value } of consumer) {
      seen.push(value);
      if (seen.length === 2) break;
    }
    expect(seen.sort()).toEqual([1, 2]);
    expect(asked).toBeGreaterThan(1);
    expect(troubles).toContain(away);
    await consumer.close();
  },
  15_000,
);
