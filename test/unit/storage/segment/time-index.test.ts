import { describe, expect, test } from 'vitest';
import { MemoryDisk, type PartitionLog, TIME_ENTRY_BYTES } from '../../../../src/storage/index.ts';
import { amount } from '../../../support/amount.ts';
import { copyDisk } from '../../engine/support/faulty-disk.ts';
import { batchOf, openStore, patchFile, testConfig } from '../support.ts';

const config = { ...testConfig, segmentBytes: 8000, indexIntervalBytes: 300 };

function batchAt(timestamp: number) {
  return batchOf([{ timestamp, key: null, value: Buffer.alloc(80, 1) }]);
}

/** Times that rise, with two far ahead of the others in each fifty. */
const ahead = new Map([
  [15, 3000],
  [20, 5000],
]);
const times = Array.from({ length: 200 }, (_, i) => 1000 + i * 10 + (ahead.get(i % 50) ?? 0));

async function filled(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const store = await openStore(disk);
  const log = await store.openLog({ name: 't-0', topicId: 'id', config });
  for (const time of times) log.append(batchAt(time));
  await log.flush();
  expect(log.segmentCount()).toBeGreaterThan(3);
  await store.close();
  return disk;
}

/** Every so manieth of all times is asked for, others in each turn. */
const every = amount(4, 1);

async function expectRight(log: PartitionLog, note: string, turn: number): Promise<void> {
  const asked = Array.from(
    { length: 206 / every },
    (_, i) => 900 + (i * every + (turn % every)) * 35,
  );
  const found: number[] = [];
  for (const time of asked) found.push((await log.offsetForTimestamp(time))?.offset ?? -1);
  const right = asked.map((timestamp) => times.findIndex((time) => time >= timestamp));
  expect({ note, found }).toEqual({ note, found: right });
  const newest = times.indexOf(Math.max(...times));
  expect([note, (await log.maxTimestamp())?.offset]).toEqual([note, newest]);
}

/** Every way to shorten or change one time index file. */
function* harms(entries: number): Generator<[string, (bytes: Buffer) => Buffer]> {
  for (let kept = 0; kept < entries; kept++) {
    yield [`cut to ${kept} entries`, (bytes) => bytes.subarray(0, kept * TIME_ENTRY_BYTES)];
  }
  for (let entry = 0; entry < entries; entry++) {
    for (const [at, bit] of [
      [6, 1],
      [7, 2],
      [11, 1],
      [11, 8],
    ] as const) {
      yield [
        `entry ${entry}, byte ${at}, bit ${bit}`,
        (bytes) => {
          const changed = Buffer.from(bytes);
          const place = entry * TIME_ENTRY_BYTES + at;
          changed[place] = (changed[place] as number) ^ bit;
          return changed;
        },
      ];
    }
  }
}

describe('lookups by time', () => {
  test('are right whatever became of a time index, with times that do not only rise', async () => {
    const probe = await filled();
    const names = (await probe.list('t-0')).filter((name) => name.endsWith('.timeindex'));
    let turn = 0;
    for (const name of names) {
      const path = `t-0/${name}`;
      const bytes = (await probe.stat(path))?.bytes ?? 0;
      for (const [note, harm] of harms(bytes / TIME_ENTRY_BYTES)) {
        for (const stop of ['clean', 'killed']) {
          const disk = await copyDisk(probe);
          if (stop === 'killed') await disk.remove('clean-shutdown');
          await patchFile(disk, path, harm);
          const store = await openStore(disk);
          const log = await store.openLog({ name: 't-0', topicId: 'id', config });
          await expectRight(log, `${name} ${note} after ${stop}`, turn++);
        }
      }
    }
  }, 300_000);

  test('retention keeps a segment whose time index lost its newest entry', async () => {
    for (let kept = 0; kept < 12; kept++) {
      const disk = await filled();
      const name = (await disk.list('t-0')).find((entry) => entry.endsWith('.timeindex'));
      const cut = (bytes: Buffer) => bytes.subarray(0, kept * TIME_ENTRY_BYTES);
      await patchFile(disk, `t-0/${name}`, cut);
      const store = await openStore(disk);
      const log = await store.openLog({
        name: 't-0',
        topicId: 'id',
        config: { ...config, retentionMs: 1000 },
      });
      // The newest record of the first segment is of 6200.
      expect([kept, await log.applyRetention(7100)]).toEqual([kept, 0]);
      expect([kept, await log.applyRetention(7300)]).toEqual([kept, 1]);
    }
  });
});
