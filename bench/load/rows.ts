// The rows of the broker benchmark: each is one work, done on every system it is for.

import { GIVEN, type Librdkafka, type PeerBroker } from '../peers/index.ts';
import type { Histogram } from '../report/histogram.ts';
import type { Figures } from '../suite.ts';
import {
  type Bulk,
  type ClientSettings,
  consumeBulk,
  consumeJava,
  LINGER_MS,
  type Measured,
  pacedLoad,
  produceBulk,
  produceJava,
  requestLoad,
} from './clients.ts';
import { watch } from './watch.ts';

export const PARTITIONS = 6;

/** Where a row is measured. */
export interface Target {
  readonly broker: PeerBroker;
  /** A new topic for this measurement; for rows that read: the topic filled before. */
  readonly topic: string;
  readonly tools: Librdkafka;
  readonly quick: boolean;
  /** Whether half of the work will do: a row that only warms up. */
  readonly half?: boolean;
}

export interface RowFigures {
  readonly figures: Figures;
  readonly latencies?: Histogram;
}

export interface Row {
  readonly name: string;
  /** How it is measured, for the report. */
  readonly how: string;
  /** What its sizes are of, where it is not what reaches the broker. */
  readonly unitNote?: string;
  /** Who besides `tidemark` and `kafka` it is also for, as systems are listed. */
  readonly alsoOn: readonly string[];
  readonly partitions: number;
  /** Bytes that it writes, where these are many. */
  readonly writtenBytes?: number;
  /** What has to be in the topic before; such a topic is filled once and kept. */
  readonly filled?: { readonly records: number; readonly recordBytes: number };
  /** Whether its topic is made once and kept over the rounds: many partitions take long to make. */
  readonly kept: boolean;
  /**
   * Whether it is done once before the first round, to warm the broker up; those at a fixed rate have a warm-up of
   * their own.
   */
  readonly warmsUp: boolean;
  /** Whether the client is Java, which needs Kafka's jars. */
  readonly java: boolean;
  measure(target: Target): Promise<RowFigures>;
}

type Size = Pick<Target, 'quick' | 'half'>;

/** Of so many records those that this run has. */
export function sizedRecords(full: number, { quick, half = false }: Size): number {
  if (quick) return Math.ceil(full / 25);
  return half ? Math.ceil(full / 2) : full;
}

function sizedSeconds(full: number, { quick, half = false }: Size): number {
  if (quick) return Math.min(1, full);
  return half ? full / 2 : full;
}

interface BulkOptions {
  readonly records: number;
  readonly recordBytes: number;
  readonly settings?: ClientSettings;
  readonly alsoOn?: readonly string[];
  readonly words: string;
  /** What the client's codec makes of a byte, about: what reaches the broker. */
  readonly shrinksTo?: number;
}

/** Figures of moving so many bytes, with the cost per GB. */
async function bulkFigures(
  target: Target,
  bulk: Bulk,
  work: () => Promise<Figures>,
): Promise<RowFigures> {
  const { result, figures } = await watch(target.broker, work);
  const gigabytes = (bulk.records * bulk.recordBytes) / 1e9;
  const cpu = (figures['brokerCpuSeconds'] ?? Number.NaN) / gigabytes;
  return { figures: { ...result, brokerCpuSecondsPerGb: cpu, ...figures } };
}

function produceRow(name: string, options: BulkOptions): Row {
  const { recordBytes, settings = {} } = options;
  const linger = settings['linger.ms'] ?? LINGER_MS;
  return {
    name,
    how: `rdkafka_performance -P, ${options.records} records, acks=all, linger ${linger} ms, ${options.words}`,
    ...(options.shrinksTo !== undefined && { unitNote: 'before compression' }),
    alsoOn: options.alsoOn ?? [GIVEN],
    writtenBytes: options.records * recordBytes * (options.shrinksTo ?? 1),
    partitions: PARTITIONS,
    kept: false,
    warmsUp: true,
    java: false,
    measure: (target) => {
      const records = sizedRecords(options.records, target);
      const bulk = { topic: target.topic, records, recordBytes };
      return bulkFigures(target, bulk, () =>
        produceBulk(target.tools, target.broker, bulk, settings),
      );
    },
  };
}

const READ_BEFORE = ', after one time by rdkafka_performance that is not counted';

/** `times`: how often it is read in one measurement, of which one alone may take less than a second. */
function consumeRow(name: string, filled: NonNullable<Row['filled']>, times: number): Row {
  return {
    name,
    how:
      `rdkafka_performance -C, ${filled.records} records from the start of ${PARTITIONS} partitions, ` +
      `${times} times on end${READ_BEFORE}`,
    alsoOn: [GIVEN],
    partitions: PARTITIONS,
    kept: false,
    warmsUp: true,
    java: false,
    filled,
    measure: (target) => {
      const passes = target.half ? 1 : times;
      const records = sizedRecords(filled.records, target);
      const bulk = { ...filled, records, topic: target.topic };
      return bulkFigures(target, { ...bulk, records: passes * records }, () =>
        consumeBulk(target.tools, target.broker, bulk, { partitions: PARTITIONS, passes }),
      );
    },
  };
}

async function watchedLoad(
  target: Target,
  work: () => Promise<Measured>,
  countOf: (figures: Figures) => number,
): Promise<RowFigures> {
  const { result, figures } = await watch(target.broker, work);
  const millions = countOf(result.figures) / 1e6;
  const cpu = (figures['brokerCpuSeconds'] ?? Number.NaN) / millions;
  return {
    figures: { ...result.figures, brokerCpuSecondsPerMillion: cpu, ...figures },
    latencies: result.latencies,
  };
}

interface PacedOptions {
  readonly perSecond: number;
  readonly recordBytes: number;
  readonly partitions: number;
  readonly until: 'e2e' | 'ack';
  readonly settings: ClientSettings;
  readonly alsoOn: readonly string[];
  readonly kept: boolean;
}

const PACED_SECONDS = 7;
const WARM_UP_SECONDS = 2;

function pacedRow(name: string, options: PacedOptions): Row {
  const { settings, until, alsoOn, kept, ...load } = options;
  const client = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  const end = until === 'e2e' ? 'consumed' : 'acknowledged';
  return {
    name,
    how:
      `load.c on librdkafka, ${load.recordBytes} B, acks=all, ${client.join(' ')}, ${load.partitions} partitions, ` +
      `open loop for ${PACED_SECONDS} s after ${WARM_UP_SECONDS} s of warm-up, from when due until ${end}`,
    alsoOn,
    partitions: load.partitions,
    kept,
    warmsUp: false,
    java: false,
    measure: (target) => {
      const timing = {
        seconds: sizedSeconds(PACED_SECONDS, target),
        warmUpSeconds: sizedSeconds(WARM_UP_SECONDS, target),
      };
      const paced = { ...load, ...timing, until, topic: target.topic };
      return watchedLoad(
        target,
        () => pacedLoad(target.tools, target.broker, paced, settings),
        (figures) => figures['sent'] ?? Number.NaN,
      );
    },
  };
}

function requestRow(name: string, connections: number): Row {
  return {
    name,
    how:
      `load.c on librdkafka, ${connections} producers of one connection each, 1 KiB, acks=all, ` +
      'one request at a time, for 4 s after 1 s of warm-up',
    alsoOn: ['kafka-sync', GIVEN],
    partitions: PARTITIONS,
    kept: false,
    warmsUp: true,
    java: false,
    measure: (target) => {
      const load = {
        topic: target.topic,
        partitions: PARTITIONS,
        connections,
        recordBytes: 1024,
        seconds: sizedSeconds(4, target),
        warmUpSeconds: sizedSeconds(1, target),
      };
      // The warm-up costs the broker too: its share of the time is taken as its share of the requests.
      return watchedLoad(
        target,
        () => requestLoad(target.tools, target.broker, load),
        (figures) => (figures['requests'] ?? 0) * (1 + load.warmUpSeconds / load.seconds),
      );
    },
  };
}

function javaRow(name: string, kind: 'produce' | 'consume', records: number): Row {
  const recordBytes = 1024;
  return {
    name,
    how:
      kind === 'produce'
        ? `ProducerPerformance, ${records} records, acks=all, its default batches`
        : `ConsumerPerformance, ${records} records from the start, without the group's joining${READ_BEFORE}`,
    alsoOn: [GIVEN],
    partitions: PARTITIONS,
    kept: false,
    warmsUp: true,
    java: true,
    ...(kind === 'consume'
      ? { filled: { records: 1_000_000, recordBytes } }
      : { writtenBytes: records * recordBytes }),
    measure: (target) => {
      const bulk = { topic: target.topic, records: sizedRecords(records, target), recordBytes };
      const work = kind === 'produce' ? produceJava : consumeJava;
      return bulkFigures(target, bulk, () => work(target.broker, bulk));
    },
  };
}

const large = { records: 1_000_000, recordBytes: 1024 };
const small = { records: 5_000_000, recordBytes: 100 };
/** What lz4 makes of records of one pattern, about. */
const LZ4_SHARE = 0.02;
const inChunks = { 'batch.size': '131072', 'linger.ms': '10' };

/** All rows, in the order of the report. */
export const rows: readonly Row[] = [
  produceRow('produce 1 KiB', {
    ...large,
    words: 'its default batches of up to 1 MB',
    alsoOn: ['tidemark-os', 'kafka-sync', GIVEN],
  }),
  produceRow('produce 1 KiB, 128 KiB batches', {
    ...large,
    records: 500_000,
    settings: inChunks,
    words: 'batch.size=131072',
    alsoOn: ['kafka-sync', GIVEN],
  }),
  produceRow('produce 100 B', { ...small, words: 'its default batches' }),
  produceRow('produce 1 KiB, lz4', {
    ...large,
    records: 3_000_000,
    settings: { 'compression.codec': 'lz4' },
    words: 'lz4 of one repeated pattern',
    shrinksTo: LZ4_SHARE,
  }),
  requestRow('one record per request, 64 connections', 64),
  consumeRow('consume 1 KiB', large, 2),
  consumeRow('consume 100 B', small, 2),
  pacedRow('end to end, 10,000/s, linger 5', {
    perSecond: 10_000,
    recordBytes: 1024,
    partitions: PARTITIONS,
    until: 'e2e',
    settings: { 'linger.ms': '5' },
    alsoOn: ['kafka-sync', GIVEN],
    kept: false,
  }),
  pacedRow('end to end, 1,000/s, linger 0', {
    perSecond: 1_000,
    recordBytes: 1024,
    partitions: PARTITIONS,
    until: 'e2e',
    settings: { 'linger.ms': '0' },
    alsoOn: [GIVEN],
    kept: false,
  }),
  pacedRow('1,000 partitions, 2,000/s', {
    perSecond: 2_000,
    recordBytes: 1024,
    partitions: 1_000,
    until: 'ack',
    settings: { 'linger.ms': '5' },
    alsoOn: [GIVEN],
    kept: true,
  }),
  javaRow('produce 1 KiB, Java client', 'produce', 500_000),
  javaRow('consume 1 KiB, Java client', 'consume', 1_000_000),
];
