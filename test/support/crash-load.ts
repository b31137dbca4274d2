// The clients of the crash tests: they go on through any number of crashes and note what they were told, which
// crash-checks.ts then holds against what the broker has.

import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import {
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  OffsetCommit,
} from '../../src/protocol/index.ts';
import { idempotentBatch, Link, LinkClosed } from './crash-link.ts';

const BATCH_RECORDS = 5;
const FILLER = 'of the text '.repeat(20);
const KEYS = 20;
/** Between two batches of a writer. */
const PACE_MS = 4;
const OK_OR_DUPLICATE: ReadonlySet<number> = new Set([0, 46]);
const COMMITTED_GROUP = 'crash-group';

/** What one partition's writer and readers know. */
export interface Known {
  readonly topic: string;
  readonly partition: number;
  /** Number of records handed to the writer so far: `0`, `1`, … in order. */
  sent: number;
  /** Acknowledged records: offset → number. */
  readonly acknowledged: Map<number, number>;
  /** Acknowledged as a duplicate: it is there, at an offset that was told to nobody. */
  readonly acknowledgedUnplaced: Set<number>;
  /** What a reader has been given: offset → value. */
  readonly seen: Map<number, string>;
  /** DeleteRecords that was acknowledged: nothing below. */
  deletedBelow: number;
}

/** Key and value of the n-th record of a partition. */
export function recordOf(known: Pick<Known, 'topic' | 'partition'>, number: number) {
  const { topic, partition } = known;
  const key = topic === 'keyed' ? `key-${number % KEYS}` : null;
  return { key, value: `${topic}-${partition} ${number} ${FILLER}` };
}

/** The n of {@link recordOf}; -1 for anything else. */
export function numberOf(known: Pick<Known, 'topic' | 'partition'>, value: string): number {
  const number = Number(/^\S+ (\d+) /.exec(value)?.[1] ?? -1);
  return value === recordOf(known, number).value ? number : -1;
}

export const TOPICS: Readonly<Record<string, { partitions: number; configs: object }>> = {
  text: { partitions: 2, configs: { 'internal.segment.bytes': '60000' } },
  numbers: {
    partitions: 3,
    configs: { 'internal.segment.bytes': '40000', 'index.interval.bytes': '1000' },
  },
  keyed: {
    partitions: 1,
    configs: {
      'cleanup.policy': 'compact',
      'internal.segment.bytes': '30000',
      'min.cleanable.dirty.ratio': '0.01',
      'file.delete.delay.ms': '50',
    },
  },
  short: {
    partitions: 1,
    configs: {
      'internal.segment.bytes': '30000',
      'retention.bytes': '100000',
      'file.delete.delay.ms': '50',
    },
  },
};

/** Broker configs that make everything happen often. */
export const BROKER_CONFIGS: Readonly<Record<string, string>> = {
  'group.initial.rebalance.delay.ms': '0',
  'log.retention.check.interval.ms': '150',
  'log.cleaner.backoff.ms': '100',
  'offsets.topic.num.partitions': '2',
  'offsets.topic.segment.bytes': '20000',
};

export class Load {
  readonly known: readonly Known[];
  /** Topics made and dropped on the way: what was acknowledged last. */
  readonly passing = new Map<string, 'created' | 'deleting' | 'deleted'>();
  committed = { sent: 0, acknowledged: 0 };
  readonly #port: number;
  readonly #links: Link[] = [];
  #running: Promise<unknown>[] = [];
  #producer: kafkajs.Producer | null = null;
  #producerIds = new Map<Known, number>();
  #going = false;
  #failure: Error | null = null;
  #passed = 0;

  constructor(port: number) {
    this.#port = port;
    this.known = Object.entries(TOPICS).flatMap(([topic, { partitions }]) =>
      Array.from({ length: partitions }, (_, partition) => ({
        topic,
        partition,
        sent: 0,
        acknowledged: new Map(),
        acknowledgedUnplaced: new Set<number>(),
        seen: new Map(),
        deletedBelow: 0,
      })),
    );
  }

  /** Makes the topics; once, while a broker serves. */
  async prepare(): Promise<void> {
    const link = this.#link();
    for (const [name, { partitions, configs }] of Object.entries(TOPICS)) {
      await this.#createTopic(link, name, partitions, configs);
    }
    link.close();
  }

  /** Everybody begins, or goes on where they were. */
  resume(): void {
    this.#going = true;
    const work = this.known.flatMap((known) => [
      known.topic === 'text' ? null : this.#actor((link) => this.#write(link, known)),
      this.#actor((link) => this.#read(link, known)),
    ]);
    work.push(this.#actor(() => this.#writeText()));
    work.push(this.#actor((link) => this.#passTopics(link)));
    work.push(this.#actor((link) => this.#commitOffsets(link)));
    work.push(this.#actor((link) => this.#deleteRecords(link)));
    this.#running = work.filter((one) => one !== null);
  }

  /** Everybody finishes what they are at, which needs a broker that serves. Throws what went wrong since. */
  async pause(): Promise<void> {
    this.#going = false;
    await Promise.all(this.#running);
    this.#running = [];
    for (const link of this.#links.splice(0)) link.close();
    this.check();
  }

  /** Throws what went wrong so far. */
  check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  async dispose(): Promise<void> {
    this.#going = false;
    for (const link of this.#links.splice(0)) link.close();
    await this.#producer?.disconnect();
  }

  #link(): Link {
    const link = new Link(this.#port);
    this.#links.push(link);
    return link;
  }

  async #actor(run: (link: Link) => Promise<void>): Promise<void> {
    try {
      await run(this.#link());
    } catch (error) {
      if (!(error instanceof LinkClosed)) this.#failure ??= error as Error;
      this.#going = false;
    }
  }

  #nextNumbers(known: Known): number[] {
    const numbers = Array.from({ length: BATCH_RECORDS }, (_, index) => known.sent + index);
    known.sent += BATCH_RECORDS;
    return numbers;
  }

  #acknowledge(known: Known, numbers: readonly number[], baseOffset: number): void {
    for (const [index, number] of numbers.entries()) {
      if (baseOffset < 0) known.acknowledgedUnplaced.add(number);
      else known.acknowledged.set(baseOffset + index, number);
    }
  }

  /** Our own idempotent producer: each batch is sent until it is acknowledged. */
  async #write(link: Link, known: Known): Promise<void> {
    const producerId = this.#producerIds.get(known) ?? (await link.producerId());
    this.#producerIds.set(known, producerId);
    while (this.#going) {
      const baseSequence = known.sent;
      const numbers = this.#nextNumbers(known);
      const records = numbers.map((number) => recordOf(known, number));
      for (;;) {
        const batch = idempotentBatch(records, { producerId, baseSequence });
        const { code, baseOffset } = await link.produce(known.topic, known.partition, batch);
        if (OK_OR_DUPLICATE.has(code)) {
          this.#acknowledge(known, numbers, baseOffset);
          break;
        }
        if (code !== 3 && code !== 56 && code !== 6) {
          throw new Error(`${known.topic}-${known.partition}: produce gave ${code}`);
        }
        await sleep(PACE_MS);
      }
      await sleep(PACE_MS);
    }
  }

  /** kafkajs' idempotent producer, which tries again by itself. */
  async #writeText(): Promise<void> {
    const producer = await this.#textProducer();
    const partitions = this.known.filter(({ topic }) => topic === 'text');
    for (let turn = 0; this.#going; turn += 1) {
      const known = partitions[turn % partitions.length]!;
      const numbers = this.#nextNumbers(known);
      const messages = numbers.map((number) => ({
        ...recordOf(known, number),
        partition: known.partition,
      }));
      const [answer] = await producer.send({ topic: known.topic, acks: -1, messages });
      this.#acknowledge(known, numbers, Number(answer?.baseOffset ?? -1));
      await sleep(PACE_MS);
    }
  }

  async #textProducer(): Promise<kafkajs.Producer> {
    if (this.#producer !== null) return this.#producer;
    process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
    const kafka = new kafkajs.Kafka({
      brokers: [`127.0.0.1:${this.#port}`],
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 100_000, initialRetryTime: 20, maxRetryTime: 60 },
    });
    this.#producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    await this.#producer.connect();
    return this.#producer;
  }

  /** Follows a partition from its start; what was seen once must stay as it is. */
  async #read(link: Link, known: Known): Promise<void> {
    let at = Math.max(0, ...known.seen.keys()) + (known.seen.size > 0 ? 1 : 0);
    while (this.#going) {
      const read = await link.fetch(known.topic, known.partition, at);
      if (read === null || read.nextOffset <= at) {
        if (read !== null && read.startOffset > at) at = read.startOffset;
        await sleep(PACE_MS);
        continue;
      }
      for (const { offset, value } of read.records) known.seen.set(offset, value);
      at = read.nextOffset;
    }
  }

  async #createTopic(link: Link, name: string, partitions: number, configs: object): Promise<void> {
    const topic = {
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value: String(value) })),
    };
    const request = { topics: [topic], timeoutMs: 10_000 };
    const codeOf = (one: { topics: readonly { errorCode: number }[] }) => one.topics[0]?.errorCode;
    const answer = await link.settled(CreateTopics, 4, request, codeOf);
    // 36: it is there, a crash took the answer.
    const code = codeOf(answer);
    if (code !== 0 && code !== 36) throw new Error(`creating ${name} gave ${code}`);
  }

  /** Topics that come, get a record, and go again but for every third. */
  async #passTopics(link: Link): Promise<void> {
    while (this.#going) {
      const name = `passing-${this.#passed}`;
      this.#passed += 1;
      await this.#createTopic(link, name, 1, {});
      this.passing.set(name, 'created');
      const records = idempotentBatch([{ key: null, value: name }], {
        producerId: -1,
        baseSequence: -1,
      });
      while ((await link.produce(name, 0, records)).code !== 0) await sleep(PACE_MS);
      if (this.#passed % 3 !== 0) {
        this.passing.set(name, 'deleting');
        const answer = await link.ask(DeleteTopics, 3, { topicNames: [name], timeoutMs: 10_000 });
        const code = answer.responses[0]?.errorCode;
        if (code === 0 || code === 3) this.passing.set(name, 'deleted');
      }
      await sleep(60);
    }
  }

  async #commitOffsets(link: Link): Promise<void> {
    while (this.#going) {
      this.committed.sent += 1;
      const committedOffset = this.committed.sent;
      const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: null }];
      const answer = await link.settled(
        OffsetCommit,
        7,
        {
          groupId: COMMITTED_GROUP,
          generationIdOrMemberEpoch: -1,
          memberId: '',
          topics: [{ name: 'numbers', partitions }],
        },
        (one) => one.topics[0]?.partitions[0]?.errorCode,
      );
      const code = answer.topics[0]?.partitions[0]?.errorCode;
      if (code !== 0) throw new Error(`OffsetCommit gave ${code}`);
      this.committed.acknowledged = committedOffset;
      await sleep(PACE_MS * 2);
    }
  }

  async #deleteRecords(link: Link): Promise<void> {
    const known = this.known.find(({ topic }) => topic === 'short')!;
    while (this.#going) {
      await sleep(100);
      const offset = Math.max(0, ...known.acknowledged.keys()) - 50;
      if (offset <= known.deletedBelow) continue;
      const answer = await link.settled(
        DeleteRecords,
        1,
        {
          topics: [{ name: 'short', partitions: [{ partitionIndex: 0, offset }] }],
          timeoutMs: 10_000,
        },
        (one) => one.topics[0]?.partitions[0]?.errorCode,
      );
      // 1: retention went further meanwhile.
      if (answer.topics[0]?.partitions[0]?.errorCode === 0) known.deletedBelow = offset;
    }
  }
}
