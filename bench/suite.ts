// What a suite of `npm run bench` is, and what it gets: one function that measures and hands its figures over.

import type { Figures } from './load/workloads.ts';

/** What was asked for on the command line. */
export interface SuiteOptions {
  /** Whether it only has to show that the suite works: a tenth of the work or less. */
  readonly quick: boolean;
  /** Systems measured beside ours, by name. */
  readonly peers: readonly string[];
  /** How often each row is measured; undefined: as the suite sees fit. */
  readonly rounds: number | undefined;
  /** Only rows whose name holds this text; '' is all. */
  readonly only: string;
}

/** One run of a suite. */
export interface SuiteRun {
  readonly options: SuiteOptions;
  /** Adds one measurement of `row` on `system`; several of the same row become min / median / max. */
  add(system: string, row: string, figures: Figures): void;
  /** Notes what could not be measured, and why; it is told at the end and kept in the result. */
  missing(what: string, why: string): void;
  /** A line on progress, for people. */
  say(line: string): void;
}

/** Measures and adds rows. A suite that prints its own tables adds none, and no result is written. */
export type SuiteRunner = (run: SuiteRun) => Promise<void>;

/** A row of the table in run.ts. */
export interface Suite {
  readonly about: string;
  readonly load: () => Promise<SuiteRunner>;
}
