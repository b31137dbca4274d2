// Traffic as a small shop has it: views of many visitors, orders of some, payments of most orders, and sensors that
// report steadily. Keys repeat as people do, sizes vary, headers carry a trace, and bursts come.

import { sleep } from '../../src/base/pause.ts';
import { RecentRate } from '../../src/base/recent-rate.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import {
  type Cluster,
  createTopics,
  Producer,
  type ProducerRecord,
} from '../../src/client/index.ts';

/** Names of the topics, without the prefix. */
export const LOAD_TOPICS = ['views', 'orders', 'payments', 'sensors'] as const;

export interface LoadOptions {
  /** Records a second, up and down by a fifth. */
  readonly rate: number;
  /** Ten times the rate, now and then, on top (default: true). */
  readonly bursts?: boolean;
  readonly prefix: string;
  readonly seed: number;
}

export interface LoadProgress {
  readonly records: number;
  /** Of late. */
  readonly perSecond: number;
  readonly burst: boolean;
}

export interface LoadHooks {
  /** Aborted: what is not acknowledged by then is given up. */
  readonly givenUp?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

export interface LoadResult {
  readonly written: number;
  /** Were given up: they may be written all the same. */
  readonly unanswered: number;
}

const TICK_MS = 50;
/** A process that stood still for longer does not make up for it. */
const STEP_MAX_SECONDS = 1;
const BURST_FACTOR = 10;
const BURST_SECONDS = 1.5;
const BURSTS_PER_SECOND = 0.04;
const VISITORS = 5_000;
const PRODUCTS = [
  'lamp',
  'chair',
  'table',
  'shelf',
  'desk',
  'rug',
  'clock',
  'vase',
  'mirror',
  'stool',
];
const REGIONS = ['eu', 'us', 'ap'];

type Outgoing = ProducerRecord<string, unknown>;

/** Writes until it is told to stop. */
export class LoadGenerator {
  readonly #cluster: Cluster;
  readonly #options: LoadOptions;
  readonly #random: SeededRandom;
  /** Of its own: when bursts come depends on the time, what the records are does not. */
  readonly #bursts: SeededRandom;
  #orders = 0;
  #traces = 0;

  constructor(cluster: Cluster, options: LoadOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#bursts = new SeededRandom(options.seed + 1);
  }

  /** Writes until the signal is aborted. Throws what the brokers refuse. */
  async run(signal: AbortSignal, { givenUp, onProgress }: LoadHooks = {}): Promise<LoadResult> {
    await this.#prepare();
    const producer = new Producer(this.#cluster, {
      key: 'string',
      value: 'json',
      compression: 'lz4',
      ...(givenUp && { signal: givenUp }),
    });
    const { clock } = this.#cluster;
    const { bursts = true } = this.#options;
    const began = clock.monotonic();
    const rate = new RecentRate();
    let records = 0;
    let burstUntil = 0;
    let owed = 0;
    let before = 0;
    let written = 0;
    const landed = (): void => {
      written += 1;
    };
    let failure: Error | null = null;
    const failed = (error: Error): void => {
      failure ??= error;
    };
    while (!signal.aborted && failure === null) {
      const seconds = (clock.monotonic() - began) / 1000;
      const step = Math.min(seconds - before, STEP_MAX_SECONDS);
      before = seconds;
      const isOver = seconds >= burstUntil;
      if (bursts && isOver && this.#bursts.next() < BURSTS_PER_SECOND * step) {
        burstUntil = seconds + BURST_SECONDS;
      }
      const burst = seconds < burstUntil;
      owed += this.#rateAt(seconds) * (burst ? BURST_FACTOR : 1) * step;
      let room = true;
      for (; owed >= 1; owed -= 1) {
        records += 1;
        room = producer.enqueue(this.#next(), landed, failed);
      }
      onProgress?.({ records, perSecond: rate.at(1000 * seconds, records), burst });
      if (!room) await producer.drained();
      await sleep(clock, TICK_MS);
    }
    await producer.close();
    if (failure !== null && failure !== givenUp?.reason) throw failure as Error;
    return { written, unanswered: records - written };
  }

  async #prepare(): Promise<void> {
    const topics = LOAD_TOPICS.map((name) => ({
      name: this.#options.prefix + name,
      partitions: 4,
    }));
    for (const { error } of await createTopics(this.#cluster, topics)) {
      if (error !== null && error.code !== 'TOPIC_ALREADY_EXISTS') throw error;
    }
  }

  /** Up and down by a fifth within two minutes, as a day in short. */
  #rateAt(seconds: number): number {
    return this.#options.rate * (1 + 0.2 * Math.sin((2 * Math.PI * seconds) / 120));
  }

  #next(): Outgoing {
    const chance = this.#random.next();
    if (chance < 0.6) return this.#view();
    if (chance < 0.72) return this.#order();
    return chance < 0.8 ? this.#payment() : this.#sensor();
  }

  #view(): Outgoing {
    const visitor = this.#visitor();
    const path = `/${this.#product()}?page=${this.#upTo(9)}`;
    return this.#record('views', visitor, {
      visitor,
      path,
      agent: 'Mozilla/5.0 '.repeat(1 + this.#upTo(4)),
    });
  }

  #order(): Outgoing {
    this.#orders += 1;
    const lines = Array.from({ length: 1 + this.#upTo(5) }, () => ({
      product: this.#product(),
      count: 1 + this.#upTo(3),
      cents: 100 * (1 + this.#upTo(400)),
    }));
    const total = lines.reduce((sum, { count, cents }) => sum + count * cents, 0);
    const order = `o${this.#orders}`;
    return this.#record('orders', order, { order, visitor: this.#visitor(), lines, total });
  }

  #payment(): Outgoing {
    const order = `o${Math.max(1, this.#orders - this.#upTo(20))}`;
    const ok = this.#random.chance(0.97);
    return this.#record('payments', order, {
      order,
      ok,
      ...(ok ? {} : { reason: 'card refused' }),
    });
  }

  #sensor(): Outgoing {
    const sensor = `s${this.#upTo(40)}`;
    const celsius = Math.round(200 + 30 * this.#random.next()) / 10;
    return this.#record('sensors', sensor, { sensor, celsius });
  }

  #record(topic: (typeof LOAD_TOPICS)[number], key: string, value: object): Outgoing {
    this.#traces += 1;
    const trace = (this.#traces * 0x9e3779b1).toString(16).padStart(16, '0');
    const region = REGIONS[this.#upTo(REGIONS.length)] ?? 'eu';
    return {
      topic: this.#options.prefix + topic,
      key,
      value,
      headers: { trace, region, schema: '1' },
    };
  }

  /** Few come often, many seldom. */
  #visitor(): string {
    return `v${Math.floor(VISITORS * this.#random.next() ** 3)}`;
  }

  #product(): string {
    return PRODUCTS[this.#upTo(PRODUCTS.length)] ?? 'lamp';
  }

  #upTo(limit: number): number {
    return this.#random.below(limit);
  }
}
