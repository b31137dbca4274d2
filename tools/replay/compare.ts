// Two topics side by side: which records of one have a partner in the other, and whether the two say the same. By the
// source that a replay notes in its copies, by the n-th record of each key, or by partition and offset.

import { createHash } from 'node:crypto';
import type { Cluster } from '../../src/client/index.ts';
import { CompareSide } from './compare-side.ts';
import { ReplayError } from './errors.ts';
import { JOB_HEADER, SOURCE_HEADER, sourceOf } from './sink.ts';
import type { PlacedRecord, Stretch } from './types.ts';

/** What makes two records partners. */
export type CompareBy = 'source' | 'key' | 'offset';

export interface CompareOptions {
  readonly cluster: Cluster;
  readonly left: readonly Stretch[];
  readonly right: readonly Stretch[];
  readonly by: CompareBy;
  /** Records of the left side that are meant; the others are as if they were not there. */
  wants(record: PlacedRecord): boolean;
  /** Of the right side: only copies that this job made; null: all. */
  readonly job: string | null;
  /** Examples of each kind. */
  readonly shownMax: number;
  /** Records without a partner that are held in memory, of both sides; more end it. Default 5,000,000 (1 GB or so). */
  readonly heldMax?: number;
  readonly signal: AbortSignal;
  onProgress?(read: number): void;
}

/** Records, or pairs of them, with some to look at. */
export interface Compared<T> {
  readonly count: number;
  readonly shown: readonly T[];
}

export interface Comparison {
  readonly equal: number;
  readonly changed: Compared<{ readonly left: PlacedRecord; readonly right: PlacedRecord }>;
  readonly onlyLeft: Compared<PlacedRecord>;
  /** Without a partner, or with one that an earlier record has already. */
  readonly onlyRight: Compared<PlacedRecord>;
}

/** Where a record is. */
type Place = Pick<PlacedRecord, 'topic' | 'partition' | 'offset'>;

/** Of a record that waits for its partner: where it is, and what it says in short. About 200 bytes with its name. */
interface Waiting extends Place {
  readonly digest: string;
  /** A later one of the same name. */
  next: Waiting | null;
  /** Of the first one of a name: the last. */
  last: Waiting | null;
}

const HELD_MAX = 5_000_000;

/** Records of one side whose partners have not come yet. */
class WaitingRoom {
  readonly #byName = new Map<string, Waiting>();
  count = 0;

  /** The first of that name, which then waits no more. */
  take(name: string): Waiting | null {
    const first = this.#byName.get(name);
    if (first === undefined) return null;
    if (first.next === null) this.#byName.delete(name);
    else {
      first.next.last = first.last;
      this.#byName.set(name, first.next);
    }
    this.count -= 1;
    return first;
  }

  add(name: string, { topic, partition, offset }: PlacedRecord, digest: string): void {
    const waiting: Waiting = { topic, partition, offset, digest, next: null, last: null };
    const first = this.#byName.get(name);
    if (first === undefined) this.#byName.set(name, waiting);
    else {
      (first.last ?? first).next = waiting;
      first.last = waiting;
    }
    this.count += 1;
  }

  *all(): Generator<Waiting, void, undefined> {
    for (const first of this.#byName.values()) {
      for (let one: Waiting | null = first; one !== null; one = one.next) yield one;
    }
  }
}

/**
 * Reads both sides once and side by side. What has no partner yet is held in memory, by name and digest: for a copy in
 * the order of its source that is what the one side is ahead of the other, and what is in one of them alone. Of several
 * with one name the n-th are partners. Key, value and headers are compared, the headers of replays aside. Throws
 * KafkaError, ReplayError `too_different`.
 */
export function compareTopics(options: CompareOptions): Promise<Comparison> {
  return new Comparing(options).run();
}

class Comparing {
  readonly #options: CompareOptions;
  readonly #left = new WaitingRoom();
  readonly #right = new WaitingRoom();
  readonly #changed: { readonly left: Place; readonly right: Place }[] = [];
  #changedCount = 0;
  #equal = 0;
  #read = 0;

  constructor(options: CompareOptions) {
    this.#options = options;
  }

  async run(): Promise<Comparison> {
    const { cluster, left, right, by, job, wants, signal, shownMax } = this.#options;
    // What a job read is named by its own place, even if an earlier replay had put it there.
    const leftName = job !== null && by === 'source' ? sourceOf : namer(by);
    const rightName = namer(by);
    const one = new CompareSide(cluster, left, signal);
    const other = new CompareSide(cluster, right, signal);
    try {
      for (let open = [one, other]; open.length > 0; ) {
        const [side = one] = open.toSorted((a, b) => a.share - b.share);
        const records = await side.next();
        if (records === null) open = open.filter((which) => which !== side);
        for (const record of records ?? []) {
          this.#count();
          if (side === one) {
            const name = leftName(record);
            if (wants(record)) this.#came(record, name, 'left');
          } else if (job === null || headerOf(record, JOB_HEADER) === job) {
            this.#came(record, rightName(record), 'right');
          }
        }
      }
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
    const pairs: { left: PlacedRecord; right: PlacedRecord }[] = [];
    for (const pair of this.#changed) {
      const [first] = await recordAt(cluster, pair.left, signal);
      const [second] = await recordAt(cluster, pair.right, signal);
      if (first !== undefined && second !== undefined) pairs.push({ left: first, right: second });
    }
    return {
      equal: this.#equal,
      changed: { count: this.#changedCount, shown: pairs },
      onlyLeft: { count: this.#left.count, shown: await this.#some(this.#left, shownMax) },
      onlyRight: { count: this.#right.count, shown: await this.#some(this.#right, shownMax) },
    };
  }

  #count(): void {
    this.#read += 1;
    this.#options.onProgress?.(this.#read);
  }

  #came(record: PlacedRecord, name: string, side: 'left' | 'right'): void {
    const digest = digestOf(record);
    const [own, others] = side === 'left' ? [this.#left, this.#right] : [this.#right, this.#left];
    const partner = others.take(name);
    if (partner === null) {
      own.add(name, record, digest);
      this.#refuseTooMany();
    } else if (partner.digest === digest) this.#equal += 1;
    else {
      this.#changedCount += 1;
      if (this.#changed.length >= this.#options.shownMax) return;
      const { topic, partition, offset } = record;
      const place = { topic, partition, offset };
      const [left, right] = side === 'left' ? [place, partner] : [partner, place];
      this.#changed.push({ left, right });
    }
  }

  #refuseTooMany(): void {
    const { heldMax = HELD_MAX } = this.#options;
    const [left, right] = [this.#left.count, this.#right.count];
    if (left + right <= heldMax) return;
    const text =
      `after ${this.#read} records ${left} of the first topic and ${right} of the second have no partner, more than ` +
      'are held in memory: compare a part of them (a range, some partitions, a filter), or by something else (--by)';
    throw new ReplayError('too_different', text);
  }

  async #some(room: WaitingRoom, max: number): Promise<PlacedRecord[]> {
    const found: PlacedRecord[] = [];
    for (const place of room.all()) {
      if (found.length >= max) break;
      found.push(...(await recordAt(this.#options.cluster, place, this.#options.signal)));
    }
    return found;
  }
}

/** Names records of one side, which come in the order of their partitions. */
function namer(by: CompareBy): (record: PlacedRecord) => string {
  if (by === 'offset') return ({ partition, offset }) => `${partition}/${offset}`;
  if (by === 'source') return (record) => headerOf(record, SOURCE_HEADER) ?? sourceOf(record);
  const seen = new Map<string, number>();
  return ({ key, partition }) => {
    const name = key === null ? `${partition}` : `k${key.toString('latin1')}`;
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return `${name}#${count}`;
  };
}

function headerOf({ headers }: PlacedRecord, name: string): string | undefined {
  return headers.findLast((one) => one.key === name)?.value?.toString();
}

function digestOf({ key, value, headers }: PlacedRecord): string {
  const hash = createHash('sha1');
  const put = (bytes: Buffer | null): void => {
    hash.update(`${bytes === null ? -1 : bytes.length}:`);
    if (bytes !== null) hash.update(bytes);
  };
  put(key);
  put(value);
  for (const header of headers) {
    if (header.key === JOB_HEADER || header.key === SOURCE_HEADER) continue;
    put(Buffer.from(header.key));
    put(header.value);
  }
  return hash.digest('base64');
}

/** None where it was taken meanwhile. */
async function recordAt(
  cluster: Cluster,
  { topic, partition, offset }: Place,
  signal: AbortSignal,
): Promise<readonly PlacedRecord[]> {
  const stretch = { topic, partition, from: offset, to: offset + 1, note: '' };
  const side = new CompareSide(cluster, [stretch], signal);
  const found: PlacedRecord[] = [];
  for (let piece = await side.next(); piece !== null; piece = await side.next()) {
    found.push(...piece);
  }
  return found;
}
