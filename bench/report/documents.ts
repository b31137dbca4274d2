// `npm run bench -- readme FILE…`: the tables of README.md, and bench/RESULTS.md.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { projectRoot } from '../peers/index.ts';
import { measurementsSection, README, replaceMeasurements } from './readme.ts';
import type { Report } from './result.ts';
import { RESULTS, resultsPage } from './results-page.ts';
import type { Shown } from './shown.ts';

/** Our setting that leaves syncing to the system. */
const UNSYNCED = 'tidemark-os';

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

/** Files of the results that git keeps, below the project's folder. */
export function keptResults(): string[] {
  const { stdout } = spawnSync('git', ['ls-files', '--', 'bench/results/*.json'], {
    encoding: 'utf8',
    cwd: projectRoot(),
  });
  return (stdout ?? '').split('\n').filter((file) => file !== '');
}

/** What forbids to show or count one of the results. */
export function faultOf(results: readonly Shown[]): string | undefined {
  for (const { report, file } of results) {
    const code = report.machine['tidemark'] ?? '';
    // Nobody could measure it again.
    if (code.endsWith('-dirty')) {
      return `${file} is of ${code}, code that no commit has: commit, then measure again`;
    }
    const synced = report.results.find(
      ({ system, spread }) => system === UNSYNCED && (spread['syncs']?.median ?? 0) > 0,
    );
    if (synced !== undefined) {
      const { row, spread } = synced;
      const times = `${spread['syncs']?.median} times in "${row}"`;
      return `${file} has ${UNSYNCED} syncing, ${times}: measure again with a --flush os that works`;
    }
  }
  return undefined;
}

/** Writes both. Answers a fault instead where there is one. */
export function writeDocuments(files: readonly string[]): string | undefined {
  const shown = files.map((file) => shownAt(relative(projectRoot(), resolve(file))));
  const others = keptResults()
    .filter((kept) => shown.every(({ file }) => file !== kept))
    .map(shownAt);
  const fault = faultOf([...shown, ...others]);
  if (fault !== undefined) return fault;
  for (const [name, text] of Object.entries(documentsOf(shown, others))) {
    writeFileSync(join(projectRoot(), name), text);
  }
  return undefined;
}
