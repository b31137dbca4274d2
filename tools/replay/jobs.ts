// What is known of jobs, kept in a compacted topic so that any terminal, and any Kafka client, sees it: one record per
// job under its id, and one under `id/command` for what somebody wants of a job that runs elsewhere.

import { KafkaError } from '../../src/base/kafka-errors.ts';
import {
  type Cluster,
  createTopics,
  LogReader,
  listOffsets,
  Producer,
  SpecialTime,
} from '../../src/client/index.ts';
import { ReplayError } from './errors.ts';
import type { JobRecord } from './types.ts';

/** The topic of the jobs. */
export const JOBS_TOPIC = '__tidemark_jobs';

export type JobCommand = 'pause' | 'resume' | 'cancel';

interface CommandRecord {
  readonly command: JobCommand;
  readonly atMs: number;
}

const SUFFIX = '/command';

/** Reads and writes job records. */
export class JobStore {
  readonly #cluster: Cluster;
  readonly #known = new Map<string, unknown>();
  #next = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** All jobs, the newest first. */
  async list(): Promise<JobRecord[]> {
    const jobs: JobRecord[] = [];
    for (const [key, value] of await this.#read()) {
      if (!key.endsWith(SUFFIX)) jobs.push(value as JobRecord);
    }
    return jobs.sort((a, b) => b.startedMs - a.startedMs);
  }

  /** Throws ReplayError `unknown_job`. */
  async get(id: string): Promise<JobRecord> {
    const job = (await this.#read()).get(id);
    if (job === undefined) {
      throw new ReplayError(
        'unknown_job',
        `there is no job '${id}'; "tidemark replay list" shows all`,
      );
    }
    return job as JobRecord;
  }

  /** Null when nobody wants anything, or only something from before `sinceMs`. */
  async command(id: string, sinceMs: number): Promise<JobCommand | null> {
    const found = (await this.#read()).get(id + SUFFIX) as CommandRecord | undefined;
    return found === undefined || found.atMs < sinceMs ? null : found.command;
  }

  save(job: JobRecord): Promise<void> {
    return this.#write(job.id, job);
  }

  send(id: string, command: JobCommand, atMs: number): Promise<void> {
    const record: CommandRecord = { command, atMs };
    return this.#write(id + SUFFIX, record);
  }

  /** Makes the topic where it is missing. */
  async prepare(): Promise<void> {
    const configs = { 'cleanup.policy': 'compact' };
    const [made] = await createTopics(this.#cluster, [
      { name: JOBS_TOPIC, partitions: 1, configs },
    ]);
    if (made?.error && made.error.code !== 'TOPIC_ALREADY_EXISTS') throw made.error;
  }

  async #write(key: string, value: object): Promise<void> {
    const producer = new Producer(this.#cluster, { value: 'json', createTopics: false });
    await producer.send({ topic: JOBS_TOPIC, key, value, partition: 0 });
    await producer.close();
  }

  /** The last value of each key; what is known already is not read again. Empty before the first job. */
  async #read(): Promise<ReadonlyMap<string, unknown>> {
    const [start, end] = await this.#ends();
    const from = Math.max(start, this.#next);
    if (from >= end) return this.#known;
    const reader = new LogReader(this.#cluster, { topic: JOBS_TOPIC, maxWaitMs: 1 });
    reader.set(0, from);
    for await (const { records, nextOffset } of reader.read()) {
      for (const { key, value } of records) {
        if (key === null) continue;
        if (value === null) this.#known.delete(key.toString());
        else this.#known.set(key.toString(), JSON.parse(value.toString()) as unknown);
      }
      this.#next = nextOffset;
      if (nextOffset >= end) break;
    }
    return this.#known;
  }

  async #ends(): Promise<readonly [number, number]> {
    try {
      await this.#cluster.topic(JOBS_TOPIC, { create: false });
    } catch (error) {
      if (error instanceof KafkaError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION') return [0, 0];
      throw error;
    }
    const at = (timestamp: number) =>
      listOffsets(this.#cluster, JOBS_TOPIC, { partitions: [0], timestamp });
    const [starts, ends] = await Promise.all([at(SpecialTime.earliest), at(SpecialTime.latest)]);
    return [starts.get(0)?.offset ?? 0, ends.get(0)?.offset ?? 0];
  }
}
