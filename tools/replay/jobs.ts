// What is known of jobs, kept in a compacted topic so that any terminal, and any Kafka client, sees it: one record per
// job under its id, and one under `id/command` for what somebody wants of a job that runs elsewhere.

import type { Cluster } from '../../src/client/index.ts';
import { ReplayError } from './errors.ts';
import { KeyValueTopic } from './key-value-topic.ts';
import type { JobRecord } from './types.ts';

/** The topic of the jobs. */
export const JOBS_TOPIC = '__tidemark_jobs';

export type JobCommand = 'pause' | 'resume' | 'cancel';

interface CommandRecord {
  readonly command: JobCommand;
  readonly atMs: number;
  /** Of a resumption by a run of its own: every other run has to leave. */
  readonly run?: string;
}

const SUFFIX = '/command';

/** Reads and writes job records. */
export class JobStore {
  readonly #topic: KeyValueTopic;

  constructor(cluster: Cluster) {
    this.#topic = new KeyValueTopic(cluster, JOBS_TOPIC);
  }

  /** All jobs, the newest first. */
  async list(): Promise<JobRecord[]> {
    const jobs: JobRecord[] = [];
    for (const [key, value] of await this.#topic.read()) {
      if (!key.endsWith(SUFFIX)) jobs.push(value as JobRecord);
    }
    return jobs.sort((a, b) => b.startedMs - a.startedMs);
  }

  /** Throws ReplayError `unknown_job`. */
  async get(id: string): Promise<JobRecord> {
    const job = (await this.#topic.read()).get(id);
    if (job === undefined) {
      throw new ReplayError(
        'unknown_job',
        `there is no job '${id}'; "tidemark replay list" shows all`,
      );
    }
    return job as JobRecord;
  }

  /**
   * Null when nobody wants anything of that run, or only something from before `sinceMs`; `leave` when another run goes
   * on with the job.
   */
  async command(
    id: string,
    sinceMs: number,
    run: string | null,
  ): Promise<JobCommand | 'leave' | null> {
    const found = (await this.#topic.read()).get(id + SUFFIX) as CommandRecord | undefined;
    if (found === undefined || found.atMs < sinceMs) return null;
    return found.run !== undefined && found.run !== run ? 'leave' : found.command;
  }

  /** Throws what the brokers refuse, at the latest after `timeoutMs`. */
  save(job: JobRecord, timeoutMs?: number): Promise<void> {
    return this.#topic.write([[job.id, job]], timeoutMs);
  }

  /** With a run, which resumes: every other run of the job leaves. */
  send(id: string, command: JobCommand, atMs: number, run?: string): Promise<void> {
    const record: CommandRecord = { command, atMs, ...(run !== undefined && { run }) };
    return this.#topic.write([[id + SUFFIX, record]]);
  }

  /** Makes the topic where it is missing. */
  prepare(): Promise<void> {
    return this.#topic.prepare();
  }
}
