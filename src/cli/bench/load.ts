// The phases of `tidemark bench`: probes with one record at a time, as fast as it goes, reading it back, and records at
// a fixed rate from when each was due until it was read.

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, LogReader, listOffsets, Producer, SpecialTime } from '../../client/index.ts';
import { FixedRate } from './fixed-rate.ts';
import { Latencies, type LatencySummary } from './latencies.ts';
import { type LoadPlan, STAMP_BYTES } from './plan.ts';

/** What a phase says while it runs. */
export type Live = (line: string) => void;

export interface Rates {
  readonly records: number;
  readonly seconds: number;
  readonly recordsPerSecond: number;
  /** 10^6 bytes of values. */
  readonly mbPerSecond: number;
  /** Share of the time that this process's thread was busy, 0 to 1. */
  readonly busy: number;
}

/** Writing; the latency is that of a record from its giving to its acknowledgement. */
export interface Written extends Rates {
  readonly latency: LatencySummary;
  readonly ended: 'time' | 'max-bytes' | 'interrupted';
}

/** Reading back. */
export interface ReadBack extends Rates {
  /** What was in the topic and did not come in time. */
  readonly unread: number;
}

/** The fixed rate. */
export interface Tail extends Rates {
  /** From when each record was due until it was read, or given up. */
  readonly latency: LatencySummary;
  /** How late this client itself gave the records. */
  readonly late: LatencySummary;
  /** What did not come in time; it is among the latencies with the time that it had waited. */
  readonly unread: number;
}

const LIVE_MS = 200;
const PROBES = 60;
const PROBE_MS = 2_000;
const VALUES = 64;
/** Large records are fewer different ones. */
const VALUES_BYTES = 16 * 1024 ** 2;

/** Runs the phases on one cluster. What is written stays in the plan's topic. */
export class Load {
  readonly #cluster: Cluster;
  readonly #plan: LoadPlan;
  readonly #live: Live;
  readonly #signal: AbortSignal;
  readonly #values: readonly Buffer[];
  #shownMs = 0;

  constructor(cluster: Cluster, plan: LoadPlan, live: Live, signal: AbortSignal) {
    this.#cluster = cluster;
    // An interrupt gives up what waits for a broker that does not answer.
    this.#plan = { ...plan, producer: { ...plan.producer, signal } };
    this.#live = live;
    this.#signal = signal;
    const length = Math.max(1, Math.min(VALUES, Math.floor(VALUES_BYTES / plan.recordBytes)));
    this.#values = Array.from({ length }, () => sampleValue(plan.recordBytes));
  }

  /** Median of a request that does nothing but be answered. */
  async roundTrip(): Promise<number> {
    const latencies = new Latencies();
    const until = performance.now() + PROBE_MS;
    for (let probe = 0; probe < PROBES && this.#goesOn(until); probe += 1) {
      const began = performance.now();
      await this.#cluster.describe();
      latencies.add(performance.now() - began);
    }
    return latencies.quantile(0.5);
  }

  /** Median of one record at a time. */
  async oneByOne(acks: 1 | -1): Promise<number> {
    const producer = new Producer(this.#cluster, { ...this.#plan.producer, acks, lingerMs: 0 });
    const latencies = new Latencies();
    try {
      await producer.send(this.#record(0));
      const until = performance.now() + PROBE_MS;
      for (let probe = 0; probe < PROBES && this.#goesOn(until); probe += 1) {
        const began = performance.now();
        await producer.send(this.#record(0));
        latencies.add(performance.now() - began);
      }
    } finally {
      await producer.close();
    }
    return latencies.quantile(0.5);
  }

  /** As fast as it goes. */
  async produce(): Promise<Written> {
    const { partitions, recordBytes, seconds, maxBytes, producer: options } = this.#plan;
    const producer = new Producer(this.#cluster, options);
    const latencies = new Latencies();
    let failure: Error | undefined;
    let given = 0;
    const recordsMax = Math.floor(maxBytes / recordBytes);
    const began = performance.now();
    const busy = performance.eventLoopUtilization();
    const until = began + seconds * 1000;
    const fail = (error: Error): void => {
      failure ??= error;
    };
    try {
      while (given < recordsMax && failure === undefined && this.#goesOn(until)) {
        const at = performance.now();
        const landed = (): void => latencies.add(performance.now() - at);
        // One clock reading for some records: it would cost more than they do.
        let room = true;
        for (let count = 0; count < VALUES && given < recordsMax && room; count += 1) {
          room = producer.enqueue(this.#record(given % partitions, given), landed, fail);
          given += 1;
        }
        if (!room) await producer.drained();
        else if (given % (VALUES * 16) === 0) await new Promise(setImmediate);
        this.#show('writing', latencies.count, began);
      }
    } finally {
      await producer.close();
    }
    // An interrupt fails what is under way: what was acknowledged before still counts.
    const interrupted = this.#signal.aborted;
    if (failure !== undefined && !interrupted) throw failure;
    const early = given >= recordsMax ? 'max-bytes' : 'time';
    return {
      ...this.#rates(latencies.count, began, busy),
      latency: latencies.summary(),
      ended: interrupted ? 'interrupted' : early,
    };
  }

  /**
   * Reads back all that was written, every record decoded; ends where that takes more than twice as long as writing
   * may, and the patience on top.
   */
  async consume(): Promise<ReadBack> {
    const { topic, seconds, patienceMs } = this.#plan;
    const ends = await this.#logEnds();
    const wanted = ends.reduce((sum, end) => sum + end, 0);
    const reader = new LogReader(this.#cluster, { topic });
    for (const partition of ends.keys()) reader.set(partition, 0);
    const began = performance.now();
    const busy = performance.eventLoopUtilization();
    let read = 0;
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 2 * seconds * 1000 + patienceMs);
    try {
      for await (const chunk of reader.read(AbortSignal.any([stop.signal, this.#signal]))) {
        read += chunk.records.length;
        this.#show('reading', read, began);
        if (read >= wanted) stop.abort();
      }
    } finally {
      clearTimeout(timer);
    }
    const unread = this.#signal.aborted ? 0 : Math.max(0, wanted - read);
    return { ...this.#rates(read, began, busy), unread };
  }

  /**
   * Records at a fixed rate, whatever the cluster does meanwhile: each latency counts from when its record was due, so
   * that a pause is charged to every record that it held up.
   */
  async tail(): Promise<Tail> {
    const { partitions, perSecond, seconds, patienceMs, topic, recordBytes } = this.#plan;
    const reader = new LogReader(this.#cluster, { topic });
    const ends = await this.#logEnds();
    for (const [partition, end] of ends.entries()) reader.set(partition, end);
    const stop = new AbortController();
    const late = new Latencies();
    let failure: unknown;
    const fail = (error: unknown): void => {
      failure ??= error;
    };
    const producer = new Producer(this.#cluster, this.#plan.producer);
    const began = performance.now();
    const busy = performance.eventLoopUtilization();
    const rate = new FixedRate(this.#plan, began);
    // Its failure is heard at once: nobody awaits it before the last record was given.
    const reading = readTail(reader, rate, stop, this.#signal).catch(fail);
    // A rate far above what the cluster takes must not last for ever.
    const until = began + seconds * 1000 + patienceMs;
    const goesOn = (): boolean => failure === undefined && this.#goesOn(until);
    let sent = 0;
    try {
      while (sent < rate.total && goesOn()) {
        const now = performance.now();
        for (; sent < rate.total && rate.dueMs(sent) <= now && goesOn(); sent += 1) {
          const record = this.#record(sent % partitions, sent);
          const value = Buffer.from(record.value);
          value.writeDoubleLE(rate.dueMs(sent), 0);
          late.add(now - rate.dueMs(sent));
          if (!producer.enqueue({ ...record, value }, null, fail)) await producer.drained();
        }
        this.#show(`${perSecond}/s, from due to read`, rate.read, began);
        await sleep(1);
      }
      await producer.close();
      const given = performance.now() + patienceMs;
      while (rate.read < rate.total && failure === undefined && this.#goesOn(given)) await sleep(5);
    } finally {
      stop.abort();
      await producer.close();
      await reading;
    }
    const interrupted = this.#signal.aborted;
    if (failure !== undefined && !interrupted) throw failure;
    const recordsPerSecond = rate.perSecond();
    return {
      ...this.#rates(rate.read, began, busy),
      recordsPerSecond,
      mbPerSecond: (recordsPerSecond * recordBytes) / 1e6,
      unread: interrupted ? 0 : rate.giveUp(performance.now()),
      latency: rate.latencies.summary(),
      late: late.summary(),
    };
  }

  async #logEnds(): Promise<number[]> {
    const { topic } = this.#plan;
    const partitions = Array.from({ length: this.#plan.partitions }, (_, partition) => partition);
    const timestamp = SpecialTime.latest;
    const found = await listOffsets(this.#cluster, topic, { partitions, timestamp });
    return partitions.map((partition) => found.get(partition)?.offset ?? 0);
  }

  #record(partition: number, index = 0): { topic: string; partition: number; value: Buffer } {
    const value = this.#values[index % this.#values.length] ?? Buffer.alloc(0);
    return { topic: this.#plan.topic, partition, value };
  }

  #goesOn(untilMs: number): boolean {
    return performance.now() < untilMs && !this.#signal.aborted;
  }

  #rates(
    records: number,
    beganMs: number,
    busy: ReturnType<typeof performance.eventLoopUtilization>,
  ): Rates {
    const seconds = Math.max(performance.now() - beganMs, 0.001) / 1000;
    const recordsPerSecond = records / seconds;
    return {
      records,
      seconds,
      recordsPerSecond,
      mbPerSecond: (recordsPerSecond * this.#plan.recordBytes) / 1e6,
      busy: performance.eventLoopUtilization(busy).utilization,
    };
  }

  #show(what: string, records: number, beganMs: number): void {
    const now = performance.now();
    if (now - this.#shownMs < LIVE_MS) return;
    this.#shownMs = now;
    const seconds = (now - beganMs) / 1000;
    const rate = records / Math.max(seconds, 0.001);
    const mb = (rate * this.#plan.recordBytes) / 1e6;
    const rates = `${Math.round(rate)} records/s, ${mb.toFixed(1)} MB/s`;
    this.#live(`${what}: ${records} records, ${rates}, ${seconds.toFixed(0)} s`);
  }
}

/** Counts what comes back, until all did or it is stopped. */
async function readTail(
  reader: LogReader,
  rate: FixedRate,
  stop: AbortController,
  interrupt: AbortSignal,
): Promise<void> {
  for await (const chunk of reader.read(AbortSignal.any([stop.signal, interrupt]))) {
    const now = performance.now();
    for (const { value } of chunk.records) {
      if (value !== null) rate.arrived(chunk.partition, value.readDoubleLE(0), now);
    }
    if (rate.read >= rate.total) stop.abort();
  }
}

/** Half of it looks like text and compresses, half does not, as real records are somewhere between. */
function sampleValue(bytes: number): Buffer {
  const value = Buffer.alloc(
    Math.max(bytes, STAMP_BYTES),
    'a value that compresses as text does; ',
  );
  return Buffer.concat([
    randomBytes(Math.ceil(value.length / 2)),
    value.subarray(Math.ceil(value.length / 2)),
  ]);
}
