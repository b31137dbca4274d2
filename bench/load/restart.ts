// How long a broker with much data is away after kill -9 and after an orderly stop: from the start of the process to
// the first metadata answer, and until every partition has acknowledged a record.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Metadata } from '../../src/protocol/index.ts';
import { buildBatch } from '../../src/record/index.ts';
import { type PeerBroker, type System, usageOf } from '../peers/index.ts';
import type { Figures, SuiteRun } from '../suite.ts';
import { acknowledgedRecord, createTopic, RawClient, recordInEach } from './raw-client.ts';
import { systemsFor } from './systems.ts';

const TOPIC = 'filled';
const PARTITIONS = 100;
const RECORD_BYTES = 1000;
const BATCH_RECORDS = 100;
const FILL_CONNECTIONS = 4;
/** How often each way of stopping is measured. */
const ROUNDS = 3;

interface RestartBench {
  /** Bytes of all partitions together. */
  readonly bytes: number;
}

const fullSize: RestartBench = { bytes: 2_000_000_000 };
const quickSize: RestartBench = { bytes: 100_000_000 };

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
        await recordInEach(client, TOPIC, partitions, records);
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
async function restart(system: System, directory: string): Promise<Restarted> {
  const began = performance.now();
  const broker = await system.start(directory);
  const client = await RawClient.connect(broker.port);
  const { topics } = await client.send(Metadata, 4, { topics: [{ name: TOPIC }] });
  const metadataMs = performance.now() - began;
  if (topics[0]?.partitions.length !== PARTITIONS) throw new Error('partitions are missing');
  await acknowledgedRecord(client, TOPIC, PARTITIONS);
  const writableMs = performance.now() - began;
  const cpuMs = usageOf(broker.pid).cpuSeconds * 1e3;
  client.close();
  return { broker, metadataMs, writableMs, cpuMs };
}

/**
 * Fills a new directory, then stops and starts it again and again: `kill…` figures after kill -9 in the middle of a
 * load, `clean…` figures after SIGTERM. Answers one set of figures for each time.
 */
async function measureRestarts(
  system: System,
  bench: RestartBench,
  rounds: number,
): Promise<Figures[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-restart-'));
  let broker = await system.start(directory);
  const runs: Figures[] = [];
  try {
    const client = await RawClient.connect(broker.port);
    await createTopic(client, TOPIC, PARTITIONS);
    client.close();
    await fill(broker.port, bench.bytes);
    for (let time = 0; time < rounds; time += 1) {
      await killUnderLoad(broker, bench);
      const killed = await restart(system, directory);
      await killed.broker.stopKeepingData();
      const clean = await restart(system, directory);
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

/** The suite `restart`: ours and, where they are asked for, others. */
export async function runRestart(run: SuiteRun): Promise<void> {
  const { quick, only } = run.options;
  const bench = quick ? quickSize : fullSize;
  const row = 'restart';
  if (!row.includes(only)) return;
  const gb = bench.bytes / 1e9;
  run.describe(row, `${gb} GB in ${PARTITIONS} partitions; until each of them took a record`);
  for (const system of await systemsFor(run)) {
    if (!['tidemark', 'kafka', 'klite'].includes(system.name)) continue;
    const rounds = run.options.rounds ?? (quick ? 1 : ROUNDS);
    for (const figures of await measureRestarts(system, bench, rounds)) {
      run.add(system.name, row, figures);
    }
  }
}

/** Kills it while every partition is being written to. */
async function killUnderLoad(broker: PeerBroker, { bytes }: RestartBench): Promise<void> {
  const loading = fill(broker.port, bytes / 10).catch(() => undefined);
  await sleep(1_000);
  await broker.kill();
  await loading;
}
