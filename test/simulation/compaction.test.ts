// Compaction against a model, with the power going at every operation of pass and swap. Another seed, or more:
//   COMPACTION_SEED=123 COMPACTION_RUNS=1 npx vitest run --config test/vitest.config.ts test/simulation/compaction.test.ts
// COMPACTION_LUCKS says how often the power goes at each operation of a swap, with other unsynced bytes left each time.

import { beforeAll, describe, expect, test } from 'vitest';
import { loadXxHash64 } from '../../src/base/xxhash.ts';
import { prepareCodec } from '../../src/record/index.ts';
import { DiskError } from '../../src/storage/index.ts';
import { amount } from '../support/amount.ts';
import {
  CompactionWorld,
  type CompactionWorldOptions,
  DELETE_RETENTION_MS,
  lastOfKeys,
  type ModelRecord,
} from './compaction-world.ts';

const firstSeed = Number(process.env['COMPACTION_SEED'] ?? 1);
const runs = Number(process.env['COMPACTION_RUNS'] ?? 2);
const swapLucks = Number(process.env['COMPACTION_LUCKS'] ?? 1);

beforeAll(async () => {
  // These start in real time, which a virtual clock does not wait for.
  await loadXxHash64();
  await prepareCodec('zstd');
});

async function eachSeed(count: number, work: (seed: number) => Promise<void>): Promise<void> {
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    try {
      await work(seed);
    } catch (error) {
      const { message, stack } = error as Error;
      throw new Error(
        `seed ${seed}: ${message}\nreplay: COMPACTION_SEED=${seed} COMPACTION_RUNS=1 ` +
          `COMPACTION_LUCKS=${swapLucks} npx vitest run --config ` +
          `test/vitest.config.ts test/simulation/compaction.test.ts\n${stack}`,
      );
    }
  }
}

async function filled(options: CompactionWorldOptions, appends: number): Promise<CompactionWorld> {
  const world = new CompactionWorld(options);
  // Rolled small and cleaned large, so that several segments become one.
  const { config } = world;
  await world.run(world.open({ ...config, segmentBytes: Math.floor(config.segmentBytes / 3) }));
  for (let count = 0; count < appends; count++) await world.run(world.append());
  await world.caughtUp();
  world.partition.setConfig(config);
  return world;
}

/** What is to be left of records below `end` once they are all compacted, tombstones included. */
function compacted(records: readonly ModelRecord[], end: number): ModelRecord[] {
  const below = records.filter((record) => record.offset < end);
  return [...lastOfKeys(below), ...records.filter((record) => record.offset >= end)];
}

function offsets(records: readonly ModelRecord[]): number[] {
  return records.map((record) => record.offset);
}

describe('compaction', () => {
  test('leaves exactly the last record of each key, and tombstones until they are old', async () => {
    await eachSeed(runs, async (seed) => {
      const world = await filled({ seed }, 60);
      expect(world.partition.segmentCount()).toBeGreaterThan(4);
      await world.run(world.clean());
      let end = await world.run(world.activeBase());
      const left = await world.run(world.check());
      expect(offsets(left)).toEqual(offsets(compacted(world.records(), end)));
      expect(await world.run(world.leftovers())).toEqual([]);
      // Tombstones go with the first pass after their time, and with them nothing else.
      await world.clock.advance(DELETE_RETENTION_MS + 1000);
      const before = end;
      for (let count = 0; count < 25; count++) await world.run(world.append());
      await world.clock.advance(1000);
      await world.run(world.clean());
      end = await world.run(world.activeBase());
      const expected = compacted(world.records(), end).filter(
        (record) => record.value !== null || record.offset >= before,
      );
      expect(offsets(await world.run(world.check()))).toEqual(offsets(expected));
      await world.run(world.store!.close());
      await world.run(world.open());
      expect(world.store!.lastStop).toBe('clean');
      expect(offsets(await world.run(world.check()))).toEqual(offsets(expected));
    });
  });

  test('comes to the same in several passes when the keys do not fit into the map', async () => {
    await eachSeed(Math.ceil(runs / 5), async (seed) => {
      const options = { seed, keys: 4000, segmentBytes: 40_000 };
      const world = await filled({ ...options, mapBytes: 64 * 1024 }, 900);
      await world.run(world.clean());
      const end = await world.run(world.activeBase());
      expect(world.store!.compaction!.stats.passes).toBeGreaterThan(1);
      const left = await world.run(world.check());
      expect(offsets(left)).toEqual(offsets(compacted(world.records(), end)));
    });
  });

  test('goes on beside appends and readers, who see no gap and no wrong byte', async () => {
    await eachSeed(runs, async (seed) => {
      const world = await filled({ seed, delayMs: 4 }, 50);
      let cleaning = true;
      const cleaner = world.clean().finally(() => {
        cleaning = false;
      });
      let reads = 0;
      const reader = async (): Promise<void> => {
        while (cleaning) {
          await world.pause();
          const from = world.random.below(world.partition.highWatermark + 1);
          const found = await world.readFrom(from);
          // Who had no successor at the end of the read had none at its beginning.
          const last = lastOfKeys(world.records()).filter(
            (record) => record.offset <= (found.at(-1)?.lastOffset ?? -1),
          );
          world.checkSound(found, from, last);
          reads += 1;
        }
      };
      const writer = async (): Promise<void> => {
        for (let count = 0; count < 8; count++) await world.append();
      };
      await world.run(Promise.all([cleaner, reader(), reader(), writer()]));
      expect(reads).toBeGreaterThan(2);
      expect(world.store!.compaction!.stats.passes).toBeGreaterThan(0);
      await world.run(world.check());
    });
  });
});

describe('a crash', () => {
  /** A log cleaned once and dirty again. */
  async function prepared(seed: number): Promise<CompactionWorld> {
    const world = await filled({ seed, delayMs: 0.5 }, 20);
    await world.run(world.clean());
    for (let count = 0; count < 15; count++) await world.run(world.append());
    await world.caughtUp();
    return world;
  }

  interface Death {
    readonly seed: number;
    readonly operation: number;
    readonly kind: 'power' | 'kill';
    /** What of the unsynced survives. */
    readonly luck: number;
  }

  /** Dies at an operation of cleaning, comes back, is whole, and is cleaned to the end. */
  async function die({ seed, operation, kind, luck }: Death): Promise<void> {
    const world = await prepared(seed);
    const end = await world.run(world.activeBase());
    const died = new Promise<void>((resolve) => {
      world.disk.crashAfter(operation, resolve);
    });
    await world.run(Promise.race([world.clean(), died]));
    world.disk = kind === 'power' ? world.disk.crash(luck) : world.disk.kill();
    await world.run(world.open());
    const kept = new Set(offsets(await world.run(world.check())));
    for (const { offset } of compacted(world.records(), end)) {
      if (!kept.has(offset)) throw new Error(`${offset} is gone: ${JSON.stringify({ operation })}`);
    }
    expect(await world.run(world.leftovers())).toEqual([]);
    await world.run(world.append());
    await world.caughtUp();
    await world.run(world.clean());
    const again = await world.run(world.activeBase());
    const expected = compacted(world.records(), again);
    expect(offsets(await world.run(world.check()))).toEqual(offsets(expected));
  }

  /** Operations of cleaning in all, and the first that has to do with the swap. */
  async function survey(seed: number): Promise<{ operations: number; swapAt: number }> {
    const world = await prepared(seed);
    const before = world.disk.operations;
    let swapAt = 0;
    world.disk.hook = (_operation, path) => {
      if (swapAt === 0 && path.endsWith('.swap')) swapAt = world.disk.operations - before;
    };
    await world.run(world.clean());
    return { operations: world.disk.operations - before, swapAt };
  }

  test('at every operation of a pass and its swap leaves the old log or the new one', async () => {
    await eachSeed(Math.ceil(runs / 15), async (seed) => {
      const { operations, swapAt } = await survey(seed);
      expect(swapAt).toBeGreaterThan(20);
      expect(operations).toBeGreaterThan(swapAt + 15);
      for (let operation = 1; operation <= operations; operation++) {
        // Before the swap nothing of the log is touched.
        if (operation % (operation < swapAt ? amount(10, 5) : amount(2, 1)) !== 0) continue;
        const lucks = operation < swapAt ? 1 : swapLucks;
        for (let luck = 0; luck < lucks; luck++) {
          await die({
            seed,
            operation,
            kind: 'power',
            luck: seed * 100_000 + operation * 10 + luck,
          });
        }
      }
    });
  });

  test('at a random one, by loss of power or by kill', async () => {
    await eachSeed(runs * 2, async (seed) => {
      const operation = 1 + ((seed * 7919) % 190);
      await die({ seed, operation, kind: seed % 2 === 0 ? 'power' : 'kill', luck: seed });
    });
  });
});

describe('a disk that refuses', () => {
  test('any operation of a pass or its swap loses nothing, also while the broker runs on', async () => {
    await eachSeed(runs * 3, async (seed) => {
      const world = await filled({ seed, delayMs: 0.5 }, 30);
      const failAt = 1 + ((seed * 7919) % 160);
      let operation = 0;
      world.disk.hook = (what, path) => {
        operation += 1;
        const now = seed % 3 === 0 ? operation >= failAt : operation === failAt;
        if (now) throw new DiskError('io_error', path, `${path}: a simulated failure of ${what}`);
      };
      await world.run(world.clean());
      world.disk.hook = () => {};
      if (world.partition.state === 'failed') await world.run(world.partition.reopen());
      await world.run(world.check());
      await world.run(world.append());
      await world.caughtUp();
      await world.run(world.clean());
      await world.run(world.check());
      await world.run(world.store!.close());
      await world.run(world.open());
      await world.run(world.check());
      await world.run(world.clean());
      const end = await world.run(world.activeBase());
      const expected = compacted(world.records(), end);
      expect(offsets(await world.run(world.check()))).toEqual(offsets(expected));
      expect(await world.run(world.leftovers())).toEqual([]);
    });
  });
});

describe('a pass', () => {
  test('over damage changes nothing and says so', async () => {
    const world = await filled({ seed: firstSeed }, 40);
    const first = '00000000000000000000.log';
    world.disk.flipBit(`t-0/${first}`, 200);
    await world.run(world.clean());
    const { stats } = world.store!.compaction!;
    expect(stats).toMatchObject({ uncleanable: 1, failures: 1, passes: 0 });
    expect(await world.run(world.leftovers())).toEqual([]);
    expect(world.log.lines.some(({ level }) => level === 'error')).toBe(true);
  });

  test('that is under way when the log is deleted or the store closed ends without a trace', async () => {
    await eachSeed(Math.max(2, Math.ceil(runs / 2)), async (seed) => {
      const world = await filled({ seed }, 30);
      const cleaning = world.clean();
      for (let pause = 0; pause < seed % 20; pause++) await world.run(world.pause());
      if (seed % 2 === 0) await world.run(world.store!.deleteLog(world.partition));
      else await world.run(world.store!.close());
      await world.run(cleaning);
      expect(world.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
      if (seed % 2 === 0) return;
      await world.run(world.open());
      await world.run(world.check());
      expect(await world.run(world.leftovers())).toEqual([]);
    });
  });

  test('of a compact,delete log leaves retention and deleted records right', async () => {
    await eachSeed(runs, async (seed) => {
      const world = await filled({ seed }, 50);
      const both = { ...world.config, cleanupDelete: true };
      world.partition.setConfig(both);
      const at = world.random.below(world.partition.highWatermark);
      const cleaning = world.clean();
      for (let pause = 0; pause < seed % 15; pause++) await world.run(world.pause());
      await world.run(world.partition.deleteRecordsBefore(at));
      await world.run(cleaning);
      await world.run(world.clean());
      const last = lastOfKeys(world.records());
      const check = async (): Promise<void> => {
        const { startOffset } = world.partition;
        expect(startOffset).toBeGreaterThanOrEqual(at);
        const found = await world.readFrom(startOffset);
        world.checkSound(found, startOffset, last);
      };
      await world.run(check());
      const { startOffset } = world.partition;
      await world.run(world.store!.close());
      await world.run(world.open(both));
      expect(world.partition.startOffset).toBe(startOffset);
      await world.run(check());
    });
  });
});
