// What must be true of the logs of one simulated run: what was sent, what was acknowledged, what readers have seen.
// Everything the broker holds or answers is compared with this.

import type { StoredRecord } from '../../src/record/index.ts';

export type Acks = -1 | 1;

/** One record as a producer handed it over. */
export interface SentRecord {
  readonly id: number;
  readonly producer: number;
  readonly acks: Acks;
  readonly idempotent: boolean;
  readonly key: Buffer;
  readonly value: Buffer;
  /** `pending`: not answered; `failed`: given up, so it may be there or not. */
  state: 'pending' | 'acknowledged' | 'failed';
  /** Offset it was acknowledged with; -1 when the broker did not say. */
  offset: number;
}

/** A promise that was broken. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** One partition of a topic that is never deleted. */
export class PartitionModel {
  readonly name: string;
  readonly topic: string;
  readonly index: number;
  readonly sent = new Map<number, SentRecord>();
  /** Offset → id of every record that anyone has read. */
  readonly seen = new Map<number, number>();
  /** Highest high watermark that a reader was told. */
  watermark = 0;
  /** DeleteRecords: offsets below are gone for certain, those below `askedStart` perhaps. */
  confirmedStart = 0;
  askedStart = 0;
  /** Newest leader epoch found in a batch. */
  epoch = -1;

  constructor(topic: string, index: number) {
    this.topic = topic;
    this.index = index;
    this.name = `${topic}-${index}`;
  }

  fail(what: string): never {
    throw new Violation(`${this.name}: ${what}`);
  }

  /** A record that a reader got. */
  observe(record: StoredRecord): void {
    const { offset } = record;
    const id = this.idOf(record);
    const before = this.seen.get(offset);
    if (before === undefined) this.seen.set(offset, id);
    else if (before !== id) this.fail(`offset ${offset} was record ${before} and is now ${id}`);
  }

  /** The id of a stored record, after its bytes were found as sent. */
  idOf({ offset, key, value }: StoredRecord): number {
    const id = key === null || value === null || key.length < 4 ? -1 : key.readUInt32BE(0);
    const sent = this.sent.get(id);
    if (sent === undefined || key === null || value === null) {
      return this.fail(`offset ${offset} holds a record that was never sent (id ${id})`);
    }
    if (!sent.key.equals(key)) this.fail(`the key of record ${id} is not as sent`);
    if (!sent.value.equals(value)) this.fail(`the value of record ${id} is not as sent`);
    return id;
  }

  /** Records that must be there if they are not deleted: those acknowledged by now. */
  due(): SentRecord[] {
    const due: SentRecord[] = [];
    for (const record of this.sent.values()) {
      if (record.state === 'acknowledged' && record.acks === -1) due.push(record);
    }
    return due;
  }

  /** Compares everything from start to watermark with what was sent, acknowledged and seen. */
  check(found: FoundLog, due: readonly SentRecord[]): void {
    const { startOffset, highWatermark, records } = found;
    this.#checkBounds(found);
    const places = new Map<number, number[]>();
    const newest = new Map<number, number>();
    let expected: number | null = null;
    for (const record of records) {
      const { offset } = record;
      // DeleteRecords may cut into a batch, whose first records are then still read.
      if (expected !== null && offset !== expected)
        this.fail(`${offset} where ${expected} was due`);
      if (expected === null && offset > startOffset)
        this.fail(`starts at ${offset}, not ${startOffset}`);
      expected = offset + 1;
      const id = this.idOf(record);
      const known = places.get(id);
      if (known === undefined) this.#checkOrder(id, newest, startOffset);
      else if (this.sent.get(id)?.idempotent === true) {
        this.fail(`record ${id} of an idempotent producer is at ${known.join()} and ${offset}`);
      }
      places.set(id, [...(known ?? []), offset]);
      this.observe(record);
    }
    if ((expected ?? startOffset) !== highWatermark)
      this.fail(`ends at ${expected}, not ${highWatermark}`);
    for (const [offset, id] of this.seen) {
      if (offset < startOffset || offset >= highWatermark) continue;
      if (places.get(id)?.includes(offset) !== true)
        this.fail(`record ${id} was seen at ${offset}, is gone`);
    }
    for (const record of due) this.#checkDue(record, places, startOffset);
  }

  #checkBounds({ startOffset, highWatermark }: FoundLog): void {
    if (highWatermark < this.watermark) {
      this.fail(`the watermark went back from ${this.watermark} to ${highWatermark}`);
    }
    if (startOffset < this.confirmedStart) {
      this.fail(`the start went back from ${this.confirmedStart} to ${startOffset}`);
    }
    if (startOffset > this.askedStart) {
      this.fail(`the start is ${startOffset}, nobody asked for more than ${this.askedStart}`);
    }
  }

  /**
   * A producer's records keep their order; repeats of a plain producer count where they came first. Where that was may
   * be deleted by now: then what is left of the repeats says nothing.
   */
  #checkOrder(id: number, newest: Map<number, number>, startOffset: number): void {
    const sent = this.sent.get(id);
    const producer = sent?.producer ?? -1;
    const before = newest.get(producer) ?? -1;
    if (id < before) {
      if (sent?.idempotent !== true && startOffset > 0) return;
      this.fail(
        `record ${id} stands behind ${before} of the same ${sent?.idempotent === true ? 'idempotent ' : ''}producer`,
      );
    }
    newest.set(producer, id);
  }

  #checkDue(record: SentRecord, places: Map<number, number[]>, startOffset: number): void {
    const { id, offset } = record;
    const found = places.get(id) ?? [];
    if (offset >= 0) {
      if (offset >= startOffset && !found.includes(offset)) {
        this.fail(
          `record ${id}, acknowledged at ${offset}, is ${found.length === 0 ? 'lost' : `at ${found.join()}`}`,
        );
      }
    } else if (found.length === 0 && startOffset === 0) {
      this.fail(`record ${id}, acknowledged, is lost`);
    }
  }
}

/** What a partition holds. */
export interface FoundLog {
  readonly startOffset: number;
  readonly highWatermark: number;
  readonly records: readonly StoredRecord[];
}

/** A value of which the last acknowledged change, or any later attempt, may be what the broker holds. */
export class RegisterModel {
  readonly name: string;
  #allowed: Set<string | null>;

  constructor(name: string, initial: string | null) {
    this.name = name;
    this.#allowed = new Set([initial]);
  }

  attempt(value: string | null): void {
    this.#allowed.add(value);
  }

  /** The attempt was acknowledged; nobody else was changing it. */
  acknowledged(value: string | null): void {
    this.#allowed = new Set([value]);
  }

  check(value: string | null): void {
    if (this.#allowed.has(value)) return;
    const allowed = [...this.#allowed].map(String).join(' or ');
    throw new Violation(`${this.name} is ${value}, not ${allowed}`);
  }
}

/** Committed offsets of one group on one partition; the groups here only ever move forward. */
export class CommitModel {
  readonly name: string;
  acknowledged = -1;
  attempted = -1;

  constructor(name: string) {
    this.name = name;
  }

  check(committed: number, acknowledged: number): void {
    if (committed < acknowledged) {
      throw new Violation(`${this.name}: committed ${acknowledged}, now ${committed}`);
    }
    if (committed > this.attempted) {
      throw new Violation(
        `${this.name}: ${committed} was never committed (up to ${this.attempted})`,
      );
    }
  }
}

/** Everything that the run's clients know. */
export class Model {
  readonly partitions: readonly PartitionModel[];
  readonly commits = new Map<string, CommitModel>();
  readonly configs = new Map<string, RegisterModel>();
  /** Topics that come and go, by name: whether they must, may or must not exist. */
  readonly topics = new Map<string, 'exists' | 'unknown' | 'gone'>();
  #nextId = 1;

  constructor(partitions: readonly PartitionModel[]) {
    this.partitions = partitions;
  }

  /** A record about to be sent; its bytes follow from its id. */
  record(
    partition: PartitionModel,
    from: { readonly producer: number; readonly acks: Acks; readonly idempotent: boolean },
    valueBytes: number,
  ): SentRecord {
    const id = this.#nextId++;
    const key = Buffer.alloc(8);
    key.writeUInt32BE(id, 0);
    key.writeUInt32BE(from.producer, 4);
    const value = Buffer.alloc(valueBytes, key);
    const record: SentRecord = { id, ...from, key, value, state: 'pending', offset: -1 };
    partition.sent.set(id, record);
    return record;
  }

  commit(group: string, partition: PartitionModel): CommitModel {
    const name = `${group} on ${partition.name}`;
    const found = this.commits.get(name) ?? new CommitModel(name);
    this.commits.set(name, found);
    return found;
  }
}
