// Whatever order logs ask, syncs end and the journal comes and goes in: all that was written is committed, or refused.

import { expect, test } from 'vitest';
import {
  type CommitRound,
  type CommitState,
  type Committable,
  Committer,
} from '../../../../src/storage/commit/committer.ts';
import type { Journal } from '../../../../src/storage/commit/journal.ts';
import type { JournalEntry } from '../../../../src/storage/commit/journal-entry.ts';
import { fc } from '../../../support/fast-check.ts';

/** What is under way, until the test says how it ends. */
class Waits {
  readonly open: { done(): void; fail(): void }[] = [];

  next(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.open.push({
        done: resolve,
        fail: () => reject(new Error('the disk refuses')),
      });
    });
  }

  end(which: number, well: boolean): void {
    const [one] = this.open.splice(which % Math.max(1, this.open.length), 1);
    if (well) one?.done();
    else one?.fail();
  }
}

class FakeLog implements Committable {
  readonly name = 'log';
  commitState: CommitState = 'idle';
  written = 0;
  /** Committed, or refused. */
  settled = 0;
  unsyncedBytes = 0;
  inJournal = false;
  inSync = false;
  readonly #syncs: Waits;

  constructor(syncs: Waits) {
    this.#syncs = syncs;
  }

  journalBytes(): number {
    return this.unsyncedBytes;
  }

  beginRound(): CommitRound | null {
    if (this.written === this.settled) return null;
    expect(this.inJournal || this.inSync).toBe(false);
    return {
      endOffset: this.written,
      batches: 1,
      offsets: 1,
      bytes: this.unsyncedBytes,
    };
  }

  syncFiles(): Promise<void> {
    this.inSync = true;
    return this.#syncs.next();
  }

  journalEntries(): JournalEntry[] {
    this.inJournal = true;
    return [];
  }

  roundDone({ endOffset }: CommitRound): void {
    this.inJournal = this.inSync = false;
    this.settled = endOffset;
    this.unsyncedBytes = 0;
  }

  commitFailed(_error: Error): void {
    this.inJournal = this.inSync = false;
    this.settled = this.written;
    this.unsyncedBytes = 0;
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('nothing is forgotten, and no log has two commits at once', async () => {
  const step = fc.record({
    kind: fc.constantFrom('write', 'write', 'write', 'together', 'end', 'end', 'journal', 'turn'),
    log: fc.nat(5),
    bytes: fc.constantFrom(100, 100, 1_000_000),
    well: fc.constantFrom(true, true, true, false),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const waits = new Waits();
      const journal = {
        ready: false,
        lagging: false,
        refuses: false,
        prepare: () => {},
        append: async () => {
          try {
            await waits.next();
          } finally {
            for (const log of logs) log.inJournal = false;
          }
        },
      };
      const committer = new Committer(journal as unknown as Journal);
      const logs = Array.from({ length: 6 }, () => new FakeLog(waits));
      const write = (which: number, bytes: number): void => {
        const log = logs[which] as FakeLog;
        log.written++;
        log.unsyncedBytes += bytes;
        committer.request(log);
      };
      for (const { kind, log, bytes, well } of steps) {
        if (kind === 'write') write(log, bytes);
        else if (kind === 'end') waits.end(log, well);
        else if (kind === 'turn') await turn();
        else if (kind === 'journal') {
          Object.assign(journal, { ready: well, lagging: log > 3, refuses: log % 2 === 1 });
        } else committer.together(logs.slice(log).map((_, at) => () => write(log + at, bytes)));
        // Three of single logs, one of the journal.
        expect(waits.open.length).toBeLessThanOrEqual(4);
      }
      for (await turn(); waits.open.length > 0; await turn()) waits.end(0, true);
      expect(logs.map(({ settled }) => settled)).toEqual(logs.map(({ written }) => written));
      expect(logs.map(({ commitState }) => commitState)).toEqual(logs.map(() => 'idle'));
    }),
  );
});

/** A log whose first commit throws as others are told of it. */
class Throwing extends FakeLog {
  failed: Error | null = null;

  override roundDone(round: CommitRound): void {
    super.roundDone(round);
    if (round.endOffset === 1) throw new Error('a listener throws');
  }

  override commitFailed(error: Error): void {
    this.failed = error;
  }
}

test.each(['journal', 'direct'])(
  'who throws when told of a commit (%s) holds up no other',
  async (way) => {
    const waits = new Waits();
    const journal = { ready: true, lagging: way === 'direct', append: () => Promise.resolve() };
    const committer = new Committer(journal as unknown as Journal);
    const logs = [new Throwing(waits), new FakeLog(waits)] as const;
    for (let round = 1; round <= 2; round++) {
      for (const log of logs) {
        log.written++;
        committer.request(log);
      }
      for (await turn(); waits.open.length > 0; await turn()) waits.end(0, true);
      expect(logs.map(({ settled }) => settled)).toEqual([round, round]);
      expect(logs[0].failed).toMatchObject({ message: 'a listener throws' });
    }
  },
);

/** Three logs whose commit the journal refuses. */
function refused(waits: Waits) {
  const logs = Array.from({ length: 3 }, () => new Throwing(waits));
  const append = (): Promise<void> => {
    for (const log of logs) log.inJournal = false;
    return Promise.reject(new Error('full'));
  };
  const journal = { ready: false, lagging: false, append };
  const committer = new Committer(journal as unknown as Journal);
  for (const log of logs) log.written = 2;
  committer.together(logs.map((log) => () => committer.request(log)));
  return { committer, logs };
}

test('what the journal refuses is synced directly; only a log that cannot be either is refused', async () => {
  const waits = new Waits();
  const { committer, logs } = refused(waits);
  await turn();
  for (let index = 0; index < logs.length; index++, await turn()) {
    expect(waits.open).toHaveLength(1);
    waits.end(0, index !== 1);
  }
  expect(logs.map(({ failed }) => failed?.message)).toEqual([
    undefined,
    'the disk refuses',
    undefined,
  ]);
  expect(logs.map(({ settled }) => settled)).toEqual([2, 0, 2]);
  expect(committer.stats).toMatchObject({ syncs: 2, batches: 2 });
});

test('a log that was opened anew with less, before its turn, is not told of what it lost', async () => {
  const waits = new Waits();
  const { logs } = refused(waits);
  await turn();
  Object.assign(logs[2] as FakeLog, { written: 0 });
  for (; waits.open.length > 0; await turn()) waits.end(0, true);
  expect(logs.map(({ settled }) => settled)).toEqual([2, 2, 0]);
});
