// How long a broker with much data is away after kill -9 and after an orderly stop: from the start of the process to
// the first metadata answer, and until every partition has acknowledged a record.

import { setTimeout as sleep } from 'node:timers/promises';
import { Metadata } from '../../src/protocol/index.ts';
import { buildBatch } from '../../src/record/index.ts';
import {
  machineUsage,
  type PeerBroker,
  removeFolder,
  type System,
  temporaryFolder,
  usageOf,
} from '../peers/index.ts';
import { type Figures, type SuiteRun, wants } from '../suite.ts';
import { measureQuietly, orMissing } from './quietly.ts';
import { acknowledgedRecord, createTopic, RawClient, recordInEach } from './raw-client.ts';
import { systemsFor } from './systems.ts';
import { foreignSeconds } from './watch.ts';

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
  readonly foreignCores: number;
}

/** Starts on the directory; the times count from the start of the process. */
async function restart(system: System, directory: string): Promise<Restarted> {
  const began = performance.now();
  const before = machineUsage();
  const broker = await system.start(directory);
  const client = await RawClient.connect(broker.port);
  const { topics } = await client.send(Metadata, 4, { topics: [{ name: TOPIC }] });
  const metadataMs = performance.now() - began;
  if (topics[0]?.partitions.length !== PARTITIONS) throw new Error('partitions are missing');
  await acknowledgedRecord(client, TOPIC, PARTITIONS);
  const writableMs = performance.now() - began;
  const { cpuSeconds } = usageOf(broker.pid);
  const foreign = foreignSeconds(before, machineUsage(), cpuSeconds);
  client.close();
  const foreignCores = foreign / (writableMs / 1e3);
  return { broker, metadataMs, writableMs, cpuMs: cpuSeconds * 1e3, foreignCores };
}

/** A system with its data, between two rounds with a broker that runs. */
interface Filled {
  readonly system: System;
  readonly directory: string;
  broker: PeerBroker;
}

async function fillNew(system: System, { bytes }: RestartBench): Promise<Filled> {
  const directory = temporaryFolder('bench-restart-');
  const broker = await system.start(directory);
  try {
    const client = await RawClient.connect(broker.port);
    await createTopic(client, TOPIC, PARTITIONS);
    client.close();
    await fill(broker.port, bytes);
  } catch (error) {
    await broker.kill();
    throw error;
  }
  return { system, directory, broker };
}

/** `kill…` figures after kill -9 in the middle of a load, `clean…` figures after SIGTERM. */
async function measureRestarts(filled: Filled, bench: RestartBench): Promise<Figures> {
  const { system, directory } = filled;
  await killUnderLoad(filled.broker, bench);
  const killed = await restart(system, directory);
  filled.broker = killed.broker;
  await killed.broker.stopKeepingData();
  const clean = await restart(system, directory);
  filled.broker = clean.broker;
  return {
    killReadyMs: killed.broker.readyMs,
    killMetadataMs: killed.metadataMs,
    killWritableMs: killed.writableMs,
    killCpuMs: killed.cpuMs,
    cleanReadyMs: clean.broker.readyMs,
    cleanMetadataMs: clean.metadataMs,
    cleanWritableMs: clean.writableMs,
    cleanCpuMs: clean.cpuMs,
    foreignCores: Math.max(killed.foreignCores, clean.foreignCores),
  };
}

/** The suite `restart`: ours and, where they are asked for, others. */
export async function runRestart(run: SuiteRun): Promise<void> {
  const { quick } = run.options;
  const bench = quick ? quickSize : fullSize;
  const row = 'restart';
  if (!wants(run.options, row)) return;
  const gb = bench.bytes / 1e9;
  run.describe(row, `${gb} GB in ${PARTITIONS} partitions; until each of them took a record`);
  const rounds = run.options.rounds ?? (quick ? 1 : ROUNDS);
  let able: Filled[] = [];
  try {
    for (const system of await systemsFor(run)) {
      if (!['tidemark', 'kafka', 'klite'].includes(system.name)) continue;
      const filled = await orMissing(run, system.name, row, () => fillNew(system, bench));
      if (filled !== undefined) able.push(filled);
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const one of able) {
        const done = await measureQuietly(run, one.system.name, row, async () => ({
          figures: await measureRestarts(one, bench),
        }));
        if (!done) able = able.filter((other) => other !== one);
      }
    }
  } finally {
    for (const { broker, directory } of able) {
      await broker.kill();
      removeFolder(directory);
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
