// Makes appended batches durable, for all logs of a data directory: group commit.
//
// Direct: a log with unsynced batches gets one fdatasync, shared by all of its appends that were written when it
// starts. A few run at once: more does not pay, and would starve libuv's pool, which reads and DNS share.
// Journal: when many logs wait, their unsynced bytes go to one journal file and one fdatasync commits them all; the
// segment files are synced later (journal.ts). A sync of blocks that are there already is shorter than one of a file
// that grows (decision 3). So small batches go to the journal, also those of one log once a file of it is open. Big
// batches never do, and nothing does while the segment syncs that empty the journal lag behind it. What the journal
// refuses is synced directly. While it refuses, small batches wait for a file of it only where one is open already.

import { asError } from '../../base/errors.ts';
import type { CommitStats } from '../contract.ts';
import type { Journal } from './journal.ts';
import type { JournalEntry } from './journal-entry.ts';

/** Syncs of single logs at once. */
const DIRECT_MAX = 3;
/** So many waiting logs are worth opening a file of the journal for. */
const JOURNAL_LOGS_MIN = 2;
/** So is one that was found waiting alone so often, or any while none can be had, each time to be synced directly. */
const JOURNAL_AFTER_ALONE = 8;
/** A log with more unsynced bytes than this is synced by itself: its bytes are not worth writing twice. */
const JOURNAL_BYTES_PER_LOG_MAX = 64 * 1024;

/** What one commit of one log covers. */
export interface CommitRound {
  readonly endOffset: number;
  readonly batches: number;
  readonly offsets: number;
  readonly bytes: number;
}

/** How a log stands to commits; `again`: one is under way, and it waits for another. */
export type CommitState = 'idle' | 'waiting' | 'running' | 'again';

/** A log as the committer sees it. */
export interface Committable {
  readonly name: string;
  /** Owned by the committer. `idle` at first. */
  commitState: CommitState;
  /** Bytes written and not yet durable, if all of them are still in memory; else infinity. */
  journalBytes(): number;
  /** What a commit that starts now would cover, from the last {@link roundDone} on; null when there is nothing. */
  beginRound(): CommitRound | null;
  /** Syncs the files that hold the round. */
  syncFiles(round: CommitRound): Promise<void>;
  journalEntries(round: CommitRound): JournalEntry[];
  roundDone(round: CommitRound): void;
  commitFailed(error: Error): void;
}

export interface CommitterPort {
  readonly stats: Readonly<CommitStats>;
  /** The log has something to commit. */
  request(log: Committable): void;
  /** Writes what the journal holds of a log (log-identity.ts) into its segments again. */
  restore(key: string): Promise<void>;
  /** Makes the journal hold nothing of this log that a later start could replay. */
  forget(key: string): Promise<void>;
  /** The log is deleted: what the journal holds of it keeps no file any more. Never rejects. */
  disown(key: string): Promise<void>;
  /** Makes the journal hold nothing of this log's finished segments that counts; false when these would not sync. */
  release(key: string): Promise<boolean>;
}

export class Committer implements CommitterPort {
  readonly stats: CommitStats = { syncs: 0, batches: 0, offsets: 0, bytes: 0 };
  readonly #journal: Journal;
  /** Logs that wait for a commit, in order of arrival. */
  #waiting: Committable[] = [];
  #direct = 0;
  #journaling = false;
  /** How often small logs did without the journal since it was last used or asked for. */
  #alone = 0;
  #gathering = false;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  request(log: Committable): void {
    if (log.commitState === 'running') log.commitState = 'again';
    if (log.commitState !== 'idle') return;
    this.#wait(log);
    if (!this.#gathering) this.#pump();
  }

  #wait(log: Committable): void {
    log.commitState = 'waiting';
    // An array of one takes a fraction of the room of one that was empty and grows.
    if (this.#waiting.length === 0) this.#waiting = [log];
    else this.#waiting.push(log);
  }

  /** Logs that ask for a commit within the work are looked at together. */
  together(work: readonly (() => void)[]): void {
    this.#gathering = true;
    try {
      for (const each of work) each();
    } finally {
      this.#gathering = false;
      this.#pump();
    }
  }

  restore(key: string): Promise<void> {
    return this.#journal.restore(key);
  }

  forget(key: string): Promise<void> {
    return this.#journal.forget(key);
  }

  disown(key: string): Promise<void> {
    return this.#journal.disown(key);
  }

  release(key: string): Promise<boolean> {
    return this.#journal.release(key);
  }

  #pump(): void {
    if (this.#waiting.length > 0) this.#pumpJournal();
    if (this.#waiting.length === 0 || this.#direct >= DIRECT_MAX) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const log of waiting) {
      // While a journal commit runs, small ones wait to share the next.
      const joins = this.#journaling && log.journalBytes() <= JOURNAL_BYTES_PER_LOG_MAX;
      if (joins || this.#direct >= DIRECT_MAX) this.#wait(log);
      else this.#start(log);
    }
  }

  #start(log: Committable): void {
    log.commitState = 'running';
    this.#direct++;
    void this.#commitDirect(log).then(() => {
      this.#direct--;
      this.#finish(log);
      this.#pump();
    });
  }

  #finish(log: Committable): void {
    const again = log.commitState === 'again';
    log.commitState = 'idle';
    if (again) this.#wait(log);
  }

  async #commitDirect(log: Committable): Promise<void> {
    const round = log.beginRound();
    if (round === null) return;
    try {
      await log.syncFiles(round);
    } catch (error) {
      return log.commitFailed(asError(error));
    }
    this.stats.syncs++;
    this.#endRound(log, round);
  }

  #endRound(log: Committable, round: CommitRound): void {
    this.stats.batches += round.batches;
    this.stats.offsets += round.offsets;
    this.stats.bytes += round.bytes;
    try {
      log.roundDone(round);
    } catch (error) {
      log.commitFailed(asError(error));
    }
  }

  #pumpJournal(): void {
    if (this.#journaling || this.#journal.lagging) return;
    const logs = this.#waiting.filter((log) => log.journalBytes() <= JOURNAL_BYTES_PER_LOG_MAX);
    if (logs.length === 0) return;
    const few = logs.length < JOURNAL_LOGS_MIN;
    if ((few || this.#journal.refuses) && !this.#journal.ready) {
      this.#alone += 1;
      if (this.#alone < JOURNAL_AFTER_ALONE) return;
      // Where none can be had, it is not asked for at every commit.
      this.#alone = 0;
      this.#journal.prepare();
      return;
    }
    this.#alone = 0;
    for (const log of logs) log.commitState = 'running';
    const all = logs.length === this.#waiting.length;
    this.#waiting = all ? [] : this.#waiting.filter((log) => log.commitState === 'waiting');
    this.#journaling = true;
    void this.#commitJournal(logs).then(() => {
      this.#journaling = false;
      for (const log of logs) this.#finish(log);
      this.#pump();
    });
  }

  async #commitJournal(logs: readonly Committable[]): Promise<void> {
    const commits = logs.map((log) => ({ log, round: log.beginRound() }));
    if (commits.every(({ round }) => round === null)) return;
    try {
      await this.#journal.append(entriesOf(commits));
    } catch {
      // The journal has told of it. Their bytes are in the segments; in the journal's place, one after the other. A
      // start may find some of them in the journal all the same: it writes what is there already. Each round begins
      // anew: a log may fail, and be opened with less, before its turn.
      for (const log of logs) await this.#commitDirect(log);
      return;
    }
    this.stats.syncs++;
    for (const { log, round } of commits) if (round !== null) this.#endRound(log, round);
  }
}

interface JournalCommit {
  readonly log: Committable;
  readonly round: CommitRound | null;
}

function entriesOf(commits: readonly JournalCommit[]): readonly JournalEntry[] {
  const entries = commits.map(({ log, round }) =>
    round === null ? [] : log.journalEntries(round),
  );
  const [first] = entries;
  return first !== undefined && entries.length === 1 ? first : entries.flat();
}
