import { describe, expect, test } from 'vitest';
import { buildBatch } from '../../../src/record/index.ts';
import { MemoryDisk, type PartitionLog, TIME_ENTRY_BYTES } from '../../../src/storage/index.ts';
import { openStore, patchFile, testConfig } from './support.ts';

const config = { ...testConfig, segmentBytes: 8000, indexIntervalBytes: 300 };

function batchAt(timestamp: number) {
  const bytes = buildBatch([{ timestamp, key: null, value: Buffer.alloc(80, 1) }]);
  return { parts: [bytes], byteLength: bytes.length, offsetCount: 1, maxTimestamp: timestamp };
}

/** Times that rise, with two far ahead of the others in each fifty. */
const ahead = new Map([
  [15, 3000],
  [20, 5000],
]);
const times = Array.from({ length: 200 }, (_, i) => 1000 + i * 10 + (ahead.get(i % 50) ?? 0));

async function filled(disk: MemoryDisk): Promise<void> {
  const store = await openStore(disk);
  const log = await store.openLog({ name: 't-0', topicId: 'id', config });
  for (const time of times) log.append(batchAt(time));
  await log.flush();
  expect(log.segmentCount()).toBeGreaterThan(3);
  await store.close();
}

async function expectRight(log: PartitionLog, note: string): Promise<void> {
  for (let timestamp = 900; timestamp < 8100; timestamp += 35) {
    const offset = times.findIndex((time) => time >= timestamp);
    const found = await log.offsetForTimestamp(timestamp);
    expect([note, timestamp, found?.offset ?? -1]).toEqual([note, timestamp, offset]);
  }
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
    const probe = new MemoryDisk();
    await filled(probe);
    const names = (await probe.list('t-0')).filter((name) => name.endsWith('.timeindex'));
    for (const name of names) {
      const path = `t-0/${name}`;
      const bytes = (await probe.stat(path))?.bytes ?? 0;
      for (const [note, harm] of harms(bytes / TIME_ENTRY_BYTES)) {
        for (const stop of ['clean', 'killed']) {
          const disk = new MemoryDisk();
          await filled(disk);
          if (stop === 'killed') await disk.remove('clean-shutdown');
          await patchFile(disk, path, harm);
          const store = await openStore(disk);
          const log = await store.openLog({ name: 't-0', topicId: 'id', config });
          await expectRight(log, `${name} ${note} after ${stop}`);
        }
      }
    }
  }, 300_000);

  test('retention keeps a segment whose time index lost its newest entry', async () => {
    for (let kept = 0; kept < 12; kept++) {
      const disk = new MemoryDisk();
      await filled(disk);
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
