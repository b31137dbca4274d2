// The base offset of a batch is outside of its checksum: one that is wrong must cost its own batch alone, whatever it
// says, in logs with and without gaps, after an orderly stop and after a kill.

import { describe, expect, test } from 'vitest';
import { writeInt64 } from '../../../../src/base/int64.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { iterateBatches } from '../../../../src/record/index.ts';
import { MemoryDisk, openLogStore } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../../support/captured-log.ts';
import { filesBelow, patchFile, readBaseOffsets, testBatch, testConfig } from '../support.ts';

const BATCHES = 30;
const all = Array.from({ length: BATCHES }, (_, index) => index * 3);

async function open(disk: MemoryDisk, compact: boolean, segmentBytes: number) {
  const captured = capturedLog();
  const clock = new VirtualClock();
  const random = new SeededRandom(7);
  const store = await openLogStore({ disk, root: 'test', clock, random, logger: captured.logger });
  const config = { ...testConfig, segmentBytes, cleanupCompact: compact, cleanupDelete: !compact };
  const log = await store.openLog({ name: 't-0', topicId: 'id', config });
  return { store, log, clock, lines: captured.lines };
}

async function copyOf(disk: MemoryDisk): Promise<MemoryDisk> {
  const copy = new MemoryDisk();
  for (const directory of ['.', 't-0', 'journal']) await copy.makeDirectory(directory);
  for (const path of await filesBelow(disk)) {
    const from = await disk.open(path, 'read');
    const bytes = Buffer.alloc(await from.size());
    await from.read(bytes, 0);
    const to = await copy.open(path, 'create');
    await to.write([bytes], 0);
  }
  return copy;
}

/** The disk of a stopped or killed broker, with segments of `segmentBytes`. */
async function stopped(stop: 'clean' | 'killed', compact: boolean, segmentBytes: number) {
  const disk = new MemoryDisk();
  const { store, log, clock } = await open(disk, compact, segmentBytes);
  for (let index = 0; index < BATCHES; index++) await log.append(testBatch(index)).committed;
  // The journal is emptied: a batch that it holds would come back.
  await clock.advance(30_000);
  const killed = await copyOf(disk);
  await store.close();
  return stop === 'killed' ? killed : disk;
}

/** Writes another base offset into batch `index`. */
async function lie(disk: MemoryDisk, index: number, base: number): Promise<void> {
  for (const name of (await disk.list('t-0')).filter((entry) => entry.endsWith('.log'))) {
    await patchFile(disk, `t-0/${name}`, (bytes) => {
      const found = [...iterateBatches(bytes)].find((header) => header.baseOffset === index * 3);
      if (found !== undefined) writeInt64(bytes, found.position, base);
      return bytes;
    });
  }
}

describe.each(['clean', 'killed'] as const)('after a %s stop', (stop) => {
  describe.each([
    ['of a compacted log', true],
    ['of another log', false],
  ])('a wrong base offset %s', (_, compact) => {
    test.each([100_000, 700])('in segments of %i bytes costs its own batch alone', async (size) => {
      const whole = await stopped(stop, compact, size);
      for (const index of [0, 1, 9, 10, 28, 29]) {
        const right = index * 3;
        const wrongs = [0, right - 3, right - 1, right + 1, right + 3, right + 4, right + 16];
        for (const base of [...wrongs, right + 4096, 2 ** 40]) {
          if (base === right || base < 0) continue;
          const disk = await copyOf(whole);
          await lie(disk, index, base);
          const opened = await open(disk, compact, size);
          // From the start, and by an index entry or the segment that holds the offset.
          for (const from of [0, right, right + 1, right + 3].filter((at) => at <= BATCHES * 3)) {
            const first = from - (from % 3);
            const expected = all.filter((offset) => offset >= first && offset !== right);
            const seen = await readBaseOffsets(opened.log, from);
            expect({ index, base, from, seen }).toEqual({ index, base, from, seen: expected });
          }
          expect([index, base, opened.log.endOffset]).toEqual([index, base, BATCHES * 3]);
          const told = opened.log.damaged.some(
            ({ firstOffset, lastOffset }) => firstOffset <= right && lastOffset >= right,
          );
          expect({ index, base, told }).toEqual({ index, base, told: true });
          await opened.store.close();
        }
      }
    });
  });
});
