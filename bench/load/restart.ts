// How long a broker with much data is away after kill -9 and after an orderly stop: from the start of the process to
// the first metadata answer, and until every partition has acknowledged a record.

import { Metadata } from '../../src/protocol/index.ts';
import {
  GIVEN,
  machineUsage,
  type PeerBroker,
  removeFolder,
  type System,
  temporaryFolder,
  usageOf,
} from '../peers/index.ts';
import { type Figures, type SuiteRun, wants } from '../suite.ts';
import { fill, killUnderLoad } from './kill-under-load.ts';
import { inTurn, prepareMachine } from './prepare.ts';
import { measureQuietly, orMissing } from './quietly.ts';
import { acknowledgedRecord, createTopic, RawClient } from './raw-client.ts';
import { systemsFor } from './systems.ts';
import { foreignSeconds } from './watch.ts';

const ROW = 'restart';
const MEASURED: readonly string[] = ['tidemark', 'kafka', GIVEN];
const TOPIC = 'filled';
const PARTITIONS = 100;
const FILLING = { topic: TOPIC, partitions: PARTITIONS };
/** More than a load writes in its second. */
const LOAD_BYTES = 500_000_000;
/** How often each way of stopping is measured. */
const ROUNDS = 3;

interface RestartBench {
  /** Bytes of all partitions together. */
  readonly bytes: number;
}

const fullSize: RestartBench = { bytes: 2_000_000_000 };
const quickSize: RestartBench = { bytes: 100_000_000 };

interface Restarted {
  readonly broker: PeerBroker;
  readonly metadataMs: number;
  readonly writableMs: number;
  /** Time of the processor up to then: on a busy machine the steadier figure. */
  readonly cpuMs: number;
  readonly foreignCores: number;
}

/** A system with its data. */
interface Filled {
  readonly system: System;
  readonly directory: string;
  /** Null while none runs: between two starts, and after a start that failed. */
  broker: PeerBroker | null;
}

/** Starts on the directory; the times count from the start of the process. */
async function restart(filled: Filled): Promise<Restarted> {
  const began = performance.now();
  const before = machineUsage();
  const broker = await filled.system.start(filled.directory);
  filled.broker = broker;
  const client = await RawClient.connect(broker.port);
  try {
    const { topics } = await client.send(Metadata, 4, { topics: [{ name: TOPIC }] });
    const metadataMs = performance.now() - began;
    if (topics[0]?.partitions.length !== PARTITIONS) throw new Error('partitions are missing');
    await acknowledgedRecord(client, TOPIC, PARTITIONS);
    const writableMs = performance.now() - began;
    const { cpuSeconds } = usageOf(broker.pid);
    const foreign = foreignSeconds(before, machineUsage(), cpuSeconds);
    const foreignCores = foreign / (writableMs / 1e3);
    return { broker, metadataMs, writableMs, cpuMs: cpuSeconds * 1e3, foreignCores };
  } finally {
    client.close();
  }
}

async function fillNew(filled: Filled, { bytes }: RestartBench): Promise<void> {
  const broker = await filled.system.start(filled.directory);
  filled.broker = broker;
  const client = await RawClient.connect(broker.port);
  try {
    await createTopic(client, TOPIC, PARTITIONS);
  } finally {
    client.close();
  }
  await fill(broker.port, FILLING, bytes);
}

/** `kill…` figures after kill -9 in the middle of a load, `clean…` figures after SIGTERM. */
async function measureRestarts(filled: Filled): Promise<Figures> {
  // A try that failed may have left none running.
  filled.broker ??= await filled.system.start(filled.directory);
  await killUnderLoad(filled.broker, FILLING);
  filled.broker = null;
  const killed = await restart(filled);
  filled.broker = null;
  await killed.broker.stopKeepingData();
  const clean = await restart(filled);
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

/** One that runs beside what is measured next would cost it, with a broker and gigabytes. */
async function remove({ broker, directory }: Filled): Promise<void> {
  await broker?.kill();
  removeFolder(directory);
}

/** The suite `restart`: ours and, where they are asked for, others. */
export async function runRestart(run: SuiteRun): Promise<void> {
  const { quick } = run.options;
  const bench = quick ? quickSize : fullSize;
  if (!wants(run.options, ROW)) return;
  const gb = bench.bytes / 1e9;
  run.describe(
    ROW,
    `${gb} GB in ${PARTITIONS} partitions, and what a load has written when it is killed in it after a second; ` +
      'until each of them took a record',
  );
  const systems = (await systemsFor(run)).filter(({ listedAs }) => MEASURED.includes(listedAs));
  await measureSystems(run, systems, bench);
}

/** Fills all of them, then restarts each in turn, another first in each round; one that fails ends at once. */
export async function measureSystems(
  run: SuiteRun,
  systems: readonly System[],
  bench: RestartBench,
): Promise<void> {
  const rounds = run.options.rounds ?? (run.options.quick ? 1 : ROUNDS);
  const able = new Set<Filled>();
  const giveUp = (one: Filled): Promise<void> => {
    able.delete(one);
    return remove(one);
  };
  try {
    for (const system of systems) {
      const one: Filled = { system, directory: temporaryFolder('bench-restart-'), broker: null };
      able.add(one);
      const done = await orMissing(run, system, ROW, async () => {
        await fillNew(one, bench);
        return true;
      });
      if (done === undefined) await giveUp(one);
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const one of inTurn([...able], round)) {
        const done = await measureQuietly(run, one.system, ROW, async () => {
          await prepareMachine(run, LOAD_BYTES);
          return { figures: await measureRestarts(one) };
        });
        if (!done) await giveUp(one);
      }
    }
  } finally {
    for (const one of able) await remove(one);
  }
}
