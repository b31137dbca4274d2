// What a job reads, part by part: topic after topic as answers come, or, where the records' own times are the pace, all
// partitions side by side by their timestamps. The order of a partition is that of its offsets either way.

import { type Due, popDue, pushDue } from '../../src/base/due-heap.ts';
import { KafkaError } from '../../src/base/kafka-errors.ts';
import {
  type Cluster,
  type FetchedRecords,
  type FetcherOptions,
  LogReader,
} from '../../src/client/index.ts';
import { readingOfRange, readingSideBySide, readingToCopy } from '../batches/reading.ts';
import { ReplayError } from './errors.ts';
import { placeOf, type Stretch } from './types.ts';

/** Records of one stretch, or batches of a copy as it is; what is not asked for is empty in a part of an answer. */
export interface Part
  extends Pick<FetchedRecords, 'fetchOffset' | 'nextOffset' | 'records' | 'batches' | 'lease'> {
  readonly stretch: Stretch;
}

export interface PartsOptions {
  /** With what is left of each, see `positionOf`. */
  readonly stretches: readonly Stretch[];
  /** Where reading goes on; at or after `to`: nothing is left. */
  positionOf(stretch: Stretch): number;
  readonly byTime: boolean;
  /** Batches as they are, instead of records. */
  readonly asIs: boolean;
  /** Goes on behind what retention took away, instead of failing. */
  readonly skipCut: boolean;
  readonly signal: AbortSignal;
}

/** Ends early when the signal is aborted. Throws KafkaError, ReplayError `source_cut`. */
export async function* partsOf(
  cluster: Cluster,
  options: PartsOptions,
): AsyncGenerator<Part, void, undefined> {
  const { positionOf, byTime } = options;
  const left = options.stretches.filter((one) => positionOf(one) < one.to);
  if (byTime) {
    yield* byTimestamp(cluster, left, options);
    return;
  }
  for (const topic of new Set(left.map((one) => one.topic))) {
    const own = left.filter((one) => one.topic === topic);
    const reading = options.asIs ? readingToCopy() : readingOfRange();
    yield* asTheyCome(cluster, own, { ...options, reading });
  }
}

async function* asTheyCome(
  cluster: Cluster,
  own: readonly Stretch[],
  options: PartsOptions & { readonly reading: Omit<FetcherOptions, 'onMoved'> },
): AsyncGenerator<Part, void, undefined> {
  const [first] = own;
  if (first === undefined) return;
  const { topic } = first;
  const { skipCut, reading, signal, positionOf } = options;
  const reader = new LogReader(cluster, {
    topic,
    outOfRange: skipCut ? 'earliest' : 'error',
    isolation: 'read_committed',
    ...reading,
  });
  const stretches = new Map(own.map((one) => [one.partition, one]));
  for (const stretch of own) reader.set(stretch.partition, positionOf(stretch));
  try {
    for await (const fetched of reader.read(signal)) {
      const stretch = stretches.get(fetched.partition);
      if (stretch === undefined) continue;
      yield partOf(fetched, stretch);
      if (fetched.nextOffset < stretch.to) continue;
      reader.remove(fetched.partition);
      stretches.delete(fetched.partition);
      if (stretches.size === 0) return;
    }
  } catch (error) {
    throw explained(error, own, positionOf);
  }
}

function partOf(fetched: FetchedRecords, stretch: Stretch): Part {
  return {
    stretch,
    fetchOffset: fetched.fetchOffset,
    nextOffset: fetched.nextOffset,
    get records() {
      return fetched.records;
    },
    batches: fetched.batches,
    lease: fetched.lease,
  };
}

function explained(
  error: unknown,
  own: readonly Stretch[],
  positionOf: PartsOptions['positionOf'],
): unknown {
  if (!(error instanceof KafkaError) || error.code !== 'OFFSET_OUT_OF_RANGE') return error;
  const at = own.map(
    (one) => `${placeOf(one.topic, one.partition)} at ${Math.max(one.from, positionOf(one))}`,
  );
  return new ReplayError(
    'source_cut',
    `retention took records that the job had not read yet (${at.join(', ')}): go on behind them with --skip-cut`,
    { cause: error },
  );
}

/** The next answer of one stretch, which is cut where another stretch has something older. */
class Stream implements Due {
  readonly order: number;
  /** Of what comes next; an answer that has nothing to show is dealt with at once. */
  dueMs = Number.NEGATIVE_INFINITY;
  readonly #asIs: boolean;
  readonly #parts: AsyncGenerator<Part, void, undefined>;
  #part: Part | null = null;
  #times: readonly { readonly timestamp: number; readonly nextOffset: number }[] = [];
  #at = 0;

  constructor(how: {
    readonly order: number;
    readonly asIs: boolean;
    readonly parts: AsyncGenerator<Part, void, undefined>;
  }) {
    this.order = how.order;
    this.#asIs = how.asIs;
    this.#parts = how.parts;
  }

  /** False: there is no more. */
  async fill(): Promise<boolean> {
    if (this.#part === null) {
      const next = await this.#parts.next();
      if (next.done === true) return false;
      this.#part = next.value;
      this.#at = 0;
      this.#times = this.#timesOf(next.value);
    }
    this.dueMs = this.#times[this.#at]?.timestamp ?? Number.NEGATIVE_INFINITY;
    return true;
  }

  /** What comes first, up to and including `untilMs`. */
  take(untilMs: number): Part {
    const part = this.#part;
    if (part === null) throw new Error('a stream is filled before it is taken from');
    const begin = this.#at;
    let next: { readonly timestamp: number } | undefined;
    do {
      this.#at += 1;
      next = this.#times[this.#at];
    } while (next !== undefined && next.timestamp <= untilMs);
    const last = this.#at >= this.#times.length;
    if (last) this.#part = null;
    const { stretch, fetchOffset, lease } = part;
    const nextOffset = this.#times[this.#at - 1]?.nextOffset ?? part.nextOffset;
    return {
      stretch,
      fetchOffset,
      nextOffset: last ? part.nextOffset : nextOffset,
      batches: this.#asIs ? part.batches.slice(begin, this.#at) : [],
      records: this.#asIs ? [] : part.records.slice(begin, this.#at),
      lease: last ? lease : null,
    };
  }

  async close(): Promise<void> {
    await this.#parts.return();
  }

  #timesOf(part: Part) {
    if (!this.#asIs) {
      return part.records.map(({ timestamp, offset }) => ({ timestamp, nextOffset: offset + 1 }));
    }
    return part.batches.map(({ context, nextOffset }) => {
      return { timestamp: context.baseTimestamp, nextOffset };
    });
  }
}

async function* byTimestamp(
  cluster: Cluster,
  stretches: readonly Stretch[],
  options: PartsOptions,
): AsyncGenerator<Part, void, undefined> {
  const { asIs, signal } = options;
  const reading = readingSideBySide(stretches.length);
  const streams = stretches.map((stretch, order) => {
    const parts = asTheyCome(cluster, [stretch], { ...options, reading });
    return new Stream({ order, asIs, parts });
  });
  const heap: Stream[] = [];
  try {
    const filled = await Promise.all(streams.map((one) => one.fill()));
    for (const [at, stream] of streams.entries()) if (filled[at] === true) pushDue(heap, stream);
    for (let first = heap[0]; first !== undefined && !signal.aborted; first = heap[0]) {
      popDue(heap);
      yield first.take(heap[0]?.dueMs ?? Number.POSITIVE_INFINITY);
      if (await first.fill()) pushDue(heap, first);
    }
  } finally {
    await Promise.all(streams.map((one) => one.close()));
  }
}
