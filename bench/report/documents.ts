// `npm run bench -- readme FILE…`: the tables of README.md, and bench/RESULTS.md.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { projectRoot } from '../peers/index.ts';
import { measurementsSection, README, replaceMeasurements } from './readme.ts';
import type { Report } from './result.ts';
import { RESULTS, resultsPage } from './results-page.ts';
import type { Shown } from './shown.ts';

/** Reads a result. Throws for a file that is none, or of another format. */
export function readReport(file: string): Report {
  const report: Report = JSON.parse(readFileSync(file, 'utf8'));
  if (report.format !== 2)
    throw new Error(`${file} is no result of this version: measure it again`);
  return report;
}

/** A result by its path below the project's folder. */
export const shownAt = (file: string): Shown => ({
  report: readReport(join(projectRoot(), file)),
  file,
});

/** Both documents made of the results, as they stand on the disk else; `others` are kept and only counted. */
export function documentsOf(
  shown: readonly Shown[],
  others: readonly Shown[],
): { readonly [README]: string; readonly [RESULTS]: string } {
  const readme = readFileSync(join(projectRoot(), README), 'utf8');
  return {
    [README]: replaceMeasurements(readme, measurementsSection(shown, others)),
    [RESULTS]: resultsPage(shown),
  };
}

/** Results that git keeps, but for those. */
function keptBut(files: readonly string[]): string[] {
  const { stdout } = spawnSync('git', ['ls-files', '--', 'bench/results/*.json'], {
    encoding: 'utf8',
    cwd: projectRoot(),
  });
  return (stdout ?? '').split('\n').filter((file) => file !== '' && !files.includes(file));
}

/** What forbids to show the results: one of code that no commit has, which nobody could measure again. */
export function faultOf(shown: readonly Shown[]): string | undefined {
  const dirty = shown.find(({ report }) => report.machine['tidemark']?.endsWith('-dirty'));
  if (dirty === undefined) return undefined;
  const { report, file } = dirty;
  return `${file} is of ${report.machine['tidemark']}, code that no commit has: commit, then measure again`;
}

/** Writes both. Answers a fault instead where there is one. */
export function writeDocuments(files: readonly string[]): string | undefined {
  const shown = files.map((file) => shownAt(relative(projectRoot(), resolve(file))));
  const fault = faultOf(shown);
  if (fault !== undefined) return fault;
  const others = keptBut(shown.map(({ file }) => file)).map(shownAt);
  for (const [name, text] of Object.entries(documentsOf(shown, others))) {
    writeFileSync(join(projectRoot(), name), text);
  }
  return undefined;
}
