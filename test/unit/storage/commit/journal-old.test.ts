// Journal files that are gone do not stay in memory.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/ports.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { Generation, JournalFiles } from '../../../../src/storage/commit/journal-files.ts';
import { OldGenerations } from '../../../../src/storage/commit/journal-old.ts';
import { MemoryDisk } from '../../../../src/storage/index.ts';
import { TaskOwner } from '../../../../src/storage/tasks.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';

test('of a row of files that each void what the one before holds, none is known that is gone', async () => {
  const disk = new MemoryDisk(() => 0);
  await disk.makeDirectory('journal');
  const logger = silentLogger;
  const files = new JournalFiles({ disk, random: new SeededRandom(7), logger, firstGeneration: 1 });
  const ports = { clock: new VirtualClock(), logger, tasks: new TaskOwner(logger) };
  const old = new OldGenerations({ ...ports, kept: [] }, files);
  const [first, second] = [await files.make(), await files.make()];
  const current = new Generation('current');
  for (const generation of [first, second]) {
    generation.names.add('a log');
    generation.checkpointed = true;
    old.add(generation);
  }
  second.void('a log', first);
  current.void('a log', second);
  await old.removeFinished();
  expect(old.count).toBe(0);
  expect([...current.voids].flatMap(({ voids }) => [...voids])).toEqual([]);
});
