// The default suite: start-up and idle memory of each broker, then every row on all of them in turn, round by round
// (A B A B …), and at the end what memory they kept.

import { tmpdir } from 'node:os';
import {
  findKafkaLibs,
  installKafka,
  installLibrdkafka,
  type Librdkafka,
  type PeerBroker,
  runChild,
  type System,
  usageOf,
} from '../peers/index.ts';
import type { SuiteRun } from '../suite.ts';
import { probeDisk } from './disk-probe.ts';
import { filledTopic, fillTopic, measureRow } from './row-run.ts';
import { type Row, rows } from './rows.ts';
import { measureStartUp } from './start-up.ts';
import { systemsFor } from './systems.ts';
import { warmMemory } from './warm-memory.ts';

const ROUNDS_ALONE = 3;
const ROUNDS_WITH_PEERS = 5;
const PROBE_BYTES = 512 * 1024 * 1024;
/** A measurement that others disturbed is repeated; after so many times the last is kept, with what disturbed it. */
const TRIES = 3;

export const START_UP = 'start-up';
const MEMORY = 'memory after these runs';
const PROBE = 'disk probe';

interface Running {
  readonly system: System;
  readonly broker: PeerBroker;
}

interface Work {
  readonly run: SuiteRun;
  readonly tools: Librdkafka;
  readonly running: readonly Running[];
  readonly rows: readonly Row[];
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Tools of the clients; undefined, and named as missing, where they can't be had. */
async function findTools(run: SuiteRun): Promise<Librdkafka | undefined> {
  try {
    return await installLibrdkafka();
  } catch (error) {
    run.missing('librdkafka (cargo, make and cc build it)', messageOf(error));
    return undefined;
  }
}

async function javaThere(run: SuiteRun): Promise<boolean> {
  try {
    await installKafka();
  } catch (error) {
    run.missing("Kafka's Java clients", messageOf(error));
  }
  return findKafkaLibs() !== undefined;
}

/** Measures the brokers side by side. */
export async function runBrokers(run: SuiteRun): Promise<void> {
  const { quick, only } = run.options;
  const systems = await systemsFor(run);
  const rounds =
    run.options.rounds ?? (quick ? 1 : systems.length > 2 ? ROUNDS_WITH_PEERS : ROUNDS_ALONE);
  if (START_UP.includes(only)) await measureStartUps(run, systems, rounds);
  const tools = await findTools(run);
  if (tools === undefined) return;
  const java = await javaThere(run);
  const wanted = rows.filter((row) => row.name.includes(only) && (java || !row.java));
  if (wanted.length === 0) return;
  for (const row of wanted) run.describe(row.name, row.how);
  const running: Running[] = [];
  try {
    for (const system of systems) {
      if (!wanted.some((row) => isFor(row, system))) continue;
      running.push({ system, broker: await system.start() });
    }
    const work = { run, tools, running, rows: wanted };
    await fillTopics(work);
    for (let round = 0; round < rounds; round += 1) await measureRound(work, round);
    for (const { system, broker } of running) {
      run.add(system.name, MEMORY, { residentMb: usageOf(broker.pid).residentBytes / 1e6 });
    }
  } finally {
    for (const { broker } of running) await broker.stop();
  }
}

async function measureStartUps(
  run: SuiteRun,
  systems: readonly System[],
  rounds: number,
): Promise<void> {
  const { quick } = run.options;
  run.describe(START_UP, 'from the empty directory to the first record acknowledged with acks=all');
  for (let round = 0; round < rounds; round += 1) {
    for (const system of systems.filter((one) =>
      ['tidemark', 'kafka', 'klite'].includes(one.name),
    )) {
      run.add(system.name, START_UP, await measureStartUp(system, quick ? 500 : 3_000));
    }
  }
}

function isFor(row: Row, { name }: System): boolean {
  return name === 'tidemark' || name === 'kafka' || row.alsoOn.includes(name);
}

/** Writes what the consumers are to read, once for each broker. */
async function fillTopics({ run, tools, running, rows: wanted }: Work): Promise<void> {
  for (const { system, broker } of running) {
    const done = new Set<string>();
    for (const { filled, partitions } of wanted.filter((row) => isFor(row, system))) {
      if (filled === undefined || done.has(filledTopic(filled))) continue;
      done.add(filledTopic(filled));
      run.say(`${system.name}: filling ${filledTopic(filled)}`);
      await fillTopic({ tools, broker, quick: run.options.quick }, filled, partitions);
    }
  }
}

async function measureRound(work: Work, round: number): Promise<void> {
  const { run, running } = work;
  const { quick } = run.options;
  run.describe(
    PROBE,
    'write and fdatasync of 4 MiB in writes of 128 KiB, of 128 KiB, and of 1 KiB over blocks that are there',
  );
  const bytes = quick ? PROBE_BYTES / 16 : PROBE_BYTES;
  run.add('disk', PROBE, probeDisk(bytes, quick ? 100 : 2_000));
  for (const row of work.rows) {
    const chosen = running.filter(({ system }) => isFor(row, system));
    for (const one of chosen) await measureQuietly(work, row, one, round);
  }
}

/** Nobody pays for what another broker has written and left to the system to bring to the disk. */
async function writeBack(): Promise<void> {
  await runChild('sync', []);
}

/**
 * Measures a row, again when others were too busy meanwhile. A peer that does not do the work in time is tried again
 * too, and then named: the other rows go on. Ours has to do all of it.
 */
async function measureQuietly(work: Work, row: Row, one: Running, round: number): Promise<void> {
  const { run, tools } = work;
  const { foreignCoresMax, quick } = run.options;
  const tries = quick ? 1 : TRIES;
  for (let attempt = 1; attempt <= tries; attempt += 1) {
    const topic = `row-${rows.indexOf(row)}-${round}-${attempt}`;
    if (row.writtenBytes !== undefined && !quick) warmMemory(tmpdir(), 2 * row.writtenBytes);
    await writeBack();
    const where = { tools, broker: one.broker, quick };
    const measured = await measureRow(where, row, topic).catch((error: unknown) => {
      if (one.system.name.startsWith('tidemark')) throw error;
      if (attempt === tries) run.missing(`${one.system.name}: ${row.name}`, messageOf(error));
      return undefined;
    });
    if (measured === undefined) continue;
    const { figures, latencies } = measured;
    const foreign = figures['foreignCores'] ?? 0;
    if (foreign > foreignCoresMax && attempt < tries) {
      run.thrownOut(one.system.name, row.name, foreign);
      continue;
    }
    run.add(one.system.name, row.name, figures, latencies);
    return;
  }
}
