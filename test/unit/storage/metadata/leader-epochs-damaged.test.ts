// A leader-epoch-checkpoint that reads well and says what is not so: Kafka's form has no checksum.

import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/ports.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { BatchField } from '../../../../src/record/index.ts';
import {
  DiskError,
  LEADER_EPOCH_FILE,
  LeaderEpochs,
  type LogConfig,
  openLogStore,
  type PartitionLog,
} from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { openStore, patchFile, testBatch, testConfig } from '../support.ts';

const checkpoint = `log-0/${LEADER_EPOCH_FILE}`;

async function openOn(disk: SimulatedDisk) {
  const store = await openStore(disk);
  const log = await store.openLog({ name: 'log-0', topicId: 'topic-id', config: testConfig });
  return { store, log };
}

async function append(log: PartitionLog, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await log.append(testBatch(index)).committed;
}

/** Where each epoch that clients may know ends. */
function ends(log: PartitionLog, epochs: readonly number[]): number[] {
  return epochs.map((epoch) => log.endOffsetForEpoch(epoch).endOffset);
}

/** Three lives of four batches each, in epochs 0 to 2, the first two of which were killed. */
async function threeLives(): Promise<{
  disk: SimulatedDisk;
  log: PartitionLog;
  close: () => Promise<void>;
}> {
  let disk = new SimulatedDisk({ seed: 3 });
  for (let life = 0; life < 2; life++) {
    const { log } = await openOn(disk);
    await append(log, 4);
    disk = disk.kill();
  }
  const { store, log } = await openOn(disk);
  await append(log, 4);
  return { disk, log, close: () => store.close() };
}

async function claim(disk: SimulatedDisk, entries: readonly [number, number][]): Promise<void> {
  const wrong = entries.map(([epoch, startOffset]) => ({ epoch, startOffset }));
  await patchFile(disk, checkpoint, () => new LeaderEpochs(wrong).encode());
}

const wrongClaims: readonly { what: string; entries: readonly [number, number][] }[] = [
  {
    what: 'an epoch that began earlier',
    entries: [
      [0, 0],
      [1, 2],
      [2, 24],
    ],
  },
  {
    what: 'an epoch that began later',
    entries: [
      [0, 0],
      [1, 22],
      [2, 24],
    ],
  },
  {
    what: 'another number',
    entries: [
      [0, 0],
      [1, 12],
      [6, 24],
    ],
  },
  {
    what: 'an epoch left out',
    entries: [
      [0, 0],
      [2, 24],
    ],
  },
];

describe('a checkpoint that claims', () => {
  test.each(wrongClaims)('$what is not believed after a kill', async ({ entries }) => {
    const { disk } = await threeLives();
    const next = disk.kill();
    await claim(next, entries);
    const { store, log } = await openOn(next);
    expect(ends(log, [0, 1, 2])).toEqual([12, 24, 36]);
    expect(log.leaderEpoch).toBeGreaterThan(2);
    await store.close();
  });

  test.each(wrongClaims)(
    '$what is not believed where a recovery scans the end alone',
    async ({ entries }) => {
      const { disk, close } = await threeLives();
      await close();
      const { log: before } = await openOn(disk);
      await append(before, 4);
      const next = disk.kill();
      await claim(next, entries);
      const { store, log } = await openOn(next);
      expect(ends(log, [0, 1, 2])).toEqual([12, 24, 48]);
      expect(log.leaderEpoch).toBeGreaterThan(2);
      await store.close();
    },
  );

  test.each(wrongClaims)('$what is not believed after a clean stop', async ({ entries }) => {
    const { disk, close } = await threeLives();
    await close();
    await claim(disk, entries);
    const { store, log } = await openOn(disk);
    expect(ends(log, [0, 1])).toEqual([12, 24]);
    expect(ends(log, [2])).toEqual([36]);
    await store.close();
  });
});

test('the checkpoint of a clean stop is believed as it is, and not written again', async () => {
  const { disk, close } = await threeLives();
  await close();
  const before = disk.bytesOf(checkpoint);
  const written: string[] = [];
  disk.hook = (operation, path) => {
    if (operation === 'write' || operation === 'rename') written.push(path);
  };
  const { store, log } = await openOn(disk);
  expect(log.leaderEpoch).toBe(2);
  expect(ends(log, [0, 1, 2])).toEqual([12, 24, 36]);
  await append(log, 1);
  await store.close();
  expect(written.filter((path) => path.includes(LEADER_EPOCH_FILE))).toEqual([]);
  expect(disk.bytesOf(checkpoint)).toBe(before);
});

test('the epochs hold after records were deleted from the beginning', async () => {
  const { disk, log } = await threeLives();
  await log.deleteRecordsBefore(15);
  const { store, log: after } = await openOn(disk.kill());
  expect(after.epochForOffset(15)).toBe(1);
  expect(ends(after, [1, 2])).toEqual([24, 36]);
  await store.close();
});

describe("a bit of a batch's epoch, which no checksum of the batch covers", () => {
  const BATCHES_A_LIFE = 50;
  const OFFSETS_A_BATCH = 10;
  const whole = { ...testConfig, segmentBytes: 1024 * 1024 };

  /** Two lives, the marks written at the end of each and both killed: epochs 0 and 1, 500 offsets each. */
  async function twoLives(config: LogConfig): Promise<SimulatedDisk> {
    let disk = new SimulatedDisk({ seed: 3 });
    for (let life = 0; life < 2; life++) {
      const clock = new VirtualClock();
      const ports = { disk, clock, random: new SeededRandom(7), logger: silentLogger };
      const store = await openLogStore({ ...ports, root: 'test' });
      const log = await store.openLog({ name: 'log-0', topicId: 'topic-id', config });
      for (let index = 0; index < BATCHES_A_LIFE; index++)
        await log.append(testBatch(index, OFFSETS_A_BATCH)).committed;
      await clock.advance(60_000);
      disk = disk.kill();
    }
    return disk;
  }

  /** The batch at `offset` says epoch 64. */
  async function flip(disk: SimulatedDisk, offset: number): Promise<void> {
    const names = (await disk.list('log-0')).filter((name) => name.endsWith('.log'));
    const name = names.findLast((entry) => Number.parseInt(entry, 10) <= offset) as string;
    await patchFile(disk, `log-0/${name}`, (bytes) => {
      let at = 0;
      while (bytes.readBigInt64BE(at) < offset) at += 12 + bytes.readInt32BE(at + 8);
      bytes.writeInt32BE(64, at + BatchField.partitionLeaderEpoch);
      return bytes;
    });
  }

  const places = [
    { what: 'a log that is scanned as a whole', config: whole, offset: 10 },
    { what: 'the end of a log, scanned alone', config: testConfig, offset: 990 },
  ];

  test.each(places)('moves no epoch below the mark: $what', async ({ config, offset }) => {
    const disk = await twoLives(config);
    await flip(disk, offset);
    const { store, log } = await openOn(disk);
    expect(ends(log, [0, 1])).toEqual([500, 1000]);
    expect([log.epochForOffset(499), log.epochForOffset(600)]).toEqual([0, 1]);
    await store.close();
  });

  test.each(places)('is not believed without the checkpoint either: $what', async (place) => {
    const disk = await twoLives(place.config);
    await flip(disk, place.offset);
    await disk.remove(checkpoint);
    const { store, log } = await openOn(disk);
    expect(ends(log, [0, 1])).toEqual([500, 1000]);
    await store.close();
  });

  test.each(places)('is not believed where reads alone are served: $what', async (place) => {
    const disk = await twoLives(place.config);
    await flip(disk, place.offset);
    const left = 'log-0/half.tmp';
    await (await disk.open(left, 'create')).close();
    disk.hook = (operation, path) => {
      if (operation === 'remove' && path === left) throw new DiskError('io_error', path, 'no');
    };
    const { store, log } = await openOn(disk);
    expect(() => log.append(testBatch(0))).toThrow('stopped taking writes');
    expect(ends(log, [0, 1])).toEqual([500, 1000]);
    await store.close();
  });
});
