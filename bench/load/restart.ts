// How long a broker with much data is away after kill -9 and after an orderly stop: from the start of the process to
// the first metadata answer, and until every partition has acknowledged a record.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Metadata, Produce } from '../../src/protocol/index.ts';
import { buildBatch } from '../../src/record/index.ts';
import { type PeerBroker, startBroker, usageOf } from '../peers/index.ts';
import type { SuiteRun } from '../suite.ts';
import { createTopic, RawClient } from './raw-client.ts';
import type { Figures } from './workloads.ts';

const TOPIC = 'filled';
const PARTITIONS = 100;
const RECORD_BYTES = 1000;
const BATCH_RECORDS = 100;
const FILL_CONNECTIONS = 4;
/** How often each way of stopping is measured. */
const TIMES = 3;
const PAUSE_MS = 2;

interface RestartBench {
  /** Bytes of all partitions together. */
  readonly bytes: number;
}

const fullSize: RestartBench = { bytes: 2_000_000_000 };
const quickSize: RestartBench = { bytes: 100_000_000 };

/** One Produce request with a batch for each of the partitions; answers which of them took it. */
async function produceTo(
  client: RawClient,
  partitions: readonly number[],
  records: Buffer,
  acks: 1 | -1,
): Promise<number[]> {
  const partitionData = partitions.map((index) => ({ index, records }));
  const topicData = [{ name: TOPIC, partitionData }];
  const answer = await client.send(Produce, 7, { acks, timeoutMs: 30_000, topicData });
  const answers = answer.responses[0]?.partitionResponses ?? [];
  return answers.filter((one) => one.errorCode === 0).map((one) => one.index);
}

function batchOf(records: number): Buffer {
  // Values that differ, as real ones do; nothing here compresses.
  return buildBatch(
    Array.from({ length: records }, (_, index) => ({
      timestamp: Date.now(),
      key: null,
      value: Buffer.alloc(RECORD_BYTES, `record ${index} `),
    })),
  );
}

async function fill(port: number, bytes: number): Promise<void> {
  const rounds = Math.ceil(bytes / (PARTITIONS * BATCH_RECORDS * RECORD_BYTES));
  const records = batchOf(BATCH_RECORDS);
  const shares = Array.from({ length: FILL_CONNECTIONS }, (_, share) =>
    Array.from({ length: PARTITIONS }, (_unused, index) => index).filter(
      (index) => index % FILL_CONNECTIONS === share,
    ),
  );
  await Promise.all(
    shares.map(async (partitions) => {
      const client = await RawClient.connect(port);
      for (let round = 0; round < rounds; round += 1) {
        const taken = await produceTo(client, partitions, records, -1);
        if (taken.length < partitions.length) throw new Error('filling: a batch was refused');
      }
      client.close();
    }),
  );
}

interface Restarted {
  readonly broker: PeerBroker;
  readonly metadataMs: number;
  readonly writableMs: number;
  /** Time of the processor up to then, in steps of 10 ms: on a busy machine the steadier figure. */
  readonly cpuMs: number;
}

/** Starts on the directory; the times count from the start of the process. */
async function restart(directory: string): Promise<Restarted> {
  const began = performance.now();
  const broker = await startBroker({ kind: 'tidemark', directory });
  const client = await RawClient.connect(broker.port);
  const { topics } = await client.send(Metadata, 4, { topics: [{ name: TOPIC }] });
  const metadataMs = performance.now() - began;
  if (topics[0]?.partitions.length !== PARTITIONS) throw new Error('partitions are missing');
  let left = Array.from({ length: PARTITIONS }, (_, index) => index);
  const record = batchOf(1);
  while (left.length > 0) {
    const taken = new Set(await produceTo(client, left, record, -1));
    left = left.filter((index) => !taken.has(index));
    if (left.length > 0) await sleep(PAUSE_MS);
  }
  const writableMs = performance.now() - began;
  const cpuMs = usageOf(broker.pid).cpuSeconds * 1e3;
  client.close();
  return { broker, metadataMs, writableMs, cpuMs };
}

/**
 * Fills a new directory, then stops and starts it again and again: `kill…` figures after kill -9 in the middle of a
 * load, `clean…` figures after SIGTERM. Answers one set of figures for each time.
 */
async function measureRestarts(bench: RestartBench): Promise<Figures[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-restart-'));
  let broker = await startBroker({ kind: 'tidemark', directory });
  const runs: Figures[] = [];
  try {
    const client = await RawClient.connect(broker.port);
    await createTopic(client, TOPIC, PARTITIONS);
    client.close();
    await fill(broker.port, bench.bytes);
    for (let time = 0; time < TIMES; time += 1) {
      await killUnderLoad(broker, bench);
      const killed = await restart(directory);
      await killed.broker.stopKeepingData();
      const clean = await restart(directory);
      broker = clean.broker;
      runs.push({
        killReadyMs: killed.broker.readyMs,
        killMetadataMs: killed.metadataMs,
        killWritableMs: killed.writableMs,
        killCpuMs: killed.cpuMs,
        cleanReadyMs: clean.broker.readyMs,
        cleanMetadataMs: clean.metadataMs,
        cleanWritableMs: clean.writableMs,
        cleanCpuMs: clean.cpuMs,
      });
    }
  } finally {
    await broker.kill();
    rmSync(directory, { recursive: true, force: true });
  }
  return runs;
}

/** The suite `restart`: ours alone. */
export async function runRestart(run: SuiteRun): Promise<void> {
  const runs = await measureRestarts(run.options.quick ? quickSize : fullSize);
  for (const figures of runs) run.add('tidemark', `restart, ${PARTITIONS} partitions`, figures);
}

/** Kills it while every partition is being written to. */
async function killUnderLoad(broker: PeerBroker, { bytes }: RestartBench): Promise<void> {
  const loading = fill(broker.port, bytes / 10).catch(() => undefined);
  await sleep(1_000);
  await broker.kill();
  await loading;
}
