// Letters go back to where they came from. A redrive is a replay job whose target is each letter's own topic, and whose
// sink settles letters in the ledger once their copies are safe.

import type { Clock } from '../../src/base/ports.ts';
import type { Cluster } from '../../src/client/index.ts';
import {
  type JobRecord,
  type JobStore,
  type ModuleRunner,
  openTopicSink,
  type PlacedRecord,
  ReplayError,
  type ReplayedRecord,
  type ReplayProgress,
  runReplay,
  type Sink,
} from '../replay/index.ts';
import type { Ledger, LetterPlace } from './ledger.ts';
import { factsOf } from './letter.ts';
import { type LetterChoice, letterSelect, targetOf } from './scan.ts';

export interface RedriveOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly store: JobStore;
  readonly ledger: Ledger;
  readonly choice: LetterChoice;
  readonly module: ModuleRunner | null;
  /** Topics that letters go to, as far as they are known. */
  readonly topics: readonly string[];
  readonly resumed: boolean;
  /** Of one that is gone on with, as takeOver answers it. */
  readonly run?: string;
  /** It goes on with another filter or module. */
  readonly changed: boolean;
  readonly signal: AbortSignal;
  /** As of a topic's sink. */
  readonly givenUp?: AbortSignal;
  onProgress?(progress: ReplayProgress): void;
  /** As of a replay. */
  onSave?(job: JobRecord): void;
}

/** A redrive of these letters that died, or failed on the way: it has to be gone on with before another begins. */
export async function unfinishedRedrive(store: JobStore, topic: string): Promise<JobRecord | null> {
  const jobs = await store.list();
  const open = ['running', 'paused', 'failed'];
  return (
    jobs.find(
      (job) =>
        job.target.kind === 'origin' &&
        job.source.topics.includes(topic) &&
        open.includes(job.state),
    ) ?? null
  );
}

/** Runs the job to its end, as runReplay does. Throws ReplayError, KafkaError; the job can be resumed. */
export async function redrive(job: JobRecord, options: RedriveOptions): Promise<JobRecord> {
  const { target } = job;
  if (target.kind !== 'origin') {
    throw new ReplayError('invalid_replay', `job ${job.id} is a replay, not a redrive`);
  }
  const { cluster, clock, store, ledger, choice, module, signal, onProgress, onSave } = options;
  const sink = new RedriveSink(cluster, ledger, {
    job,
    to: target.topic,
    resumed: options.resumed,
    changed: options.changed,
    givenUp: options.givenUp,
  });
  for (const topic of options.topics) await sink.open(topic);
  // Where this job's copies begin has to be known before the first of them is written.
  const begun = options.resumed ? job : { ...job, targetPositions: sink.positions() };
  try {
    return await runReplay(begun, {
      cluster,
      clock,
      store,
      sink,
      module: null,
      select: letterSelect(choice, ledger, module),
      skipCut: true,
      signal,
      ...(options.run !== undefined && { run: options.run }),
      ...(onProgress && { onProgress }),
      ...(onSave && { onSave }),
    });
  } finally {
    await sink.close();
  }
}

interface SinkOptions {
  readonly job: JobRecord;
  /** Null: each letter's own. */
  readonly to: string | null;
  readonly resumed: boolean;
  readonly changed: boolean;
  readonly givenUp: AbortSignal | undefined;
}

class RedriveSink implements Sink {
  readonly #cluster: Cluster;
  readonly #ledger: Ledger;
  readonly #options: SinkOptions;
  readonly #sinks = new Map<string, Sink>();
  /** Written, and not yet settled; not the records, whose memory would stay with them. */
  #letters: LetterPlace[] = [];

  constructor(cluster: Cluster, ledger: Ledger, options: SinkOptions) {
    this.#cluster = cluster;
    this.#ledger = ledger;
    this.#options = options;
  }

  /** Opens the way to a topic, and reads back what an earlier run wrote there. */
  async open(topic: string): Promise<Sink> {
    const known = this.#sinks.get(topic);
    if (known !== undefined) return known;
    const { job, resumed, changed, givenUp } = this.#options;
    const resumeFrom: Record<string, number> = {};
    for (const [place, offset] of Object.entries(job.targetPositions)) {
      const at = place.lastIndexOf('/');
      if (place.slice(0, at) === topic) resumeFrom[place.slice(at + 1)] = offset;
    }
    const sink = await openTopicSink(this.#cluster, {
      job: job.id,
      topic,
      sourcePartitions: new Map(),
      resumeFrom: resumed ? resumeFrom : null,
      partitionOf: ownPartition,
      exact: changed,
      givenUp,
    });
    this.#sinks.set(topic, sink);
    return sink;
  }

  async has(source: PlacedRecord, record: ReplayedRecord): Promise<boolean> {
    const sink = await this.open(targetOf(source, this.#options.to));
    const there = await sink.has(source, record);
    if (there) this.#noteDone(source);
    return there;
  }

  async write(source: PlacedRecord, record: ReplayedRecord): Promise<void> {
    const sink = await this.open(targetOf(source, this.#options.to));
    await sink.write(source, record);
    this.#noteDone(source);
  }

  #noteDone({ topic, partition, offset }: PlacedRecord): void {
    this.#letters.push({ topic, partition, offset });
  }

  async flush(): Promise<void> {
    for (const sink of this.#sinks.values()) await sink.flush();
    if (this.#letters.length > 0) await this.#ledger.settle(this.#letters, 'redriven');
    this.#letters = [];
  }

  get confirmed(): number {
    return [...this.#sinks.values()].reduce((sum, one) => sum + one.confirmed, 0);
  }

  positions(): Readonly<Record<string, number>> {
    const positions: Record<string, number> = {};
    for (const [topic, sink] of this.#sinks) {
      for (const [partition, offset] of Object.entries(sink.positions())) {
        positions[`${topic}/${partition}`] = offset;
      }
    }
    return positions;
  }

  async close(): Promise<void> {
    for (const sink of this.#sinks.values()) await sink.close();
  }
}

/** A record whose key did not change goes where it was: beside the others of its key, whoever chose the place. */
function ownPartition(source: PlacedRecord, record: ReplayedRecord, count: number): number | null {
  const partition = factsOf(source.headers).origin?.partition ?? -1;
  const sameKey =
    record.key === null || source.key === null
      ? record.key === source.key
      : record.key.equals(source.key);
  return sameKey && partition >= 0 && partition < count ? partition : null;
}
