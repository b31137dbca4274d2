// Shared by the tests of the journal alone: one over any disk, and what its files hold.

import { silentLogger } from '../../../../src/base/ports.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { Journal } from '../../../../src/storage/commit/journal.ts';
import type { JournalOwner } from '../../../../src/storage/commit/journal-entry.ts';
import type { Generation } from '../../../../src/storage/commit/journal-files.ts';
import { ENTRY_KIND, parseJournal } from '../../../../src/storage/commit/journal-format.ts';
import type { Disk } from '../../../../src/storage/index.ts';
import { logIdentity } from '../../../../src/storage/metadata/log-identity.ts';
import { TaskOwner } from '../../../../src/storage/tasks.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { readAll } from '../../engine/support/faulty-disk.ts';

export interface TestJournalOptions {
  readonly dirtyLogsMax?: number;
  readonly kept?: readonly Generation[];
}

/** What the journal knows a log by. */
export function keyOf(name: string): string {
  return logIdentity({ name, topicId: 'id' });
}

/** `append` takes one entry of a log and answers when it is durable. */
export async function journalOn(disk: Disk, options: TestJournalOptions = {}) {
  const { dirtyLogsMax = 10, kept = [] } = options;
  const clock = new VirtualClock();
  const tasks = new TaskOwner(silentLogger);
  const ports = { disk, clock, random: new SeededRandom(7), logger: silentLogger, tasks };
  const journal = new Journal({ ...ports, dirtyLogsMax, firstGeneration: 1, kept });
  await disk.makeDirectory('journal');
  const append = (name: string, owner: JournalOwner): Promise<void> => {
    const batch = Buffer.from(`batch of ${name}`);
    const place = { owner, key: keyOf(name), segmentBase: 0, position: 0 };
    return journal.append([{ ...place, parts: [batch], bytes: batch.length }]);
  };
  return { journal, clock, tasks, append };
}

/** The entries of each journal file, oldest first: `batches` or `forget`, and the key of their log. */
export async function journalEntries(disk: Disk): Promise<string[][]> {
  const found: string[][] = [];
  for (const name of await disk.list('journal')) {
    if (!name.endsWith('.journal')) continue;
    const path = `journal/${name}`;
    const entries = parseJournal(await readAll(disk, path), path);
    found.push(
      entries.map(({ kind, key }) => `${kind === ENTRY_KIND.forget ? 'forget' : 'batches'} ${key}`),
    );
  }
  return found;
}
