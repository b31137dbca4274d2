// How a measurement is tried: again when others took too much of the machine meanwhile, and, of a peer, again when it
// fails; then the peer is named as missing in this row, and everything else goes on.

import { textOfError } from '../../src/base/errors.ts';
import type { Histogram } from '../report/histogram.ts';
import type { Figures, Subject, SuiteRun } from '../suite.ts';

export interface MeasuredRow {
  readonly figures: Figures;
  readonly latencies?: Histogram;
}

/** A measurement that others disturbed is repeated; after so many the last is kept, with what disturbed it. */
const TRIES = 3;
/** A peer's failure is repeated once: it may take minutes until one is sure of it. */
const FAILURES = 2;

/** Does what a system has to do. Answers undefined, and names it as missing, when a peer does not do it. */
export async function orMissing<T>(
  run: SuiteRun,
  system: Subject,
  what: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (system.ours) throw error;
    run.missing(`${system.name}: ${what}`, textOfError(error));
    return undefined;
  }
}

/**
 * Measures until the machine was quiet enough and adds what came out. `measure` is told which try it is. Answers
 * whether the system did it.
 */
export async function measureQuietly(
  run: SuiteRun,
  system: Subject,
  row: string,
  measure: (attempt: number) => Promise<MeasuredRow>,
): Promise<boolean> {
  const { foreignCoresMax, quick } = run.options;
  const tries = quick ? 1 : TRIES;
  let failures = 0;
  for (let attempt = 1; ; attempt += 1) {
    let measured: MeasuredRow;
    try {
      measured = await measure(attempt);
    } catch (error) {
      failures += 1;
      if (system.ours) throw error;
      if (failures < FAILURES && attempt < tries) continue;
      run.missing(`${system.name}: ${row}`, textOfError(error));
      return false;
    }
    const foreign = measured.figures['foreignCores'] ?? 0;
    if (foreign > foreignCoresMax && attempt < tries) {
      run.thrownOut(system.name, row, foreign);
      continue;
    }
    run.add(system, row, measured.figures, measured.latencies);
    return true;
  }
}
