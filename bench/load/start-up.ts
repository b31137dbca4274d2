// How long a broker takes from its start to the first acknowledged record, and what it needs when idle.

import { setTimeout as sleep } from 'node:timers/promises';
import {
  GIVEN,
  type MachineUsage,
  machineUsage,
  type PeerBroker,
  removeFolder,
  type System,
  temporaryFolder,
  usageOf,
} from '../peers/index.ts';
import type { Figures, SuiteRun } from '../suite.ts';
import { inTurn, prepareMachine } from './prepare.ts';
import { measureQuietly } from './quietly.ts';
import { acknowledgedRecord, createTopic, RawClient } from './raw-client.ts';
import { foreignSeconds } from './watch.ts';

export const START_UP = 'start-up';
const STARTED: readonly string[] = ['tidemark', 'kafka', GIVEN];
const IDLE_MS = 3_000;
const QUICK_IDLE_MS = 500;

/** Starts each of the systems in turn, round by round, another first in each. */
export async function measureStartUps(
  run: SuiteRun,
  systems: readonly System[],
  rounds: number,
): Promise<void> {
  const idleMs = run.options.quick ? QUICK_IDLE_MS : IDLE_MS;
  run.describe(
    START_UP,
    'from the empty directory to the first record acknowledged with acks=all; memory and CPU when idle are those ' +
      `between ${idleMs / 1e3} and ${(2 * idleMs) / 1e3} s after it, while a JVM still compiles`,
  );
  let able = systems.filter(({ listedAs }) => STARTED.includes(listedAs));
  for (let round = 0; round < rounds; round += 1) {
    for (const system of inTurn(able, round)) {
      const done = await measureQuietly(run, system, START_UP, async () => {
        await prepareMachine(run);
        return { figures: await measureStartUp(system, idleMs) };
      });
      if (!done) able = able.filter((one) => one !== system);
    }
  }
}

interface Begin {
  readonly at: number;
  readonly machine: MachineUsage;
}

async function measure(broker: PeerBroker, began: Begin, idleMs: number): Promise<Figures> {
  const client = await RawClient.connect(broker.port);
  await createTopic(client, 'first', 1);
  await acknowledgedRecord(client, 'first');
  const firstRecordMs = performance.now() - began.at;
  const { cpuSeconds } = usageOf(broker.pid);
  client.close();
  await sleep(idleMs);
  const before = usageOf(broker.pid);
  await sleep(idleMs);
  const after = usageOf(broker.pid);
  const foreign = foreignSeconds(began.machine, machineUsage(), after.cpuSeconds);
  return {
    readyMs: broker.readyMs,
    firstRecordMs,
    startCpuSeconds: cpuSeconds,
    idleResidentMb: after.residentBytes / 1e6,
    foreignCores: foreign / ((performance.now() - began.at) / 1e3),
    idleCpuPercent: ((after.cpuSeconds - before.cpuSeconds) / (idleMs / 1e3)) * 100,
  };
}

/**
 * Starts on an empty directory and stops again. The first record counts from the empty directory on, Kafka's formatting
 * included; `readyMs` from the start of the process. `idleMs` is waited before the idle figures are read.
 */
async function measureStartUp(system: System, idleMs: number): Promise<Figures> {
  const directory = temporaryFolder(`bench-start-${system.name}-`);
  try {
    const began = { at: performance.now(), machine: machineUsage() };
    const broker = await system.start(directory);
    try {
      return await measure(broker, began, idleMs);
    } finally {
      await broker.stop();
    }
  } finally {
    removeFolder(directory);
  }
}
