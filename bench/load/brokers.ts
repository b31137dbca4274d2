// The default suite: start-up and idle memory of each broker, then every row on all of them in turn, once to warm them
// up and then round by round (A B C, B C A, …), and at the end what memory they kept.

import { textOfError } from '../../src/base/errors.ts';
import {
  findKafkaLibs,
  installKafka,
  type Librdkafka,
  type PeerBroker,
  type System,
  usageOf,
  withLastWords,
} from '../peers/index.ts';
import { DISK, DISK_PROBE } from '../report/result.ts';
import { type Subject, type SuiteRun, wants } from '../suite.ts';
import { deletionsOver } from './deletions.ts';
import { probeDisk } from './disk-probe.ts';
import { inTurn, prepareMachine } from './prepare.ts';
import { measureQuietly, orMissing } from './quietly.ts';
import { keptTopic, makeKeptTopic, measureRow, readFilled } from './row-run.ts';
import { type Row, rows } from './rows.ts';
import { measureStartUps, START_UP } from './start-up.ts';
import { findLibrdkafka, systemsFor } from './systems.ts';

const ROUNDS_ALONE = 3;
const ROUNDS_WITH_PEERS = 5;
const PROBE_BYTES = 512 * 1024 * 1024;

const THE_DISK: Subject = { name: DISK, ours: false };
const MEMORY = 'memory after these runs';

interface Running {
  readonly system: System;
  readonly broker: PeerBroker;
  /** Rows that it is for, until it fails in one. */
  readonly rows: Set<Row>;
}

/** A system, by how it is listed, with the rows that it did. */
interface Done {
  readonly system: Pick<System, 'listedAs'>;
  readonly rows: ReadonlySet<Row>;
}

interface Work {
  readonly run: SuiteRun;
  readonly tools: Librdkafka;
  readonly running: Running[];
  readonly rows: readonly Row[];
}

async function javaThere(run: SuiteRun): Promise<boolean> {
  try {
    await installKafka();
  } catch (error) {
    run.missing("Kafka's Java clients", textOfError(error));
  }
  return findKafkaLibs() !== undefined;
}

/** Measures the brokers side by side. */
export async function runBrokers(run: SuiteRun): Promise<void> {
  const { quick } = run.options;
  const startUp = wants(run.options, START_UP);
  const chosen = rows.filter((row) => wants(run.options, row.name));
  if (!startUp && chosen.length === 0) return;
  const systems = await systemsFor(run);
  const rounds =
    run.options.rounds ?? (quick ? 1 : systems.length > 2 ? ROUNDS_WITH_PEERS : ROUNDS_ALONE);
  if (startUp) await measureStartUps(run, systems, rounds);
  if (chosen.length === 0) return;
  const tools = await findLibrdkafka(run, 'librdkafka (cargo, make and cc build it)');
  if (tools === undefined) return;
  const java = chosen.some((row) => row.java) && (await javaThere(run));
  const wanted = chosen.filter((row) => java || !row.java);
  for (const row of wanted) run.describe(row.name, howOf(row, quick), row.unitNote);
  const work: Work = { run, tools, running: [], rows: wanted };
  try {
    for (const system of systems) await start(work, system);
    if (!quick) await warmUp(work);
    for (let round = 0; round < rounds; round += 1) await measureRound(work, round);
    for (const { system, broker } of work.running.filter(didEverything)) {
      run.describe(MEMORY, 'resident, after the last round of all rows that the broker is for');
      run.add(system, MEMORY, { residentMb: usageOf(broker.pid).residentBytes / 1e6 });
    }
  } finally {
    for (const one of work.running) await stop(work, one);
  }
}

function isFor(row: Row, { listedAs }: Pick<System, 'listedAs'>): boolean {
  return listedAs === 'tidemark' || listedAs === 'kafka' || row.alsoOn.includes(listedAs);
}

/** Memory after a part of the rows is another figure: no goal is held against it. */
export function didEverything({ system, rows: done }: Done): boolean {
  return rows.filter((row) => isFor(row, system)).every((row) => done.has(row));
}

/** Starts the broker where there are rows for it, and makes the topics that they need all the time. */
async function start({ run, tools, running, rows: wanted }: Work, system: System): Promise<void> {
  const own = wanted.filter((row) => isFor(row, system));
  if (own.length === 0) return;
  const broker = await orMissing(run, system, 'its start', () => system.start());
  if (broker === undefined) return;
  const able = new Set(own);
  running.push({ system, broker, rows: able });
  const where = { tools, broker, quick: run.options.quick };
  const topics = new Set(own.flatMap((row) => keptTopic(row) ?? []));
  for (const topic of topics) {
    run.say(`${system.name}: making ${topic}`);
    const users = own.filter((row) => keptTopic(row) === topic);
    const [first] = users;
    if (first === undefined) continue;
    const made = await orMissing(run, system, users.map(({ name }) => name).join('; '), () =>
      withLastWords(broker, () =>
        makeKeptTopic(where, first, (line) => run.say(`${system.name}: ${line}`)).then(() => true),
      ),
    );
    if (made === undefined) for (const row of users) able.delete(row);
  }
}

/** A peer that does not end well has been measured all the same. */
async function stop({ run }: Work, { system, broker }: Running): Promise<void> {
  try {
    await broker.stop();
  } catch (error) {
    if (system.ours) run.missing(`${system.name}: an orderly stop`, textOfError(error));
    else run.say(`${system.name} did not stop in order: ${textOfError(error)}`);
  }
}

/** What the report says of the row, with its first time in `warmUp`. */
const howOf = ({ how, warmsUp }: Row, quick: boolean): string =>
  warmsUp && !quick ? `${how}; once before the first round at half the size, not counted` : how;

/**
 * Does each row once on each broker and throws the figures away: a JVM compiles and touches its heap for a whole round,
 * and figures of a cold round would decide medians. What fails here is asked for again where it is measured.
 */
export async function warmUp({ run, running, rows: wanted, tools }: Work): Promise<void> {
  const { quick } = run.options;
  for (const row of wanted.filter(({ warmsUp }) => warmsUp)) {
    for (const { system, broker } of running.filter((one) => one.rows.has(row))) {
      run.say(`${system.name}: ${row.name}: a first time, not counted`);
      const where = { tools, broker, quick, half: true };
      try {
        await measureRow(where, row, `row-${rows.indexOf(row)}-first`);
      } catch (error) {
        run.say(`${system.name}: ${row.name}: ${textOfError(error)}`);
      }
    }
  }
}

async function measureRound(work: Work, round: number): Promise<void> {
  const { run, running, tools } = work;
  const { quick } = run.options;
  run.describe(
    DISK_PROBE,
    'write and fdatasync of 4 MiB in writes of 128 KiB, of 128 KiB, and of 1 KiB over blocks that are there',
  );
  const bytes = quick ? PROBE_BYTES / 16 : PROBE_BYTES;
  await prepare(work, bytes);
  run.add(THE_DISK, DISK_PROBE, probeDisk(bytes, quick ? 100 : 2_000));
  for (const row of work.rows) {
    const able = running.filter((one) => one.rows.has(row));
    for (const one of inTurn(able, round)) {
      const { system, broker } = one;
      const where = { tools, broker, quick };
      const done = await measureQuietly(run, system, row.name, async (attempt) => {
        await prepare(work, row.writtenBytes);
        const topic = `row-${rows.indexOf(row)}-${round}-${attempt}`;
        return withLastWords(broker, async () => {
          await readFilled(where, row);
          return measureRow(where, row, topic);
        });
      });
      if (!done) one.rows.delete(row);
    }
  }
}

/**
 * Nobody pays for what another broker has written and left to the system to bring to the disk, or gives back to it, nor
 * for memory; the probe of the disk neither, which some of our goals are held against.
 */
async function prepare({ run, running }: Work, writtenBytes?: number): Promise<void> {
  if (!(await deletionsOver(running.map(({ broker }) => broker)))) {
    run.say('a broker still has files of deleted topics: the next figures may be of their removal');
  }
  await prepareMachine(run, writtenBytes);
}
