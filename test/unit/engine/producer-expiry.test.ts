// Producers that come once and never again, as those of a client that makes one for every batch.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { type Engine, openEngine } from '../../../src/engine/index.ts';
import { MemoryDisk } from '../../../src/storage/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../support/captured-log.ts';
import { producerBatch } from './support/batches.ts';

const MINUTE = 60_000;

let engine: Engine;
let clock: VirtualClock;
let log: ReturnType<typeof capturedLog>;
let nextId: number;

beforeEach(async () => {
  clock = new VirtualClock();
  log = capturedLog();
  nextId = 0;
  const ports = { clock, random: new SeededRandom(1), logger: log.logger };
  const config = new Map([['tidemark.max.producer.ids', '10']]);
  engine = await openEngine({ disk: new MemoryDisk(), root: 'test', ...ports, config });
  await engine.createTopic({ name: 't', partitions: 2 });
});

afterEach(() => engine.close());

async function comeOnce(count: number, partition = 0): Promise<void> {
  for (let index = 0; index < count; index++) {
    const records = producerBatch(nextId++, 0, ['x']);
    await engine.partition('t', partition)?.append({ records, acks: 1, origin: 'client' });
  }
}

const ids = (partition = 0) =>
  engine
    .partition('t', partition)
    ?.producers()
    .map(({ producerId }) => producerId);

test('are remembered for a day while they are few', async () => {
  await comeOnce(10);
  await clock.advance(23 * 60 * MINUTE);
  expect(ids()).toHaveLength(10);
  await clock.advance(65 * MINUTE);
  expect(ids()).toEqual([]);
  expect(log.lines.filter((line) => line.level === 'warn')).toEqual([]);
});

test('are forgotten sooner when there are too many in all partitions, those idle longest first', async () => {
  await comeOnce(4, 0);
  await comeOnce(4, 1);
  await clock.advance(60 * MINUTE);
  await comeOnce(3, 0);
  await clock.advance(6 * MINUTE);
  expect([ids(0), ids(1)]).toEqual([[8, 9, 10], []]);
  expect(log.lines.filter((line) => line.level === 'warn')).toEqual([
    expect.objectContaining({ fields: { most: 10, left: 3, idleMs: 45 * MINUTE } }),
  ]);
});

test('are not forgotten within a quarter of an hour, however many', async () => {
  await comeOnce(50);
  await clock.advance(14 * MINUTE);
  expect(ids()).toHaveLength(50);
  await clock.advance(7 * MINUTE);
  expect(ids()).toEqual([]);
});
