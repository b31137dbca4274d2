// The results that the documents show: of what two have, the first counts.

import { dirname, relative } from 'node:path';
import { suiteOf } from './facts.ts';
import { DISK, type Report } from './result.ts';
import { type Judged, judge } from './verdicts.ts';
import { titleOf } from './words.ts';

/** A result, and its file below the project's folder. */
export interface Shown {
  readonly report: Report;
  readonly file: string;
}

/** A goal with the run that says how far it is reached. */
export interface Line {
  readonly report: Report;
  readonly judged: Judged;
}

/** Every goal, each from the first result that has it. */
export function linesOf(shown: readonly Shown[]): Line[] {
  const lines = new Map<string, Line>();
  for (const { report } of shown) {
    for (const judged of judge(report)) {
      const { row, figure, ours, against } = judged.goal;
      const key = [row, figure, ours, against].join('\n');
      if (!lines.has(key)) lines.set(key, { report, judged });
    }
  }
  return [...lines.values()];
}

/** Whom the goals are beside, in the order of the goals; '' for those that are absolute. */
export const peersOf = (lines: readonly Line[]): string[] => [
  ...new Set(lines.map(({ judged }) => judged.goal.against ?? '')),
];

/** Its links to a result and its report, from a document below the project's folder. */
export function linksTo(file: string, document: string): { result: string; page: string } {
  const result = relative(dirname(document), file);
  return { result, page: result.replace(/\.json$/, '.html') };
}

/** For each result the suites that are taken from it; with whom, where the rest of the suite is another's. */
export function suitesTaken(shown: readonly Shown[]): string[] {
  const seen = new Set<string>();
  return shown.map(({ report }) => {
    const taken = new Map<string, Set<string>>();
    const partly = new Set<string>();
    for (const { system, row } of report.results) {
      if (system === DISK) continue;
      const suite = suiteOf(report, row);
      if (seen.has(`${system}\n${row}`)) partly.add(suite);
      else taken.set(suite, (taken.get(suite) ?? new Set()).add(system));
    }
    for (const { system, row } of report.results) seen.add(`${system}\n${row}`);
    const names = [...taken].map(([suite, systems]) =>
      partly.has(suite) ? `${suite} (only ${[...systems].map(titleOf).join(', ')})` : suite,
    );
    return names.length === 0 ? 'nothing' : names.join(', ');
  });
}
