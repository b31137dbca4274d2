// Waiting without sleeping: each wait looks at once, again whenever a request is done, and every few milliseconds, and
// says at its end what it saw last.

import { KafkaError } from '../base/kafka-errors.ts';
import { shown } from '../base/option-kinds.ts';
import type { Clock } from '../base/ports.ts';
import type { Cluster } from '../client/index.ts';
import type { ApiName } from '../protocol/index.ts';
import { TestBrokerError } from './errors.ts';
import { checkApi } from './faults.ts';
import { readRecords, type TestRecord } from './records.ts';
import { describeRequests, type RequestJournal } from './request-journal.ts';

export interface WaitOptions {
  /** Milliseconds of real time. Default 5,000. */
  readonly timeoutMs?: number;
}

/** What waits look at. */
export interface WaitSources {
  /** Real time. */
  readonly clock: Clock;
  readonly journal: RequestJournal;
  cluster(): Promise<Cluster>;
}

const TIMEOUT_MS = 5_000;
const LOOK_AGAIN_MS = 10;

/** What a look saw: `null` when it is as wanted, else words for what it is instead. */
type Look = () => Promise<string | null> | string | null;

/** Waits for what other processes or callbacks bring about. Each throws TestBrokerError `wait_timed_out`. */
export class WaitFor {
  readonly #sources: WaitSources;

  constructor(sources: WaitSources) {
    this.#sources = sources;
  }

  /** Until `predicate` answers true. */
  async until(
    what: string,
    predicate: () => boolean | Promise<boolean>,
    options?: WaitOptions,
  ): Promise<void> {
    await this.#wait(what, async () => ((await predicate()) ? null : 'not so yet'), options);
  }

  /** Until `topic` holds at least `count` records over all its partitions. Answers all that it holds then. */
  async records(topic: string, count: number, options?: WaitOptions): Promise<TestRecord[]> {
    let found: TestRecord[] = [];
    await this.#wait(
      `${count} records in '${topic}'`,
      async () => {
        const cluster = await this.#sources.cluster();
        const offsets = await offsetCount(cluster, topic);
        if (offsets < count) return `${offsets} records`;
        // Fewer where a topic is compacted, or ends of transactions take offsets.
        found = await readRecords(cluster, topic);
        return found.length >= count ? null : `${found.length} records`;
      },
      options,
    );
    return found;
  }

  /** Until the group is stable with `members` members (default: at least one), each partition given out. */
  async assignment(group: string, members?: number, options?: WaitOptions): Promise<void> {
    const wanted = members === undefined ? 'members' : `${members} members`;
    await this.#wait(
      `group '${group}' to settle with ${wanted}`,
      async () => {
        const { describeGroup } = await import('../client/index.ts');
        const seen = await describeGroup(await this.#sources.cluster(), group);
        const count = seen.members.length;
        const enough = members === undefined ? count > 0 : count === members;
        return seen.state === 'Stable' && enough ? null : `${seen.state} with ${count} members`;
      },
      options,
    );
  }

  /**
   * Until the group has committed at least these offsets: `{ 0: 10, 1: 12 }` by partition. Throws TestBrokerError
   * `invalid_option` for what is no offset.
   */
  async committed(
    group: string,
    topic: string,
    offsets: Readonly<Record<number, number | bigint>>,
    options?: WaitOptions,
  ): Promise<void> {
    const wanted = wantedOffsets(offsets);
    const partitions = Object.keys(wanted).map(Number);
    await this.#wait(
      `group '${group}' to commit ${JSON.stringify(wanted)} of '${topic}'`,
      async () => {
        const { committedOffsets } = await import('../client/index.ts');
        const cluster = await this.#sources.cluster();
        const seen = await committedOffsets(cluster, group, topic, partitions);
        const behind = partitions.some((one) => (seen.get(one) ?? -1) < (wanted[one] ?? 0));
        return behind ? JSON.stringify(Object.fromEntries(seen)) : null;
      },
      options,
    );
  }

  /** Until `times` (default 1) requests of this API were answered. */
  async request(api: ApiName, times = 1, options?: WaitOptions): Promise<void> {
    checkApi(api);
    const { journal } = this.#sources;
    await this.#wait(
      `${times} ${api} requests`,
      () => {
        const seen = journal.entries.filter((one) => one.api === api && one.outcome !== null);
        return seen.length >= times ? null : `${seen.length} came`;
      },
      options,
    );
  }

  async #wait(what: string, look: Look, options: WaitOptions = {}): Promise<void> {
    const { clock, journal } = this.#sources;
    const { timeoutMs = TIMEOUT_MS } = options;
    const endMs = clock.monotonic() + timeoutMs;
    for (;;) {
      const seen = await patiently(look);
      if (seen === null) return;
      if (clock.monotonic() >= endMs) {
        const text = `waited ${timeoutMs} ms for ${what}, saw: ${seen}`;
        throw new TestBrokerError(
          'wait_timed_out',
          `${text}\n${describeRequests(journal.entries)}`,
        );
      }
      await this.#change();
    }
  }

  #change(): Promise<void> {
    const { clock, journal } = this.#sources;
    return new Promise((resolve) => {
      const done = (): void => {
        stop();
        cancel();
        resolve();
      };
      const stop = journal.onChange(done);
      const cancel = clock.setTimer(LOOK_AGAIN_MS, done);
    });
  }
}

/** Offsets as numbers, as our client gives them; other clients have them as bigints. */
function wantedOffsets(given: Readonly<Record<number, number | bigint>>): Record<number, number> {
  const wanted: Record<number, number> = {};
  for (const [partition, offset] of Object.entries(given)) {
    const fits = typeof offset === 'bigint' || typeof offset === 'number';
    if (!fits || !Number.isSafeInteger(Number(offset)) || !/^\d+$/.test(partition)) {
      const message = `offsets by partition are whole numbers, as { 0: 10 }, not ${shown(offset)}`;
      throw new TestBrokerError('invalid_option', message);
    }
    wanted[Number(partition)] = Number(offset);
  }
  return wanted;
}

/** What is not there yet (a group, a topic) is a state to wait in, not a failure. */
async function patiently(look: Look): Promise<string | null> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof KafkaError) return error.message;
    throw error;
  }
}

/** Offsets between start and end, over all partitions. */
async function offsetCount(cluster: Cluster, topic: string): Promise<number> {
  const { listOffsets, SpecialTime } = await import('../client/index.ts');
  const info = await cluster.topic(topic);
  const partitions = info.partitions.map((one) => one.partition);
  const ends = await listOffsets(cluster, topic, { partitions, timestamp: SpecialTime.latest });
  const starts = await listOffsets(cluster, topic, { partitions, timestamp: SpecialTime.earliest });
  let count = 0;
  for (const [partition, { offset }] of ends)
    count += offset - (starts.get(partition)?.offset ?? 0);
  return count;
}
