// What the suites of one run hand over, told as it comes and gathered into its result.

import { processorTimeSource, shownCommand } from './peers/index.ts';
import { commandText } from './report/command-line.ts';
import type { Histogram } from './report/histogram.ts';
import {
  describeMachine,
  Gathered,
  type Missing,
  type Report,
  type ThrownOut,
} from './report/result.ts';
import type { Figures, Subject, SuiteOptions, SuiteRun } from './suite.ts';

/** How the result says where processor time of processes comes from. */
const PROCESSOR_TIME = {
  ns: 'ns, clock_gettime of each process',
  ticks: 'steps of 10 ms, /proc',
} as const;

export class Recording implements SuiteRun {
  readonly options: SuiteOptions;
  readonly #command: string;
  readonly #gathered = new Gathered();
  readonly #ours = new Set<string>();
  readonly #rows: Record<string, string> = {};
  readonly #unitNotes: Record<string, string> = {};
  readonly #suites: Record<string, string> = {};
  readonly #absent: Missing[] = [];
  readonly #disturbed: ThrownOut[] = [];
  readonly #tell: (line: string) => void;

  /** The suite that measures now. */
  suite = '';

  /** `words`: of the command line. `tell`: lines on progress, for people. */
  constructor(options: SuiteOptions, words: readonly string[], tell: (line: string) => void) {
    this.options = options;
    this.#command = commandText(words);
    this.#tell = tell;
  }

  add({ name, ours }: Subject, row: string, figures: Figures, latencies?: Histogram): void {
    this.#gathered.add(name, row, figures, latencies);
    if (ours) this.#ours.add(name);
    this.#suites[row] = this.suite;
    const few = Object.entries(figures).map(([what, value]) => `${what} ${value.toPrecision(4)}`);
    this.say(`${name}: ${row}: ${few.join(', ')}`);
  }

  describe(row: string, how: string, unitNote?: string): void {
    this.#rows[row] = how;
    if (unitNote !== undefined) this.#unitNotes[row] = unitNote;
  }

  missing(what: string, why: string): void {
    if (this.#absent.some((one) => one.what === what)) return;
    this.#absent.push({ what, why });
    this.say(`missing: ${what}: ${why}`);
  }

  thrownOut(system: string, row: string, foreignCores: number): void {
    this.#disturbed.push({ system, row, foreignCores });
    this.say(`thrown out: ${system}: ${row}: others kept ${foreignCores.toFixed(2)} cores busy`);
  }

  say(line: string): void {
    this.#tell(line);
  }

  report(): Report {
    const { given } = this.options;
    const commands = given.map((peer) => [peer.name, shownCommand(peer)] as const);
    return {
      format: 2,
      date: new Date().toISOString(),
      quick: this.options.quick,
      command: this.#command,
      machine: { ...describeMachine(), 'processor time': PROCESSOR_TIME[processorTimeSource()] },
      ...(given.length > 0 && { peers: Object.fromEntries(commands) }),
      ours: [...this.#ours],
      rows: this.#rows,
      unitNotes: this.#unitNotes,
      suites: this.#suites,
      missing: this.#absent,
      thrownOut: this.#disturbed,
      foreignCoresMax: this.options.foreignCoresMax,
      results: this.#gathered.results(),
    };
  }
}
