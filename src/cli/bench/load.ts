// The phases of `tidemark bench`: probes with one record at a time, as fast as it goes, reading it back, and records at
// a fixed rate from when each was due until it was read.

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Cluster,
  LogReader,
  listOffsets,
  Producer,
  type ProducerOptions,
  SpecialTime,
} from '../../client/index.ts';
import { Latencies, type LatencySummary } from './latencies.ts';

export interface LoadPlan {
  readonly topic: string;
  readonly partitions: number;
  readonly recordBytes: number;
  readonly seconds: number;
  /** Records a second of the last phase. */
  readonly perSecond: number;
  /** Writing ends here even before the time is over. */
  readonly maxBytes: number;
  readonly producer: ProducerOptions<'buffer', 'buffer'>;
}

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

const LIVE_MS = 200;
const PROBES = 60;
const PROBE_MS = 2_000;
/** A record carries when it was due in its first bytes. */
const STAMP_BYTES = 8;
const VALUES = 64;
const DRAIN_MS = 10_000;

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
    this.#values = Array.from({ length: VALUES }, () => sampleValue(plan.recordBytes));
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

  /** As fast as it goes; the latency is that of a record from its giving to its acknowledgement. */
  async produce(): Promise<Rates & { readonly latency: LatencySummary }> {
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
    if (failure !== undefined) throw failure;
    return { ...this.#rates(latencies.count, began, busy), latency: latencies.summary() };
  }

  /** Reads back all that was written, every record decoded. */
  async consume(): Promise<Rates> {
    const ends = await this.#logEnds();
    const wanted = ends.reduce((sum, end) => sum + end, 0);
    const reader = new LogReader(this.#cluster, { topic: this.#plan.topic });
    for (const partition of ends.keys()) reader.set(partition, 0);
    const began = performance.now();
    const busy = performance.eventLoopUtilization();
    let read = 0;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#signal]);
    for await (const chunk of reader.read(signal)) {
      read += chunk.records.length;
      this.#show('reading', read, began);
      if (read >= wanted) stop.abort();
    }
    return this.#rates(read, began, busy);
  }

  /**
   * Records at a fixed rate, whatever the cluster does meanwhile: each latency counts from when its record was due, so
   * that a pause is charged to every record that it held up. `late`: how late this client itself gave the records.
   */
  async tail(): Promise<{ readonly latency: LatencySummary; readonly late: LatencySummary }> {
    const { partitions, perSecond, seconds, topic, producer: options } = this.#plan;
    const reader = new LogReader(this.#cluster, { topic });
    const ends = await this.#logEnds();
    for (const [partition, end] of ends.entries()) reader.set(partition, end);
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#signal]);
    const latencies = new Latencies();
    const late = new Latencies();
    const total = Math.max(1, Math.round(perSecond * seconds));
    const reading = (async () => {
      for await (const chunk of reader.read(signal)) {
        const now = performance.now();
        for (const { value } of chunk.records) {
          if (value !== null) latencies.add(now - value.readDoubleLE(0));
        }
        if (latencies.count >= total) stop.abort();
      }
    })();
    const producer = new Producer(this.#cluster, options);
    let failure: Error | undefined;
    const began = performance.now();
    const fail = (error: Error): void => {
      failure ??= error;
    };
    try {
      for (let sent = 0; sent < total && failure === undefined && !this.#signal.aborted; ) {
        const now = performance.now();
        for (; sent < total && dueOf(sent) <= now - began; sent += 1) {
          const record = this.#record(sent % partitions, sent);
          const value = Buffer.from(record.value);
          value.writeDoubleLE(began + dueOf(sent), 0);
          late.add(now - began - dueOf(sent));
          if (!producer.enqueue({ ...record, value }, null, fail)) await producer.drained();
        }
        this.#show(`${perSecond}/s, from due to read`, latencies.count, began);
        await sleep(1);
      }
      await producer.close();
      const given = performance.now() + DRAIN_MS;
      while (latencies.count < total && failure === undefined && this.#goesOn(given))
        await sleep(5);
    } finally {
      stop.abort();
      await reading;
    }
    if (failure !== undefined) throw failure;
    return { latency: latencies.summary(), late: late.summary() };

    function dueOf(index: number): number {
      return (index / perSecond) * 1000;
    }
  }

  async #logEnds(): Promise<number[]> {
    const { topic } = this.#plan;
    const partitions = Array.from({ length: this.#plan.partitions }, (_, partition) => partition);
    const timestamp = SpecialTime.latest;
    const found = await listOffsets(this.#cluster, topic, { partitions, timestamp });
    return partitions.map((partition) => found.get(partition)?.offset ?? 0);
  }

  #record(partition: number, index = 0): { topic: string; partition: number; value: Buffer } {
    const value = this.#values[index % VALUES] ?? Buffer.alloc(0);
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
