// A partition that is being brought back while its topic is deleted or configured, or the broker stops.

import { afterEach, expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { type Engine, openEngine, type Partition } from '../../../src/engine/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { batchOf } from './support/batches.ts';
import { copyDisk, FaultyDisk } from './support/faulty-disk.ts';

const opened: Engine[] = [];
let seed = 1;

afterEach(async () => {
  for (const engine of opened.splice(0)) await engine.close();
});

async function open(disk: FaultyDisk): Promise<Engine> {
  const ports = { clock: new VirtualClock(), random: new SeededRandom(seed++) };
  const engine = await openEngine({ disk, root: 'data', logger: silentLogger, ...ports });
  opened.push(engine);
  return engine;
}

async function append(engine: Engine): Promise<number> {
  const request = { records: batchOf(['v']), acks: -1, origin: 'client' } as const;
  return (await engine.partition('t', 0)!.append(request)).baseOffset;
}

/** An engine whose only partition is being brought back, and waits for the disk until `goOn` is called. */
async function reopening() {
  const disk = new FaultyDisk();
  const before = await open(disk);
  await before.createTopic({ name: 't', partitions: 1 });
  await append(before);
  const crashed = await copyDisk(disk);
  crashed.refuse = (operation, path) => operation === 'open' && /^t-0.*log$/.test(path);
  const engine = await open(crashed);
  const partition = engine.partition('t', 0) as Partition;
  expect(partition.online).toBe(false);
  crashed.refuse = () => false;
  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let came = (): void => {};
  const atTheDisk = new Promise<void>((resolve) => {
    came = resolve;
  });
  // The last that a recovery asks of the disk before the log is open is to list its directory a second time.
  let lists = 0;
  const list = crashed.list.bind(crashed);
  crashed.list = async (directory) => {
    if (directory === 't-0' && ++lists === 2) {
      came();
      await held;
    }
    return list(directory);
  };
  const reopened = partition.reopen();
  reopened.catch(() => {});
  await atTheDisk;
  return { engine, crashed, reopened, goOn };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('a topic that is deleted meanwhile leaves its name to the next one', async () => {
  const { engine, goOn } = await reopening();
  const deleted = engine.deleteTopic('t');
  await settle();
  goOn();
  await deleted;
  await engine.createTopic({ name: 't', partitions: 1 });
  expect(engine.partition('t', 0)?.online).toBe(true);
  expect(await append(engine)).toBe(0);
});

test('a stop waits for it, so that nothing is at work on the directory afterwards', async () => {
  const { engine, crashed, reopened, goOn } = await reopening();
  let closed = false;
  const closing = engine.close().then(() => {
    closed = true;
  });
  await settle();
  expect(closed).toBe(false);
  goOn();
  await closing;
  await reopened.catch(() => {});
  const after = await open(crashed);
  expect(await append(after)).toBe(1);
});

test('configs that change meanwhile hold for its log', async () => {
  const { engine, crashed, reopened, goOn } = await reopening();
  const rolls = { name: 'segment.index.bytes', operation: 'set', value: '4' } as const;
  await engine.alterTopicConfigs('t', [rolls], false);
  goOn();
  await reopened;
  await append(engine);
  const segments = (await crashed.list('t-0')).filter((name) => name.endsWith('.log'));
  expect(segments).toHaveLength(2);
});
