// What a suite of `npm run bench` is, and what it gets: one function that measures and hands its figures over.

import type { GivenPeer } from './peers/index.ts';
import type { Histogram } from './report/histogram.ts';

/** Named numbers of one measurement, the unit at the end of the name. MB are 10^6 and GB 10^9 payload bytes. */
export type Figures = Readonly<Record<string, number>>;

/** Whose figures they are: a broker, a client on one, a tool. */
export interface Subject {
  readonly name: string;
  /** Ours has to do everything: what it does not do ends the suite. */
  readonly ours: boolean;
}

/** Ours, with its defaults. */
export const TIDEMARK: Subject = { name: 'tidemark', ours: true };

/** What was asked for on the command line. */
export interface SuiteOptions {
  /** Whether it only has to show that the suite works: a tenth of the work or less. */
  readonly quick: boolean;
  /** Systems measured beside ours, by name. */
  readonly peers: readonly string[];
  /** Those of them that are given by their command. */
  readonly given: readonly GivenPeer[];
  /** How often each row is measured; undefined: as the suite sees fit. */
  readonly rounds: number | undefined;
  /** Only rows whose name holds one of these texts; all where there is none. */
  readonly only: readonly string[];
  /** Names of rows that suites have, noted as they are asked for. */
  readonly offered?: Set<string>;
  /** Whether all rows are profiled after the measurement; else those whose goals are not reached. */
  readonly profile: boolean;
  /** A measurement is thrown out when other processes kept more cores than this busy. */
  readonly foreignCoresMax: number;
}

/** Whether a row was asked for. */
export function wants({ only, offered }: SuiteOptions, row: string): boolean {
  offered?.add(row);
  return only.length === 0 || only.some((text) => row.includes(text));
}

/** One run of a suite. */
export interface SuiteRun {
  readonly options: SuiteOptions;
  /**
   * Adds one measurement of `row` of `subject`; several of the same row become min / median / max. A histogram of
   * latencies in milliseconds is added to those of the row's other measurements.
   */
  add(subject: Subject, row: string, figures: Figures, latencies?: Histogram): void;
  /**
   * Notes how a row was measured: settings, sizes, the client. `unitNote`: what its sizes are of, where it is not what
   * reaches the broker.
   */
  describe(row: string, how: string, unitNote?: string): void;
  /** Notes what could not be measured, and why; it is told at the end and kept in the result. */
  missing(what: string, why: string): void;
  /** Notes that a measurement was thrown out because others kept that many cores busy. */
  thrownOut(system: string, row: string, foreignCores: number): void;
  /** A line on progress, for people. */
  say(line: string): void;
}

/** Measures and adds rows. A suite that prints its own tables adds none, and no result is written. */
export type SuiteRunner = (run: SuiteRun) => Promise<void>;

/** A row of the table in run.ts. */
export interface Suite {
  readonly about: string;
  /**
   * When it runs though no suite is named: of ours alone, beside peers that speak Kafka's protocol, beside those of
   * other kinds, under `--quick`.
   */
  readonly unasked: readonly ('alone' | 'beside' | 'others' | 'quick')[];
  readonly load: () => Promise<SuiteRunner>;
}
