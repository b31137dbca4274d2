// Exports and imports among the jobs of replay: who did what when, and how much. A cluster that takes no record of it
// (one that may only be read) gets none, which is said, and hinders nothing.

import { isDeepStrictEqual } from 'node:util';
import { unlessAborted } from '../../../tools/batches/given-up.ts';
import {
  type JobRecord,
  type JobState,
  JobStore,
  newJob,
  type ReplaySource,
  type ReplayTarget,
  type Stretch,
} from '../../../tools/replay/index.ts';
import type { Cluster } from '../../client/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { messageOf } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';

/** What is known before it begins. */
export interface ArchiveDeed {
  readonly tool: 'export' | 'import';
  /** The file that is read or written: whoever goes on with it may be elsewhere, so its whole path. */
  readonly file: string;
  readonly source: ReplaySource;
  readonly target: ReplayTarget;
  /** As they were resolved. */
  readonly stretches: readonly Stretch[];
}

export interface AuditOptions {
  readonly resume: boolean;
  /** Aborted while it waits for the jobs topic: there is no record. */
  readonly givenUp: AbortSignal;
}

/** Records and bytes that were written. */
export interface ArchiveCounts {
  readonly records: number;
  readonly bytes: number;
}

const NOTHING: ArchiveCounts = { records: 0, bytes: 0 };
/** The jobs topic may take so long. */
const SAVE_MS = 10_000;

/** One export or import, among the jobs. */
export class ArchiveAudit {
  readonly #store: JobStore;
  readonly #io: CliIo;
  #job: JobRecord;
  readonly #givenUp: AbortSignal;
  #refused = false;

  private constructor(
    { store, io, givenUp }: { store: JobStore; io: CliIo; givenUp: AbortSignal },
    job: JobRecord,
  ) {
    this.#store = store;
    this.#io = io;
    this.#givenUp = givenUp;
    this.#job = job;
  }

  /** Notes that it begins, or that the job goes on that was interrupted. */
  static async begin(
    cluster: Cluster,
    io: CliIo,
    { resume, givenUp, ...deed }: ArchiveDeed & AuditOptions,
  ): Promise<ArchiveAudit> {
    const store = new JobStore(cluster);
    const job = newJob({ nowMs: nodeClock.now(), ...deed });
    const audit = new ArchiveAudit({ store, io, givenUp }, job);
    await audit.#save(async () => {
      await store.prepare();
      if (resume) audit.#goOn(await store.list());
    });
    return audit;
  }

  /** What an earlier run of an import had written; an export counts what is in its file. */
  get #before(): ArchiveCounts {
    const { tool, counts } = this.#job;
    return tool === 'import' ? { records: counts.written, bytes: counts.bytes } : NOTHING;
  }

  #goOn(jobs: readonly JobRecord[]): void {
    const { tool, file, target } = this.#job;
    const left = jobs.find(
      (one) => one.tool === tool && one.file === file && isDeepStrictEqual(one.target, target),
    );
    if (left === undefined || left.state === 'done') return;
    this.#job = { ...left, state: 'running', updatedMs: nodeClock.now(), error: null };
  }

  /** Notes how it ended, and what this run has written. */
  async end(state: JobState, counts: ArchiveCounts, error: unknown = null): Promise<void> {
    const records = this.#before.records + counts.records;
    const bytes = this.#before.bytes + counts.bytes;
    this.#job = {
      ...this.#job,
      state,
      updatedMs: nodeClock.now(),
      counts: { read: records, selected: records, written: records, skipped: 0, bytes },
      error: error === null ? null : messageOf(error),
    };
    await this.#save(() => Promise.resolve());
  }

  async #save(before: () => Promise<void>): Promise<void> {
    if (this.#refused) return;
    const save = async (): Promise<void> => {
      await before();
      await this.#store.save(this.#job, SAVE_MS);
    };
    try {
      await unlessAborted(save(), this.#givenUp);
    } catch (error) {
      this.#refused = true;
      this.#io.say(`note: no record of this is kept in __tidemark_jobs: ${messageOf(error)}`);
    }
  }
}
