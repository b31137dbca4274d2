// Whatever order logs ask, syncs end and the journal comes and goes in: all that was written is committed, or refused.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import {
  type CommitRound,
  type CommitState,
  type Committable,
  Committer,
} from '../../../src/storage/committer.ts';
import type { Journal, JournalEntry } from '../../../src/storage/journal.ts';
import { fc } from '../../support/fast-check.ts';

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
  rounds = 0;
  readonly #syncs: Waits;

  constructor(syncs: Waits) {
    this.#syncs = syncs;
  }

  journalBytes(): number {
    return this.unsyncedBytes;
  }

  beginRound(): CommitRound | null {
    if (this.written === this.settled) return null;
    this.rounds++;
    expect(this.rounds).toBe(1);
    return {
      endOffset: this.written,
      batches: 1,
      offsets: 1,
      bytes: this.unsyncedBytes,
    };
  }

  syncFiles(): Promise<void> {
    return this.#syncs.next();
  }

  journalEntries(): JournalEntry[] {
    return [];
  }

  roundDone({ endOffset }: CommitRound): void {
    this.rounds--;
    this.settled = endOffset;
    this.unsyncedBytes = 0;
  }

  commitFailed(): void {
    this.rounds--;
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
        prepare: () => {},
        append: () => waits.next(),
      };
      const committer = new Committer(journal as unknown as Journal, silentLogger);
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
        else if (kind === 'journal') Object.assign(journal, { ready: well, lagging: log > 3 });
        else committer.together(logs.slice(log).map((_, at) => () => write(log + at, bytes)));
        // Three of single logs, one of the journal.
        expect(waits.open.length).toBeLessThanOrEqual(4);
      }
      for (await turn(); waits.open.length > 0; await turn()) waits.end(0, true);
      expect(logs.map(({ settled }) => settled)).toEqual(logs.map(({ written }) => written));
      expect(logs.map(({ commitState }) => commitState)).toEqual(logs.map(() => 'idle'));
    }),
  );
});
