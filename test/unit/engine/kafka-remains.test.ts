// A directory of Apache Kafka's that is taken over. fixtures/kafka-controller was written by Apache Kafka 4.3.1: topics
// users (compacted), gone (deleted later) and orders, whose segment.bytes was unset and retention.bytes set later; the
// snapshot is of before that.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { type Engine, openEngine } from '../../../src/engine/index.ts';
import { readKafkaTopicConfigs } from '../../../src/engine/kafka-remains.ts';
import { buildBatch } from '../../../src/record/index.ts';
import { type Disk, MemoryDisk, writeTopicId } from '../../../src/storage/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../support/simulated-disk.ts';
import { writeFile } from '../inspect/directory.ts';

const LOG = '00000000000000000000.log';
const SNAPSHOT = '00000000000000000037-0000000001.checkpoint';

function fixture(name: string): Buffer {
  return readFileSync(join(import.meta.dirname, 'fixtures/kafka-controller', name));
}

async function controller<D extends Disk = MemoryDisk>(
  files: Record<string, Buffer>,
  disk: D = new MemoryDisk() as Disk as D,
): Promise<D> {
  await disk.makeDirectory('__cluster_metadata-0');
  for (const [name, bytes] of Object.entries(files)) {
    await writeFile(disk, `__cluster_metadata-0/${name}`, bytes);
  }
  return disk;
}

/** Topics of Kafka's with three records each; of orders two are deleted. */
async function kafkas<D extends Disk>(empty: D): Promise<D> {
  const disk = await controller({ [LOG]: fixture(LOG) }, empty);
  for (const [index, name] of ['orders', 'users', 'other'].entries()) {
    await disk.makeDirectory(`${name}-0`);
    await writeTopicId(disk, `${name}-0`, `${index}`.repeat(21).concat('A'));
    const values = ['a', 'b', 'c'].map((value) => ({
      timestamp: 1,
      key: null,
      value: Buffer.from(value),
    }));
    await writeFile(disk, `${name}-0/${LOG}`, buildBatch(values));
  }
  await writeFile(disk, 'log-start-offset-checkpoint', Buffer.from('0\n1\norders 0 2\n'));
  return disk;
}

function takeOver(disk: Disk): Promise<Engine> {
  const ports = { clock: new VirtualClock(), random: new SeededRandom(1), logger: silentLogger };
  return openEngine({ disk, root: 'test', ...ports, adopt: true });
}

async function configsOf(disk: MemoryDisk) {
  const found = await readKafkaTopicConfigs(disk);
  return (
    found && Object.fromEntries(Array.from(found, ([name, of]) => [name, Object.fromEntries(of)]))
  );
}

const users = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.1' };
const orders = { 'retention.ms': '2592000000', 'retention.bytes': '1000000' };

describe('what Kafka knew of its topics', () => {
  test('is in the log of its controller', async () => {
    const disk = await controller({ [LOG]: fixture(LOG) });
    expect(await configsOf(disk)).toEqual({ users, orders });
  });

  test('is found in a log of any size: it grows by two records a second, and rolls once a week', async () => {
    // A NoOpRecord: frame, kind, version, no tagged fields; then bytes that nobody looks at.
    const idle = Buffer.alloc(1024 * 1024);
    idle.set([1, 20, 0, 0]);
    const filler = buildBatch([{ timestamp: 1, key: null, value: idle }]);
    const log = fixture(LOG);
    const week = Buffer.concat([...Array.from({ length: 70 }, () => filler), log]);
    expect(await configsOf(await controller({ [LOG]: week }))).toEqual({ users, orders });
  });

  test('is in a snapshot and what came after it', async () => {
    const before = { 'retention.ms': '2592000000', 'segment.bytes': '67108864' };
    const alone = await controller({ [SNAPSHOT]: fixture(SNAPSHOT) });
    const gone = { 'retention.ms': '5000' };
    expect(await configsOf(alone)).toEqual({ users, orders: before, gone });
    const both = await controller({ [SNAPSHOT]: fixture(SNAPSHOT), [LOG]: fixture(LOG) });
    expect(await configsOf(both)).toEqual({ users, orders });
  });

  test('is unknown where nothing is, or nothing that can be read', async () => {
    expect(await configsOf(new MemoryDisk())).toBeNull();
    const damaged = Buffer.from(fixture(LOG));
    damaged.fill(0xff, 1800, 2000);
    expect(await configsOf(await controller({ [LOG]: damaged }))).toBeNull();
  });

  test('becomes ours when its directory is taken over', async () => {
    const engine = await takeOver(await kafkas(new MemoryDisk()));
    const own = (name: string) => Object.fromEntries(engine.topic(name)?.configs ?? []);
    const keeps = { 'retention.ms': '-1', 'retention.bytes': '-1' };
    expect(own('orders')).toEqual(orders);
    expect(own('users')).toEqual({ ...keeps, ...users });
    expect(own('other')).toEqual(keeps);
    expect(engine.partition('orders', 0)).toMatchObject({ startOffset: 2, highWatermark: 3 });
    expect(engine.partition('users', 0)).toMatchObject({ startOffset: 0, highWatermark: 3 });
    await engine.close();
  });

  test('has its deleted records deleted though the first start dies at any moment', async () => {
    const counted = await kafkas(new SimulatedDisk({ seed: 1 }));
    const before = counted.operations;
    await takeOver(counted);
    const steps = counted.operations - before;
    expect(steps).toBeGreaterThan(20);
    for (let step = 1; step <= steps; step++) {
      const disk = await kafkas(new SimulatedDisk({ seed: 1 }));
      await new Promise<void>((died) => {
        disk.crashAfter(step, died);
        void takeOver(disk);
      });
      const engine = await takeOver(disk.kill());
      const { startOffset } = engine.partition('orders', 0) ?? {};
      expect({ step, startOffset }).toEqual({ step, startOffset: 2 });
      await engine.close();
    }
  });
});
